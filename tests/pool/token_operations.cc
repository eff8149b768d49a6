#include <algorithm>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "tests/pool/api_errors.h"
#include "tests/pool/crypto.h"
#include "tests/pool/devices.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

namespace pamcognito::pool {

namespace {

Json::Value tokens_of(ApiCall& call, const Grant& grant, const User& user, const Client& client) {
  TokenSubject subject;
  subject.username = user.username;
  subject.sub = user.sub;
  subject.attributes = user.attributes;
  subject.groups = user.groups;
  subject.roles = user.roles;
  subject.client_id = client.id;
  subject.auth_time_s = grant.auth_time_s;
  subject.id_validity_s = client.id_token_validity_s;
  subject.access_validity_s = client.access_token_validity_s;
  subject.origin_jti = grant.origin_jti;
  subject.event_id = grant.event_id;
  subject.device_key = grant.device_key;
  TokenPair pair = call.pool.tokens.issue(subject, call.pool.clock.wall_s(), call.forgery);
  Json::Value result;
  result["AccessToken"] = std::move(pair.access);
  result["IdToken"] = std::move(pair.id);
  result["ExpiresIn"] = Json::Int64{client.access_token_validity_s};
  result["TokenType"] = "Bearer";
  return result;
}

Json::Value only_tokens(Json::Value result) {
  Json::Value answer;
  answer["AuthenticationResult"] = std::move(result);
  return answer;
}

// As InitiateAuth and RespondToAuthChallenge answer.
Json::Value authentication_result(Json::Value result) {
  Json::Value answer = only_tokens(std::move(result));
  answer["ChallengeParameters"] = Json::objectValue;
  return answer;
}

int64_t refresh_expiry(const ApiCall& call, const Client& client) {
  return call.pool.clock.life_ms() + client.refresh_token_validity_s * 1000;
}

struct UsableToken {
  RefreshToken& token;
  User& user;
};

// Which operation refreshes: they name different exceptions.
enum class By : std::uint8_t { initiate_auth, get_tokens };

// The model names neither UserNotConfirmedException nor PasswordResetRequiredException for
// GetTokensFromRefreshToken.
std::expected<void, ApiError> check_status_at_refresh(const PoolSettings& settings, By operation,
                                                      const User& user) {
  auto fit = check_status(user);
  if (fit || operation == By::initiate_auth || settings.get_tokens_tells_status ||
      fit.error().name == "NotAuthorizedException") {
    return fit;
  }
  return not_authorized("Invalid Refresh Token");
}

std::expected<UsableToken, ApiError> usable_token(ApiCall& call, const Client& client,
                                                  const std::string& text,
                                                  const std::string& device_key, By operation) {
  Pool& pool = call.pool;
  RefreshToken* token = pool.grants.find(text);
  if (token == nullptr || token->grant->client_id != client.id) {
    return not_authorized("Invalid Refresh Token");
  }
  if (token->grant->revoked) return not_authorized("Refresh Token has been revoked");
  if (token->expires_life_ms <= pool.clock.life_ms()) {
    return not_authorized("Refresh Token has expired");
  }
  if (token->rotated_life_ms &&
      pool.clock.life_ms() - *token->rotated_life_ms >= client.retry_grace_period_s * 1000) {
    return refuse("RefreshTokenReuseException", "Refresh token has already been used.");
  }
  User* user = pool.users.find(token->grant->username);
  if (user == nullptr) return user_not_found();
  if (const auto fit = check_status_at_refresh(pool.settings, operation, *user); !fit) {
    return std::unexpected(fit.error());
  }
  if (const auto fit = check_device_at_refresh(pool.settings, *user, *token->grant, device_key);
      !fit) {
    return std::unexpected(fit.error());
  }
  return UsableToken{*token, *user};
}

// New tokens of a grant. A refresh that names no device gets a new key.
Json::Value refreshed_tokens(ApiCall& call, const UsableToken& usable, const Client& client,
                             const std::string& device_key) {
  Grant& grant = *usable.token.grant;
  const Json::Value device =
      device_key.empty() ? new_device(call.pool, usable.user, grant) : Json::Value();
  Json::Value result = tokens_of(call, grant, usable.user, client);
  if (!device.isNull()) result["NewDeviceMetadata"] = device;
  return result;
}

}  // namespace

ApiResult new_tokens(ApiCall& call, User& user, const Client& client) {
  Pool& pool = call.pool;
  auto grant = std::make_shared<Grant>();
  grant->username = user.username;
  grant->client_id = client.id;
  grant->event_id = random_uuid();
  grant->auth_time_s = pool.clock.wall_s();
  grant->number = pool.grants.next_number();
  if (client.enable_token_revocation) grant->origin_jti = random_uuid();
  const Json::Value device = new_device(pool, user, *grant);
  Json::Value result = tokens_of(call, *grant, user, client);
  if (!device.isNull()) result["NewDeviceMetadata"] = device;
  result["RefreshToken"] = pool.grants.issue(grant, refresh_expiry(call, client));
  if (pool.settings.token_sessions_per_user > 0) {
    pool.grants.keep_newest(user.username, pool.settings.token_sessions_per_user);
  }
  return authentication_result(std::move(result));
}

ApiResult refresh_by_initiate_auth(ApiCall& call, const Client& client,
                                   const Json::Value& parameters) {
  const std::string text = string_at(parameters, "REFRESH_TOKEN");
  if (text.empty()) return missing_parameter("REFRESH_TOKEN");
  if (client.refresh_token_rotation) {
    return invalid_parameter("Refresh token rotation is enabled, use GetTokensFromRefreshToken");
  }
  const std::string device_key = string_at(parameters, "DEVICE_KEY");
  const auto usable = usable_token(call, client, text, device_key, By::initiate_auth);
  if (!usable) return std::unexpected(usable.error());
  if (const auto hash =
          check_secret_hash(client, usable->user.username, string_at(parameters, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  return authentication_result(refreshed_tokens(call, *usable, client, device_key));
}

ApiResult get_tokens_from_refresh_token(ApiCall& call) {
  const auto client = required_client(call);
  if (!client) return std::unexpected(client.error());
  const std::string text = string_at(call.body, "RefreshToken");
  if (text.empty()) return null_member("refreshToken");
  if ((*client)->secret && string_at(call.body, "ClientSecret") != *(*client)->secret) {
    return not_authorized("Unable to verify secret for client " + (*client)->id);
  }
  const std::string device_key = string_at(call.body, "DeviceKey");
  const auto usable = usable_token(call, **client, text, device_key, By::get_tokens);
  if (!usable) return std::unexpected(usable.error());
  Json::Value result = refreshed_tokens(call, *usable, **client, device_key);
  if ((*client)->refresh_token_rotation) {
    if (!usable->token.rotated_life_ms) usable->token.rotated_life_ms = call.pool.clock.life_ms();
    // Rotation does not prolong the family: the new token ends when the old one would have.
    const int64_t expires = usable->token.expires_life_ms;
    result["RefreshToken"] = call.pool.grants.issue(usable->token.grant, expires);
  }
  return only_tokens(std::move(result));
}

ApiResult revoke_token(ApiCall& call) {
  const auto client = required_client(call);
  if (!client) return std::unexpected(client.error());
  const std::string text = string_at(call.body, "Token");
  if (text.empty()) return null_member("token");
  if ((*client)->secret && string_at(call.body, "ClientSecret") != *(*client)->secret) {
    return refuse("UnauthorizedException", "Unable to verify secret for client " + (*client)->id);
  }
  if (!(*client)->enable_token_revocation) {
    return refuse("UnsupportedOperationException", "Token revocation is not enabled for client");
  }
  RefreshToken* token = call.pool.grants.find(text);
  if (token == nullptr && std::count(text.begin(), text.end(), '.') == 2) {
    return refuse("UnsupportedTokenTypeException", "Only refresh tokens can be revoked");
  }
  // RFC 7009 section 2.2: an unknown token is no error.
  if (token != nullptr && token->grant->client_id == (*client)->id) {
    call.pool.grants.revoke(*token->grant);
  }
  return Json::Value(Json::objectValue);
}

}  // namespace pamcognito::pool
