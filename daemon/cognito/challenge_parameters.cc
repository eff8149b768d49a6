#include "daemon/cognito/challenge_parameters.h"

#include <json/json.h>

#include <exception>
#include <memory>
#include <utility>

#include "daemon/cognito/bounds.h"

namespace pamcognito::cognito {
namespace {

std::optional<policy::Method> method_of(std::string_view wire_name) {
  if (wire_name == "SOFTWARE_TOKEN_MFA") return policy::Method::totp;
  if (wire_name == "SMS_MFA") return policy::Method::sms;
  if (wire_name == "EMAIL_OTP" || wire_name == "EMAIL_MFA") return policy::Method::email;
  return std::nullopt;
}

// The JSON text of a parameter; nullopt: none, too long, or not JSON.
std::optional<Json::Value> json_parameter(const Challenge& challenge, const char* name) {
  const auto parameter = challenge.parameters.find(name);
  if (parameter == challenge.parameters.end() || parameter->second.size() > kMaxParameter)
    return std::nullopt;
  Json::CharReaderBuilder builder;
  Json::CharReaderBuilder::strictMode(&builder.settings_);
  builder["stackLimit"] = 8;
  const std::unique_ptr<Json::CharReader> reader(builder.newCharReader());
  const std::string& text = parameter->second;
  Json::Value value;
  std::string errors;
  try {
    if (!reader->parse(text.data(), text.data() + text.size(), &value, &errors))
      return std::nullopt;
  } catch (const std::exception&) {  // jsoncpp throws when the nesting passes its limit
    return std::nullopt;
  }
  return value;
}

std::vector<OfferedFactor> offered_factors(const Challenge& challenge, const char* parameter) {
  const auto names = json_parameter(challenge, parameter);
  if (!names || !names->isArray() || names->size() > kMaxFactors) return {};
  std::vector<OfferedFactor> offered;
  for (const Json::Value& name : *names) {
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
    return {{policy::Method::totp, "SOFTWARE_TOKEN_MFA"}};
  }
  return offered_factors(challenge, parameter);
}

std::optional<std::vector<std::string>> missing_attributes(const Challenge& challenge) {
  if (!challenge.parameters.contains("requiredAttributes")) return std::vector<std::string>();
  const auto required = json_parameter(challenge, "requiredAttributes");
  const auto present = json_parameter(challenge, "userAttributes");
  if (!required || !required->isArray() || required->size() > kMaxRequiredAttributes)
    return std::nullopt;
  std::vector<std::string> missing;
  for (const Json::Value& entry : *required) {
    if (!entry.isString()) return std::nullopt;
    std::string name = entry.asString();
    if (name.starts_with(kAttributePrefix)) name.erase(0, kAttributePrefix.size());
    const bool has_value = present && present->isObject() && present->isMember(name) &&
                           (*present)[name].isString() && !(*present)[name].asString().empty();
    if (!has_value) missing.push_back(std::move(name));
  }
  return missing;
}

std::optional<policy::Method> factor_of(ChallengeName name) {
  switch (name) {
    case ChallengeName::sms_mfa:
      return policy::Method::sms;
    case ChallengeName::email_otp:
      return policy::Method::email;
    case ChallengeName::software_token_mfa:
      return policy::Method::totp;
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
