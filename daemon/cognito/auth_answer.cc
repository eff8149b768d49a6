#include "daemon/cognito/auth_answer.h"

#include <array>
#include <utility>

#include "daemon/cognito/bounds.h"

namespace pamcognito::cognito {
namespace {

struct NameRow {
  std::string_view wire_name;
  ChallengeName name;
};

constexpr std::array kNames = {
    NameRow{"SMS_MFA", ChallengeName::sms_mfa},
    NameRow{"EMAIL_OTP", ChallengeName::email_otp},
    NameRow{"SOFTWARE_TOKEN_MFA", ChallengeName::software_token_mfa},
    NameRow{"SELECT_MFA_TYPE", ChallengeName::select_mfa_type},
    NameRow{"MFA_SETUP", ChallengeName::mfa_setup},
    NameRow{"NEW_PASSWORD_REQUIRED", ChallengeName::new_password_required},
    NameRow{"CUSTOM_CHALLENGE", ChallengeName::custom_challenge},
};

std::string parameter(const StringMap& parameters, const char* name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

PoolResult<Tokens> read_tokens(const ApiAnswer& answer, const Json::Value& result) {
  Tokens tokens;
  auto access = required_string(result, "AccessToken", kMaxToken);
  if (!access) return answer.bad_response(access.error());
  auto id = required_string(result, "IdToken", kMaxToken);
  if (!id) return answer.bad_response(id.error());
  auto refresh = optional_string(result, "RefreshToken", kMaxRefreshToken);
  if (!refresh) return answer.bad_response(refresh.error());
  const auto device = optional_object(result, "NewDeviceMetadata");
  if (!device) return answer.bad_response(device.error());
  if (*device != nullptr) {
    auto key = optional_string(**device, "DeviceKey", kMaxName);
    if (!key) return answer.bad_response(key.error());
    auto group = optional_string(**device, "DeviceGroupKey", kMaxName);
    if (!group) return answer.bad_response(group.error());
    tokens.device_key = key->value_or("");
    tokens.device_group_key = group->value_or("");
  }
  tokens.access_token = std::move(*access);
  tokens.id_token = std::move(*id);
  tokens.refresh_token = refresh->value_or("");
  tokens.request_id = answer.request_id;
  return tokens;
}

// The challenge without the name that is to be used from here on.
PoolResult<Challenge> read_challenge(const ApiAnswer& answer, std::string wire_name) {
  const Json::Value& root = answer.document.root();
  auto session = optional_string(root, "Session", kMaxSession);
  if (!session) return answer.bad_response(session.error());
  auto parameters = string_map(root, "ChallengeParameters", kMaxParameters, kMaxParameter);
  if (!parameters) return answer.bad_response(parameters.error());
  Challenge challenge;
  challenge.name = challenge_name(wire_name);
  challenge.wire_name = std::move(wire_name);
  challenge.challenge_session = session->value_or("");
  challenge.parameters = std::move(*parameters);
  challenge.request_id = answer.request_id;
  return challenge;
}

}  // namespace

ChallengeName challenge_name(std::string_view wire_name) {
  for (const auto& row : kNames) {
    if (row.wire_name == wire_name) return row.name;
  }
  return ChallengeName::other;
}

PoolResult<AuthStep> read_auth_answer(const ApiAnswer& answer, const std::string& username,
                                      runtime::MonotonicTime received) {
  const Json::Value& root = answer.document.root();
  auto name = optional_string(root, "ChallengeName", kMaxName);
  if (!name) return answer.bad_response(name.error());
  const auto result = optional_object(root, "AuthenticationResult");
  if (!result) return answer.bad_response(result.error());
  const bool has_challenge = *name && !(*name)->empty();
  const bool has_tokens = *result != nullptr;
  if (has_challenge == has_tokens) {
    return answer.bad_response(has_tokens ? "the answer holds a challenge and tokens"
                                          : "the answer holds neither challenge nor tokens");
  }
  if (has_tokens) {
    auto tokens = read_tokens(answer, **result);
    if (!tokens) return std::unexpected(std::move(tokens.error()));
    return AuthStep(std::move(*tokens));
  }
  auto challenge = read_challenge(answer, std::move(**name));
  if (!challenge) return std::unexpected(std::move(challenge.error()));
  if (challenge->challenge_session.empty()) return answer.bad_response("Session is missing");
  challenge->username = parameter(challenge->parameters, "USER_ID_FOR_SRP");
  if (challenge->username.empty()) challenge->username = username;
  challenge->received = received;
  return AuthStep(std::move(*challenge));
}

PoolResult<PasswordVerifierChallenge> read_password_verifier(const ApiAnswer& answer) {
  const Json::Value& root = answer.document.root();
  auto name = required_string(root, "ChallengeName", kMaxName);
  if (!name) return answer.bad_response(name.error());
  if (*name != "PASSWORD_VERIFIER" || root.isMember("AuthenticationResult")) {
    return answer.bad_response("the answer is not PASSWORD_VERIFIER");
  }
  const auto challenge = read_challenge(answer, std::move(*name));
  if (!challenge) return std::unexpected(challenge.error());
  PasswordVerifierChallenge verifier;
  verifier.salt_hex = parameter(challenge->parameters, "SALT");
  verifier.b_hex = parameter(challenge->parameters, "SRP_B");
  verifier.secret_block = parameter(challenge->parameters, "SECRET_BLOCK");
  verifier.user_id = parameter(challenge->parameters, "USER_ID_FOR_SRP");
  verifier.challenge_session = challenge->challenge_session;
  if (verifier.salt_hex.empty() || verifier.b_hex.empty() || verifier.secret_block.empty() ||
      verifier.user_id.empty() || verifier.user_id.size() > kMaxName) {
    return answer.bad_response("PASSWORD_VERIFIER lacks a parameter");
  }
  return verifier;
}

}  // namespace pamcognito::cognito
