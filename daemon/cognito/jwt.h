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

// A token taken apart. Nothing in it may be believed before has_valid_signature() said yes.
struct Jwt {
  std::string kid;
  std::string issuer;
  JsonDocument claims;
  std::string signed_part;  // header.payload as received
  std::string signature;

  Jwt() = default;
};

// The errors of these functions say what is wrong, for the log, and quote nothing of the token.
// RS256 is the only algorithm.
std::expected<Jwt, std::string> parse_jwt(std::string_view token);

bool has_valid_signature(const Jwt& token, EVP_PKEY* key);

enum class TokenUse : std::uint8_t { access, id };

// What a token must say besides its signature. exp counts without grace: a token is checked seconds
// after it was made. nbf has a grace of 60 s, so that a host clock that is a little behind signs
// in.
inline constexpr std::time_t kNotBeforeGrace = 60;
std::expected<void, std::string> check_claims(const Json::Value& claims, TokenUse use,
                                              std::string_view client_id, std::time_t now);

// Who the two tokens, whose signatures and claims were checked, say that the person is; an error if
// they do not agree.
std::expected<VerifiedTokens, std::string> read_identity(const Json::Value& access_claims,
                                                         const Json::Value& id_claims);

}  // namespace pamcognito::cognito
