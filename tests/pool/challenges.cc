#include <algorithm>
#include <expected>
#include <string>
#include <vector>

#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

// The steps between the password and the tokens: the choice of a challenge, and its answers.
namespace pamcognito::pool {

namespace {

std::vector<std::string> usable_factors(const PoolSettings& settings, const User& user) {
  std::vector<std::string> factors;
  for (const std::string& factor : user.mfa_enabled) {
    if (contains(settings.mfa_types, factor) && user.can_receive(factor)) factors.push_back(factor);
  }
  return factors;
}

// A factor that is switched on and has no address any more, or the only one of a pool that asks
// everybody, for a user who never had a number.
bool lacks_an_address(const PoolSettings& settings, const User& user) {
  const bool lost = std::ranges::any_of(user.mfa_enabled, [&](const std::string& factor) {
    return contains(settings.mfa_types, factor) && !user.can_receive(factor);
  });
  return lost || (settings.mfa_configuration == "ON" &&
                  settings.mfa_types == std::vector<std::string>{kSms} && !user.can_receive(kSms));
}

Json::Value send_code(ApiCall& call, const User& user, const Client& client,
                      const std::string& factor, const std::string& destination, Session session) {
  const PoolSettings& settings = call.pool.settings;
  const bool sms = factor == kSms;
  const std::string medium = sms ? "SMS" : "EMAIL";
  session.code = random_digits(
      static_cast<size_t>(sms ? settings.sms_code_digits : settings.email_code_digits));
  deliver_code(call.pool, user, medium, destination, session.code, "Your authentication code is");
  Json::Value parameters;
  parameters["CODE_DELIVERY_DELIVERY_MEDIUM"] = medium;
  parameters["CODE_DELIVERY_DESTINATION"] = masked(medium, destination);
  return challenge_answer(call, user, client, factor, std::move(parameters), std::move(session));
}

Json::Value ask_factor(ApiCall& call, const User& user, const Client& client,
                       const std::string& factor) {
  if (factor != kTotp) {
    const std::string destination = user.attribute(factor == kSms ? "phone_number" : "email");
    return send_code(call, user, client, factor, destination, Session{});
  }
  Json::Value parameters(Json::objectValue);
  if (!user.device_name.empty()) parameters["FRIENDLY_DEVICE_NAME"] = user.device_name;
  return challenge_answer(call, user, client, factor, std::move(parameters), Session{});
}

ApiResult second_factor_given(ApiCall& call, const OpenStep& step, const Client& client) {
  step.session.used = true;
  step.user.code_lock.succeeded();
  return new_tokens(call, step.user, client);
}

}  // namespace

ApiResult ask_second_factor(ApiCall& call, User& user, const Client& client) {
  const PoolSettings& settings = call.pool.settings;
  if (settings.mfa_configuration == "OFF") return new_tokens(call, user, client);
  const std::vector<std::string> factors = usable_factors(settings, user);
  if (factors.empty()) {
    if (settings.missing_number == "exception" && lacks_an_address(settings, user)) {
      return refuse("MFAMethodNotFoundException", "No MFA mechanism registerd in the account.");
    }
    return settings.mfa_configuration == "ON" ? ask_mfa_setup(call, user, client)
                                              : new_tokens(call, user, client);
  }
  if (user.mfa_preferred && contains(factors, *user.mfa_preferred)) {
    return ask_factor(call, user, client, *user.mfa_preferred);
  }
  if (factors.size() == 1) return ask_factor(call, user, client, factors.front());
  Json::Value parameters;
  parameters["MFAS_CAN_CHOOSE"] = to_text(to_json(factors));
  Session session;
  session.offered = factors;
  return challenge_answer(call, user, client, "SELECT_MFA_TYPE", std::move(parameters),
                          std::move(session));
}

ApiResult prove_new_email(ApiCall& call, const User& user, const Client& client,
                          const std::string& address) {
  Session session;
  session.new_email = address;
  return send_code(call, user, client, kEmail, address, std::move(session));
}

ApiResult after_password(ApiCall& call, User& user, const Client& client, bool custom) {
  user.password_lock.succeeded();
  if (user.blocked_by_risk) return not_authorized("Unable to login because of security reasons.");
  if (const auto fit = check_status(user); !fit) return std::unexpected(fit.error());
  if (user.status == "FORCE_CHANGE_PASSWORD") {
    return ask_new_password(call, user, client, custom);
  }
  return custom ? begin_custom_rounds(call, user, client) : ask_second_factor(call, user, client);
}

ApiResult answer_message_code(ApiCall& call, const Client& client, const Json::Value& responses) {
  const auto step = open_step(call, client, responses);
  if (!step) return std::unexpected(step.error());
  const std::string member = step->session.challenge + "_CODE";
  if (!responses.isMember(member)) return missing_parameter(member);
  if (!may_try(call, step->user)) return attempts_exceeded();
  if (!equal_constant_time(string_at(responses, member), step->session.code)) {
    step->user.code_lock.failed(call.pool.clock.life_ms());
    return code_mismatch();
  }
  if (!step->session.new_email.empty()) {
    step->user.attributes["email"] = step->session.new_email;
    if (!contains(step->user.mfa_enabled, kEmail)) step->user.mfa_enabled.emplace_back(kEmail);
  }
  const char* proved = step->session.challenge == kSms ? "phone_number_verified" : "email_verified";
  step->user.attributes[proved] = "true";
  return second_factor_given(call, *step, client);
}

ApiResult answer_software_token(ApiCall& call, const Client& client, const Json::Value& responses) {
  const auto step = open_step(call, client, responses);
  if (!step) return std::unexpected(step.error());
  if (!responses.isMember("SOFTWARE_TOKEN_MFA_CODE")) {
    return missing_parameter("SOFTWARE_TOKEN_MFA_CODE");
  }
  if (!step->user.authenticator) {
    return refuse("SoftwareTokenMFANotFoundException",
                  "Software Token MFA does not exist for the user.");
  }
  if (!may_try(call, step->user)) return attempts_exceeded();
  switch (step->user.authenticator->check(string_at(responses, "SOFTWARE_TOKEN_MFA_CODE"),
                                          call.pool.clock.totp_ms(),
                                          call.pool.settings.totp_single_use)) {
    case TotpVerdict::right:
      return second_factor_given(call, *step, client);
    case TotpVerdict::used:
      return refuse("ExpiredCodeException", "Your software token has already been used once.");
    case TotpVerdict::wrong:
      break;
  }
  step->user.code_lock.failed(call.pool.clock.life_ms());
  return refuse("CodeMismatchException", "Invalid code received for user");
}

ApiResult answer_factor_choice(ApiCall& call, const Client& client, const Json::Value& responses) {
  const auto step = open_step(call, client, responses);
  if (!step) return std::unexpected(step.error());
  std::string factor = string_at(responses, "ANSWER");
  if (factor.empty()) return missing_parameter("ANSWER");
  // The API's text has EMAIL_MFA where its clients use EMAIL_OTP.
  if (factor == "EMAIL_MFA") factor = kEmail;
  if (!contains(step->session.offered, factor)) {
    return invalid_parameter("Invalid answer to the SELECT_MFA_TYPE challenge.");
  }
  step->session.used = true;
  return ask_factor(call, step->user, client, factor);
}

}  // namespace pamcognito::pool
