#include "daemon/sessions/session.h"

#include <openssl/evp.h>

#include <cstring>
#include <string_view>

namespace pamcognito::sessions {

// Not the endpoint: the same pool may be reached by another way (PrivateLink, FIPS).
std::uint64_t pool_fingerprint(const cognito::PoolConfig& pool) {
  // A NUL is in neither of them, so that no two pairs make the same text.
  const std::string text = pool.user_pool_id + '\0' + pool.client_id;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  // Fails only without memory; 0 then fits no session, which ends them, as it should.
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    return 0;
  std::uint64_t fingerprint = 0;
  std::memcpy(&fingerprint, digest.data(), sizeof fingerprint);
  return fingerprint;
}

}  // namespace pamcognito::sessions
