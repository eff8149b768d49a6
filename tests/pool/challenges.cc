#include "tests/pool/api_errors.h"
#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"

// What comes between the password and the tokens: which challenge, and its answers.
namespace pamcognito::pool {

namespace {

// `+15550004567` becomes `+*******4567`.
std::string masked_phone(const std::string& number) {
  if (number.size() <= 5) return number;
  return number.substr(0, 1) + std::string(number.size() - 5, '*') +
         number.substr(number.size() - 4);
}

// `bob@example.com` becomes `b***@e***`.
std::string masked_email(const std::string& address) {
  const size_t at = address.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == address.size()) return "***";
  return address.substr(0, 1) + "***@" + address.substr(at + 1, 1) + "***";
}

std::vector<std::string> usable_factors(const PoolSettings& settings, const User& user) {
  std::vector<std::string> factors;
  for (const std::string& factor : user.mfa_enabled) {
    if (contains(settings.mfa_types, factor) && user.can_receive(factor)) factors.push_back(factor);
  }
  return factors;
}

Json::Value challenge_answer(ApiCall& call, const User& user, const Client& client,
                             const std::string& challenge, Json::Value parameters,
                             Session session) {
  session.username = user.username;
  session.client_id = client.id;
  session.challenge = challenge;
  session.born_ms = call.pool.clock.life_ms();
  parameters["USER_ID_FOR_SRP"] = user.username;
  Json::Value answer;
  answer["ChallengeName"] = challenge;
  answer["ChallengeParameters"] = std::move(parameters);
  answer["Session"] = call.pool.sessions.open(std::move(session));
  return answer;
}

Json::Value send_code(ApiCall& call, const User& user, const Client& client,
                      const std::string& factor) {
  Pool& pool = call.pool;
  const bool sms = factor == kSms;
  const auto digits = sms ? pool.settings.sms_code_digits : pool.settings.email_code_digits;
  const std::string code = random_digits(static_cast<size_t>(digits));
  Inbox::Message message;
  message.username = user.username;
  message.medium = sms ? "SMS" : "EMAIL";
  message.destination = user.attribute(sms ? "phone_number" : "email");
  message.code = code;
  message.text = "Your authentication code is " + code + ".";
  message.unix_s = pool.clock.wall_s();
  Json::Value parameters;
  parameters["CODE_DELIVERY_DELIVERY_MEDIUM"] = message.medium;
  parameters["CODE_DELIVERY_DESTINATION"] =
      sms ? masked_phone(message.destination) : masked_email(message.destination);
  pool.inbox.deliver(std::move(message));
  pool.notify_changed();
  Session session;
  session.code = code;
  return challenge_answer(call, user, client, factor, std::move(parameters), std::move(session));
}

Json::Value ask_factor(ApiCall& call, const User& user, const Client& client,
                       const std::string& factor) {
  if (factor != kTotp) return send_code(call, user, client, factor);
  Json::Value parameters(Json::objectValue);
  if (!user.device_name.empty()) parameters["FRIENDLY_DEVICE_NAME"] = user.device_name;
  return challenge_answer(call, user, client, factor, std::move(parameters), Session{});
}

ApiResult ask_second_factor(ApiCall& call, const User& user, const Client& client) {
  const PoolSettings& settings = call.pool.settings;
  if (settings.mfa_configuration == "OFF") return new_tokens(call, user, client);
  const std::vector<std::string> factors = usable_factors(settings, user);
  if (factors.empty() && settings.mfa_configuration == "ON") {
    Json::Value parameters;
    parameters["MFAS_CAN_SETUP"] = to_text(to_json(settings.mfa_types));
    return challenge_answer(call, user, client, "MFA_SETUP", std::move(parameters), Session{});
  }
  if (factors.empty()) return new_tokens(call, user, client);
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

struct OpenStep {
  Session& session;
  User& user;
};

// The session and user that an answer belongs to, by the service's order of complaints.
std::expected<OpenStep, ApiError> open_step(ApiCall& call, const Client& client,
                                            const Json::Value& responses) {
  Pool& pool = call.pool;
  const std::string handle = string_at(call.body, "Session");
  if (handle.empty()) return missing_parameter("Session");
  const std::string name = string_at(responses, "USERNAME");
  if (name.empty()) return missing_parameter("USERNAME");
  if (const auto hash = check_secret_hash(client, name, string_at(responses, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  Session* session = pool.sessions.find(handle);
  if (session == nullptr || session->client_id != client.id) {
    return not_authorized("Invalid session for the user.");
  }
  if (session->used) {
    return not_authorized("Invalid session for the user, session can only be used once.");
  }
  if (pool.clock.life_ms() - session->born_ms > client.auth_session_validity_s * 1000) {
    return not_authorized("Invalid session for the user, session is expired.");
  }
  User* user = pool.users.find(session->username);
  if (user == nullptr) return user_not_found();
  if (user != pool.users.resolve(name, pool.settings) && name != user->username) {
    return not_authorized("Invalid session for the user.");
  }
  if (!user->enabled) return user_disabled();
  if (session->challenge != string_at(call.body, "ChallengeName")) return code_mismatch();
  return OpenStep{*session, *user};
}

ApiResult second_factor_given(ApiCall& call, const OpenStep& step, const Client& client) {
  step.session.used = true;
  step.user.code_lock.succeeded();
  return new_tokens(call, step.user, client);
}

}  // namespace

ApiResult after_password(ApiCall& call, User& user, const Client& client) {
  user.password_lock.succeeded();
  if (!user.enabled) return user_disabled();
  if (user.status == "UNCONFIRMED") {
    return refuse("UserNotConfirmedException", "User is not confirmed.");
  }
  if (user.status == "RESET_REQUIRED") {
    return refuse("PasswordResetRequiredException", "Password reset required for the user");
  }
  if (user.status == "FORCE_CHANGE_PASSWORD") {
    Json::Value attributes(Json::objectValue);
    for (const auto& [name, value] : user.attributes) attributes[name] = value;
    Json::Value parameters;
    parameters["userAttributes"] = to_text(attributes);
    parameters["requiredAttributes"] = "[]";
    return challenge_answer(call, user, client, "NEW_PASSWORD_REQUIRED", std::move(parameters),
                            Session{});
  }
  return ask_second_factor(call, user, client);
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
  return code_mismatch();
}

ApiResult answer_factor_choice(ApiCall& call, const Client& client, const Json::Value& responses) {
  const auto step = open_step(call, client, responses);
  if (!step) return std::unexpected(step.error());
  std::string factor = string_at(responses, "ANSWER");
  if (factor.empty()) return missing_parameter("ANSWER");
  // The API's text calls it EMAIL_MFA where its clients say EMAIL_OTP.
  if (factor == "EMAIL_MFA") factor = kEmail;
  if (!contains(step->session.offered, factor)) {
    return invalid_parameter("Invalid answer to the SELECT_MFA_TYPE challenge.");
  }
  step->session.used = true;
  return ask_factor(call, step->user, client, factor);
}

}  // namespace pamcognito::pool
