#include "daemon/cognito/factors.h"

#include <json/json.h>

#include <exception>
#include <memory>

namespace pamcognito::cognito {
namespace {

constexpr std::size_t kMaxParameter = 4096;
constexpr Json::ArrayIndex kMaxFactors = 16;

std::optional<policy::Method> method_of(std::string_view wire_name) {
  if (wire_name == "SOFTWARE_TOKEN_MFA") return policy::Method::totp;
  if (wire_name == "SMS_MFA") return policy::Method::sms;
  if (wire_name == "EMAIL_OTP" || wire_name == "EMAIL_MFA") return policy::Method::email;
  return std::nullopt;
}

std::vector<OfferedFactor> parse(const std::string& text) {
  Json::CharReaderBuilder builder;
  Json::CharReaderBuilder::strictMode(&builder.settings_);
  builder["stackLimit"] = 8;
  const std::unique_ptr<Json::CharReader> reader(builder.newCharReader());
  Json::Value names;
  std::string errors;
  if (!reader->parse(text.data(), text.data() + text.size(), &names, &errors)) return {};
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
  const auto parameter = challenge.parameters.find("MFAS_CAN_CHOOSE");
  if (parameter == challenge.parameters.end() || parameter->second.size() > kMaxParameter)
    return {};
  try {
    return parse(parameter->second);
  } catch (const std::exception&) {  // jsoncpp throws when the nesting passes its limit
    return {};
  }
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
