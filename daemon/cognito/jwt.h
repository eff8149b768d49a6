#pragma once

#include <cstdint>
#include <ctime>
#include <expected>
#include <string>
#include <string_view>

#include "daemon/cognito/json.h"
#include "daemon/cognito/jwk.h"
#include "daemon/cognito/user_pool.h"

// JSON Web Tokens (RFC 7519, RFC 7515) as Cognito makes them:
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
namespace pamcognito::cognito {

// A parsed token. No member may be trusted before has_valid_signature() has returned true.
struct Jwt {
  std::string kid;
  std::string issuer;
  JsonDocument claims;
  std::string signed_part;  // header.payload as received
  std::string signature;

  Jwt() = default;
};

// The errors of these functions name the fault for the log, and quote nothing of the token. RS256
// is the only algorithm.
std::expected<Jwt, std::string> parse_jwt(std::string_view token);

bool has_valid_signature(const Jwt& token, EVP_PKEY* key);

enum class TokenUse : std::uint8_t { access, id };

// Checks the claims of a token, apart from its signature. exp has no grace: a token is checked
// seconds after it was made. nbf has a grace of 60 s, so that a host whose clock is a little behind
// can sign users in.
inline constexpr std::time_t kNotBeforeGrace = 60;
std::expected<void, std::string> check_claims(const Json::Value& claims, TokenUse use,
                                              std::string_view client_id, std::time_t now);

// The identity in two tokens whose signatures and claims were checked; an error if they disagree.
std::expected<VerifiedTokens, std::string> read_identity(const Json::Value& access_claims,
                                                         const Json::Value& id_claims);

}  // namespace pamcognito::cognito
