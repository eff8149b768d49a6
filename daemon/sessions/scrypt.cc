#include "daemon/sessions/scrypt.h"

#include <openssl/evp.h>

namespace pamcognito::sessions {

bool scrypt(std::string_view password, std::span<const std::uint8_t> salt, const ScryptCost& cost,
            std::span<std::uint8_t> hash) noexcept {
  // OpenSSL's own bound is 32 MiB, which is what N = 2^15 and r = 8 just exceed.
  constexpr std::uint64_t kMaxMemory = 64ULL << 20U;
  // An empty view may be null, which OpenSSL takes for "only check the parameters".
  const char* const text = password.empty() ? "" : password.data();
  return EVP_PBE_scrypt(text, password.size(), salt.data(), salt.size(), cost.n, cost.r, cost.p,
                        kMaxMemory, hash.data(), hash.size()) == 1;
}

}  // namespace pamcognito::sessions
