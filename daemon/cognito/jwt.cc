#include "daemon/cognito/jwt.h"

#include <memory>
#include <utility>

#include "daemon/cognito/base64.h"
#include "daemon/cognito/bounds.h"
#include "daemon/cognito/json.h"

namespace pamcognito::cognito {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::expected<JsonDocument, std::string> parse_part(std::string_view part, const char* name) {
  const auto text = base64url_decode(part);
  if (!text) return std::unexpected(std::string(name) + " is not base64url");
  auto value = parse_json_object(*text);
  if (!value) return std::unexpected(std::string(name) + ": " + value.error());
  return value;
}

std::expected<void, std::string> check_equal(const Json::Value& claims, const char* name,
                                             std::string_view wanted) {
  const auto value = required_string(claims, name, kMaxAttribute);
  if (!value) return std::unexpected(value.error());
  if (*value != wanted) return std::unexpected(std::string(name) + " is another one");
  return {};
}

std::expected<void, std::string> check_times(const Json::Value& claims, std::time_t now) {
  const auto expiry = optional_integer(claims, "exp");
  if (!expiry) return std::unexpected(expiry.error());
  if (!*expiry) return std::unexpected("exp is missing");
  if (**expiry <= now) return std::unexpected("the token has expired, or this clock is ahead");
  const auto not_before = optional_integer(claims, "nbf");
  if (!not_before) return std::unexpected(not_before.error());
  if (*not_before && **not_before > now + kNotBeforeGrace) {
    return std::unexpected("the token is not valid yet, or this clock is behind");
  }
  return {};
}

// A boolean in Cognito's own tokens; mapped attributes are strings.
std::expected<bool, std::string> read_flag(const Json::Value& claims, const char* name) {
  if (!claims.isMember(name) || claims[name].isNull()) return false;
  if (claims[name].isBool()) return claims[name].asBool();
  const auto text = optional_string(claims, name, kMaxName);
  if (!text || !*text) return std::unexpected(std::string(name) + " is not a boolean");
  return **text == "true";
}

}  // namespace

std::expected<Jwt, std::string> parse_jwt(std::string_view token) {
  if (token.size() > kMaxToken)
    return std::unexpected("the token has more than the " + std::to_string(kMaxToken) +
                           " bytes that cognitod accepts");
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return std::unexpected("the token has not three parts");
  }
  const auto header = parse_part(token.substr(0, first), "the header");
  if (!header) return std::unexpected(header.error());
  if (auto algorithm = check_equal(header->root(), "alg", "RS256"); !algorithm) {
    return std::unexpected(algorithm.error());
  }
  // RFC 7515 section 4.1.11: what `crit` names must be understood, and nothing of it is.
  if (header->root().isMember("crit")) return std::unexpected("the header has crit");
  auto kid = required_string(header->root(), "kid", kMaxName);
  if (!kid) return std::unexpected(kid.error());
  auto claims = parse_part(token.substr(first + 1, second - first - 1), "the payload");
  if (!claims) return std::unexpected(claims.error());
  auto issuer = required_string(claims->root(), "iss", kMaxAttribute);
  if (!issuer) return std::unexpected(issuer.error());
  auto signature = base64url_decode(token.substr(second + 1));
  if (!signature || signature->empty()) return std::unexpected("the signature is not base64url");

  Jwt jwt;
  jwt.kid = std::move(*kid);
  jwt.issuer = std::move(*issuer);
  jwt.claims = std::move(*claims);
  jwt.signed_part = token.substr(0, second);
  jwt.signature = std::move(*signature);
  return jwt;
}

bool has_valid_signature(const Jwt& token, EVP_PKEY* key) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(token.signature), token.signature.size(),
                          bytes_of(token.signed_part), token.signed_part.size()) == 1;
}

std::expected<void, std::string> check_claims(const Json::Value& claims, TokenUse use,
                                              std::string_view client_id, std::time_t now) {
  const bool access = use == TokenUse::access;
  if (auto result = check_equal(claims, "token_use", access ? "access" : "id"); !result) {
    return result;
  }
  if (auto result = check_equal(claims, access ? "client_id" : "aud", client_id); !result) {
    return result;
  }
  return check_times(claims, now);
}

std::expected<VerifiedTokens, std::string> read_identity(const Json::Value& access_claims,
                                                         const Json::Value& id_claims) {
  auto sub = required_string(access_claims, "sub", kMaxName);
  if (!sub) return std::unexpected(sub.error());
  auto username = required_string(access_claims, "username", kMaxName);
  if (!username) return std::unexpected(username.error());
  for (const auto& [name, value] :
       {std::pair("sub", &*sub), std::pair("cognito:username", &*username)}) {
    if (auto result = check_equal(id_claims, name, *value); !result) {
      return std::unexpected("id token: " + result.error());
    }
  }
  auto groups = string_list(access_claims, "cognito:groups", kMaxGroups, kMaxName);
  if (!groups) return std::unexpected(groups.error());
  std::size_t groups_size = 0;
  for (const std::string& group : *groups) groups_size += group.size() + 2;
  if (groups_size > kMaxGroupsBytes)
    return std::unexpected("cognito:groups has " + std::to_string(groups_size) +
                           " bytes, more than the " + std::to_string(kMaxGroupsBytes) +
                           " that cognitod accepts");
  auto email = optional_string(id_claims, "email", kMaxAttribute);
  if (!email) return std::unexpected(email.error());
  const auto email_verified = read_flag(id_claims, "email_verified");
  if (!email_verified) return std::unexpected(email_verified.error());

  VerifiedTokens verified;
  verified.sub = std::move(*sub);
  verified.username = std::move(*username);
  verified.email = email->value_or("");
  verified.email_verified = *email_verified;
  verified.groups = std::move(*groups);
  return verified;
}

}  // namespace pamcognito::cognito
