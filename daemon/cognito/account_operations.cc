// Operations on an account beside signing in: setting up a second factor, passwords, sign-up.
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "daemon/cognito/account_answer.h"
#include "daemon/cognito/call_context.h"
#include "daemon/cognito/cognito_user_pool.h"
#include "daemon/cognito/secret_hash.h"

namespace pamcognito::cognito {
namespace {

using runtime::Task;

// JSON is UTF-8 (RFC 8259 section 8.1), so another text cannot be sent. It gets the error that the
// pool would return for a wrong value.
std::unexpected<PoolError> not_utf8(ErrorKind kind, const char* what) {
  return std::unexpected(PoolError(kind, std::string(what) + " is not UTF-8"));
}

void add_proof(JsonObjectWriter& body, const SetUpProof& proof) {
  if (proof.challenge_session.empty()) {
    body.add("AccessToken", proof.access_token);
  } else {
    body.add("Session", proof.challenge_session);
  }
}

void add_settings(JsonObjectWriter& body, const char* name,
                  const std::optional<FactorPreference>& preference) {
  if (!preference) return;
  body.begin_object(name)
      .add_flag("Enabled", preference->enabled)
      .add_flag("PreferredMfa", preference->preferred)
      .end_object();
}

}  // namespace

PoolResult<JsonObjectWriter> CognitoUserPool::body_with_user(const std::string& username) const {
  if (!is_utf8(username)) return not_utf8(ErrorKind::not_authorized, "the user name");
  JsonObjectWriter body;
  body.add("ClientId", config_.client_id).add("Username", username);
  if (config_.client_secret) {
    const auto hash = secret_hash(config_.client_secret->reveal(), username, config_.client_id);
    if (!hash) return std::unexpected(openssl_failed());
    body.add("SecretHash", *hash);
  }
  return body;
}

Task<PoolResult<void>> CognitoUserPool::call_without_result(Operation operation, std::string body,
                                                            Call call) {
  PoolResult<ApiAnswer> answer = co_await api_.call(operation, std::move(body), call);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return PoolResult<void>();
}

// A second factor.

Task<PoolResult<SoftwareToken>> CognitoUserPool::associate_software_token(SetUpProof proof,
                                                                          Call call) {
  const bool by_session = !proof.challenge_session.empty();
  JsonObjectWriter body;
  add_proof(body, proof);
  PoolResult<ApiAnswer> answer =
      co_await api_.call(by_session ? Operation::associate_software_token_by_challenge_session
                                    : Operation::associate_software_token_by_access_token,
                         body.finish(), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  co_return read_software_token(*answer, by_session);
}

Task<PoolResult<SoftwareTokenCheck>> CognitoUserPool::verify_software_token(SetUpProof proof,
                                                                            std::string code,
                                                                            std::string device_name,
                                                                            Call call) {
  if (!is_utf8(code)) co_return not_utf8(ErrorKind::code_mismatch, "the code");
  JsonObjectWriter body;
  add_proof(body, proof);
  body.add("UserCode", code);
  if (!device_name.empty() && is_utf8(device_name)) body.add("FriendlyDeviceName", device_name);
  PoolResult<ApiAnswer> answer =
      co_await api_.call(Operation::verify_software_token, body.finish(), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  co_return read_software_token_check(*answer);
}

Task<PoolResult<UserState>> CognitoUserPool::get_user(std::string access_token, Call call) {
  JsonObjectWriter body;
  body.add("AccessToken", access_token);
  PoolResult<ApiAnswer> answer = co_await api_.call(Operation::get_user, body.finish(), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  co_return read_user_state(*answer);
}

Task<PoolResult<void>> CognitoUserPool::set_mfa_preference(std::string access_token,
                                                           MfaPreference preference, Call call) {
  JsonObjectWriter body;
  body.add("AccessToken", access_token);
  add_settings(body, "SMSMfaSettings", preference.sms);
  add_settings(body, "SoftwareTokenMfaSettings", preference.totp);
  add_settings(body, "EmailMfaSettings", preference.email);
  PoolResult<void> result =
      co_await call_without_result(Operation::set_user_mfa_preference, body.finish(), call);
  if (!result) co_return without_password(std::move(result.error()));
  co_return result;
}

// Passwords and sign-up.

Task<PoolResult<CodeDelivery>> CognitoUserPool::send_code(Operation operation, std::string username,
                                                          const CallContext* context, Call call) {
  PoolResult<JsonObjectWriter> body = body_with_user(username);
  if (!body) co_return std::unexpected(std::move(body.error()));
  add_context(*body, *context);
  PoolResult<ApiAnswer> answer = co_await api_.call(operation, body->finish(), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  co_return read_code_delivery(*answer);
}

Task<PoolResult<CodeDelivery>> CognitoUserPool::forgot_password(std::string username,
                                                                const CallContext* context,
                                                                Call call) {
  return send_code(Operation::forgot_password, std::move(username), context, call);
}

Task<PoolResult<void>> CognitoUserPool::confirm_forgot_password(std::string username,
                                                                std::string code,
                                                                const Secret* new_password,
                                                                const CallContext* context,
                                                                Call call) {
  if (!is_utf8(code)) co_return not_utf8(ErrorKind::code_mismatch, "the code");
  if (!is_utf8(new_password->reveal())) {
    co_return not_utf8(ErrorKind::invalid_password, "the new password");
  }
  PoolResult<JsonObjectWriter> body = body_with_user(username);
  if (!body) co_return std::unexpected(std::move(body.error()));
  body->add("ConfirmationCode", code).add("Password", new_password->reveal());
  add_context(*body, *context);
  PoolResult<void> result =
      co_await call_without_result(Operation::confirm_forgot_password, body->finish(), call);
  if (!result) co_return without_password(std::move(result.error()));
  co_return result;
}

Task<PoolResult<CodeDelivery>> CognitoUserPool::resend_confirmation_code(std::string username,
                                                                         const CallContext* context,
                                                                         Call call) {
  return send_code(Operation::resend_confirmation_code, std::move(username), context, call);
}

Task<PoolResult<void>> CognitoUserPool::confirm_sign_up(std::string username, std::string code,
                                                        const CallContext* context, Call call) {
  if (!is_utf8(code)) co_return not_utf8(ErrorKind::code_mismatch, "the code");
  PoolResult<JsonObjectWriter> body = body_with_user(username);
  if (!body) co_return std::unexpected(std::move(body.error()));
  body->add("ConfirmationCode", code);
  add_context(*body, *context);
  PoolResult<void> result =
      co_await call_without_result(Operation::confirm_sign_up, body->finish(), call);
  if (!result) co_return without_password(std::move(result.error()));
  co_return result;
}

Task<PoolResult<void>> CognitoUserPool::change_password(std::string access_token,
                                                        const Secret* previous,
                                                        const Secret* proposed, Call call) {
  if (!is_utf8(previous->reveal())) {
    co_return not_utf8(ErrorKind::not_authorized, "the previous password");
  }
  if (!is_utf8(proposed->reveal())) {
    co_return not_utf8(ErrorKind::invalid_password, "the new password");
  }
  JsonObjectWriter body;
  body.add("AccessToken", access_token)
      .add("PreviousPassword", previous->reveal())
      .add("ProposedPassword", proposed->reveal());
  // The previous password is tried: password_sent stays as it is.
  PoolResult<void> result =
      co_await call_without_result(Operation::change_password, body.finish(), call);
  co_return result;
}

}  // namespace pamcognito::cognito
