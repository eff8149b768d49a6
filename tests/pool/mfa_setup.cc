#include <algorithm>
#include <expected>
#include <string>

#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/steps.h"

// Enrolment: MFA_SETUP during a sign-in, and the authenticator by session or by access token.
namespace pamcognito::pool {

namespace {

constexpr size_t kTotpSecretBytes = 32;
constexpr char kMfaSetup[] = "MFA_SETUP";

Refusal no_totp_in_pool() {
  return refuse("SoftwareTokenMFANotFoundException",
                "Software Token MFA has not been enabled by the userPool");
}

Refusal no_totp_of_user() {
  return refuse("SoftwareTokenMFANotFoundException",
                "Software Token MFA does not exist for the user.");
}

bool by_session(const ApiCall& call) {
  return !string_at(call.body, "Session").empty();
}

// The session of MFA_SETUP that the request carries instead of an access token.
std::expected<OpenStep, ApiError> setup_step(ApiCall& call) {
  if (!string_at(call.body, "AccessToken").empty()) {
    return invalid_parameter("Only one of AccessToken and Session may be given");
  }
  const auto session = live_session(call, string_at(call.body, "Session"), nullptr);
  if (!session) return std::unexpected(session.error());
  User* user = call.pool.users.find((*session)->username);
  if (user == nullptr) return user_not_found();
  if (!user->enabled) return user_disabled();
  if ((*session)->challenge != kMfaSetup) return not_authorized("Invalid session for the user.");
  if (!contains((*session)->offered, kTotp)) return no_totp_in_pool();
  return OpenStep{**session, *user};
}

// Ends `session` and gives a new one that knows the same and more.
std::string continued(ApiCall& call, Session& session, std::string pending_secret, bool verified) {
  session.used = true;
  Session next = session;
  next.used = false;
  next.born_ms = call.pool.clock.life_ms();
  next.pending_secret = std::move(pending_secret);
  next.verified = verified;
  return call.pool.sessions.open(std::move(next), call.pool.settings.session_characters);
}

// The code proves the secret: the authenticator is the user's from now on. The code is used up in
// it, so that it cannot sign the user in.
std::expected<void, ApiError> take_authenticator(ApiCall& call, User& user,
                                                 const std::string& secret) {
  if (secret.empty()) return no_totp_of_user();
  Authenticator candidate(secret);
  if (candidate.check(string_at(call.body, "UserCode"), call.pool.clock.totp_ms(),
                      call.pool.settings.totp_single_use) != TotpVerdict::right) {
    return refuse("EnableSoftwareTokenMFAException",
                  "Code mismatch and fail enable Software Token MFA");
  }
  user.authenticator = std::move(candidate);
  user.device_name = string_at(call.body, "FriendlyDeviceName");
  return {};
}

// The refusal, or by setting the other form that the API knows for a wrong code.
ApiResult not_verified(const ApiCall& call, const ApiError& error) {
  if (error.name != "EnableSoftwareTokenMFAException" || !call.pool.settings.verify_answers_error) {
    return std::unexpected(error);
  }
  Json::Value answer;
  answer["Status"] = "ERROR";
  if (by_session(call)) answer["Session"] = string_at(call.body, "Session");
  return answer;
}

ApiResult verify_by_session(ApiCall& call) {
  const auto step = setup_step(call);
  if (!step) return std::unexpected(step.error());
  if (const auto taken = take_authenticator(call, step->user, step->session.pending_secret);
      !taken) {
    return not_verified(call, taken.error());
  }
  // A sign-in that breaks off here finds the factor at the next one.
  if (!contains(step->user.mfa_enabled, kTotp)) step->user.mfa_enabled.emplace_back(kTotp);
  Json::Value answer;
  answer["Status"] = "SUCCESS";
  answer["Session"] = continued(call, step->session, "", true);
  return answer;
}

ApiResult verify_by_token(ApiCall& call) {
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  if (const auto taken = take_authenticator(call, **user, (*user)->pending_secret.value_or(""));
      !taken) {
    return not_verified(call, taken.error());
  }
  (*user)->pending_secret.reset();
  Json::Value answer;
  answer["Status"] = "SUCCESS";
  return answer;
}

bool looks_like_email(const std::string& address) {
  const size_t at = address.find('@');
  return at != std::string::npos && at > 0 && at + 1 < address.size() &&
         address.find_first_of(" \t\r\n") == std::string::npos;
}

}  // namespace

ApiResult ask_mfa_setup(ApiCall& call, const User& user, const Client& client) {
  const PoolSettings& settings = call.pool.settings;
  Session session;
  session.offered = settings.mfas_can_setup.empty() ? settings.mfa_types : settings.mfas_can_setup;
  Json::Value parameters;
  parameters["MFAS_CAN_SETUP"] = to_text(to_json(session.offered));
  return challenge_answer(call, user, client, kMfaSetup, std::move(parameters), std::move(session));
}

ApiResult answer_mfa_setup(ApiCall& call, const Client& client, const Json::Value& responses) {
  const auto step = open_step(call, client, responses);
  if (!step) return std::unexpected(step.error());
  if (step->session.verified) {
    step->session.used = true;
    return new_tokens(call, step->user, client);
  }
  if (!responses.isMember("EMAIL")) return no_totp_of_user();
  const std::string address = string_at(responses, "EMAIL");
  if (!contains(step->session.offered, kEmail)) {
    return invalid_parameter("Email MFA has not been enabled by the userPool");
  }
  if (!looks_like_email(address)) return invalid_parameter("Invalid email address format.");
  step->session.used = true;
  return prove_new_email(call, step->user, client, address);
}

ApiResult associate_software_token(ApiCall& call) {
  // An existing authenticator stays valid until the new one is verified.
  const auto fixed = base32_decode(call.pool.settings.totp_secret);
  const std::string secret = fixed && !fixed->empty() ? *fixed : random_bytes(kTotpSecretBytes);
  Json::Value answer;
  answer["SecretCode"] = base32_encode(secret);
  if (by_session(call)) {
    const auto step = setup_step(call);
    if (!step) return std::unexpected(step.error());
    answer["Session"] = continued(call, step->session, secret, false);
    return answer;
  }
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  if (!contains(call.pool.settings.mfa_types, kTotp)) return no_totp_in_pool();
  (*user)->pending_secret = secret;
  return answer;
}

ApiResult verify_software_token(ApiCall& call) {
  const std::string code = string_at(call.body, "UserCode");
  const bool six_digits =
      code.size() == 6 && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
  if (code.empty()) return null_member("userCode");
  if (!six_digits) {
    return constraint_violated("'" + code + "'", "userCode",
                               "Member must satisfy regular expression pattern: [0-9]+");
  }
  return by_session(call) ? verify_by_session(call) : verify_by_token(call);
}

}  // namespace pamcognito::pool
