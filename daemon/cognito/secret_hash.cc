#include "daemon/cognito/secret_hash.h"

#include "daemon/cognito/base64.h"
#include "daemon/cognito/digest.h"

namespace pamcognito::cognito {

std::optional<std::string> secret_hash(std::string_view client_secret, std::string_view username,
                                       std::string_view client_id) {
  const auto digest = hmac_sha256(client_secret, {username, client_id});
  if (!digest) return std::nullopt;
  return base64_encode(digest->bytes());
}

}  // namespace pamcognito::cognito
