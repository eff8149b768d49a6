#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <climits>
#include <cstdint>
#include <string>
#include <string_view>

#include "accounts/keeper.h"

namespace pamcognito::accounts {

uid_t uid_of(std::string_view fleet_key, std::string_view pool, std::string_view name, uid_t first,
             uid_t last) {
  std::string message(pool);
  message.push_back('\0');
  message.append(name);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (last < first || fleet_key.size() > INT_MAX ||
      ::HMAC(::EVP_sha256(), fleet_key.data(), static_cast<int>(fleet_key.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
             &size) == nullptr)
    return 0;
  // The remainder of the digest as one number, the first byte being the highest.
  const std::uint64_t count = std::uint64_t{last} - first + 1;
  std::uint64_t rest = 0;
  for (unsigned int i = 0; i < size; ++i) rest = (rest * 256 + digest[i]) % count;
  return static_cast<uid_t>(first + rest);
}

}  // namespace pamcognito::accounts
