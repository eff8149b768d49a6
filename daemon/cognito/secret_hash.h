#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pamcognito::cognito {

// SECRET_HASH of an app client that has a secret: base64 of HMAC-SHA256(secret, username + client
// id). `username` is the one that the same request carries. nullopt: OpenSSL failed.
// https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
std::optional<std::string> secret_hash(std::string_view client_secret, std::string_view username,
                                       std::string_view client_id);

}  // namespace pamcognito::cognito
