#include "daemon/cognito/challenge_parameters.h"

#include <utility>

#include "daemon/cognito/bounds.h"
#include "daemon/cognito/json.h"

namespace pamcognito::cognito {
namespace {

std::optional<Method> method_of(std::string_view wire_name) {
  if (wire_name == "SOFTWARE_TOKEN_MFA") return Method::totp;
  if (wire_name == "SMS_MFA") return Method::sms;
  if (wire_name == "EMAIL_OTP" || wire_name == "EMAIL_MFA") return Method::email;
  return std::nullopt;
}

// The JSON text of a parameter; nullopt: none, too long, or not JSON.
std::optional<JsonDocument> json_parameter(const Challenge& challenge, const char* name) {
  const auto parameter = challenge.parameters.find(name);
  if (parameter == challenge.parameters.end() || parameter->second.size() > kMaxParameter)
    return std::nullopt;
  auto document = parse_json(parameter->second);
  if (!document) return std::nullopt;
  return std::move(*document);
}

std::vector<OfferedFactor> offered_factors(const Challenge& challenge, const char* parameter) {
  const auto document = json_parameter(challenge, parameter);
  if (!document) return {};
  const Json::Value& names = document->root();
  if (!names.isArray() || names.size() > kMaxFactors) return {};
  std::vector<OfferedFactor> offered;
  for (const Json::Value& name : names) {
    if (!name.isString()) return {};
    const std::string wire_name = name.asString();
    if (const auto method = method_of(wire_name)) offered.push_back({*method, wire_name});
  }
  return offered;
}

}  // namespace

std::vector<OfferedFactor> factors_to_choose(const Challenge& challenge) {
  return offered_factors(challenge, "MFAS_CAN_CHOOSE");
}

std::vector<OfferedFactor> factors_to_set_up(const Challenge& challenge) {
  constexpr const char* parameter = "MFAS_CAN_SETUP";
  if (!challenge.parameters.contains(parameter)) {
    return {{Method::totp, "SOFTWARE_TOKEN_MFA"}};
  }
  return offered_factors(challenge, parameter);
}

std::optional<std::vector<std::string>> missing_attributes(const Challenge& challenge) {
  if (!challenge.parameters.contains("requiredAttributes")) return std::vector<std::string>();
  const auto document = json_parameter(challenge, "requiredAttributes");
  if (!document) return std::nullopt;
  const Json::Value& required = document->root();
  if (!required.isArray() || required.size() > kMaxRequiredAttributes) return std::nullopt;
  const JsonDocument present = json_parameter(challenge, "userAttributes").value_or(JsonDocument());
  std::vector<std::string> missing;
  for (const Json::Value& entry : required) {
    if (!entry.isString()) return std::nullopt;
    std::string name = entry.asString();
    if (name.starts_with(kAttributePrefix)) name.erase(0, kAttributePrefix.size());
    const auto value = optional_string(present.root(), name.c_str(), kMaxParameter);
    if (!value || !*value || (*value)->empty()) missing.push_back(std::move(name));
  }
  return missing;
}

std::optional<Method> factor_of(ChallengeName name) {
  switch (name) {
    case ChallengeName::sms_mfa:
      return Method::sms;
    case ChallengeName::email_otp:
      return Method::email;
    case ChallengeName::software_token_mfa:
      return Method::totp;
    case ChallengeName::select_mfa_type:
    case ChallengeName::mfa_setup:
    case ChallengeName::new_password_required:
    case ChallengeName::custom_challenge:
    case ChallengeName::other:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace pamcognito::cognito
