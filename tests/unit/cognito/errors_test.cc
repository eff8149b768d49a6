#include "daemon/cognito/errors.h"

#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/cognito/error_table.h"
#include "daemon/cognito/json.h"
#include "daemon/cognito/operation.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/model_exceptions.h"

namespace pamcognito::test {
namespace {

using cognito::error_of_response;
using cognito::ErrorKind;
using cognito::exception_name;
using cognito::HttpResponse;
using cognito::kind_of_exception;
using cognito::Operation;
using cognito::PoolError;
using cognito::RetryCause;

void the_name_is_taken_out_of_its_wrapping(void**) {
  for (const char* wire :
       {"NotAuthorizedException", "com.amazonaws.cognitoidentityprovider#NotAuthorizedException",
        "NotAuthorizedException:http://internal.amazon.com/coral/#x",
        "NotAuthorizedException:", "a#b#NotAuthorizedException", "NotAuthorizedException,x",
        "com.amazonaws.cognitoidentityprovider#NotAuthorizedException:http://x/y"}) {
    assert_text(exception_name(wire), "NotAuthorizedException");
  }
  assert_text(exception_name(""), "");
  assert_text(exception_name(":"), "");
  assert_text(exception_name("#"), "");
}

void every_name_of_the_model_has_its_kind(void**) {
  const std::pair<const char*, ErrorKind> table[] = {
      {"AliasExistsException", ErrorKind::alias_exists},
      {"CodeDeliveryFailureException", ErrorKind::code_delivery_failure},
      {"CodeMismatchException", ErrorKind::code_mismatch},
      {"ConcurrentModificationException", ErrorKind::concurrent_modification},
      {"DeviceKeyExistsException", ErrorKind::device_key_exists},
      {"EnableSoftwareTokenMFAException", ErrorKind::enable_software_token_mfa},
      {"ExpiredCodeException", ErrorKind::expired_code},
      {"FeatureUnavailableInTierException", ErrorKind::feature_unavailable_in_tier},
      {"ForbiddenException", ErrorKind::forbidden},
      {"InternalErrorException", ErrorKind::internal_error},
      {"InvalidEmailRoleAccessPolicyException", ErrorKind::invalid_email_role_access_policy},
      {"InvalidLambdaResponseException", ErrorKind::invalid_lambda_response},
      {"InvalidParameterException", ErrorKind::invalid_parameter},
      {"InvalidPasswordException", ErrorKind::invalid_password},
      {"InvalidSmsRoleAccessPolicyException", ErrorKind::invalid_sms_role_access_policy},
      {"InvalidSmsRoleTrustRelationshipException", ErrorKind::invalid_sms_role_trust_relationship},
      {"InvalidUserPoolConfigurationException", ErrorKind::invalid_user_pool_configuration},
      {"LimitExceededException", ErrorKind::limit_exceeded},
      {"MFAMethodNotFoundException", ErrorKind::mfa_method_not_found},
      {"NotAuthorizedException", ErrorKind::not_authorized},
      {"OperationNotEnabledException", ErrorKind::operation_not_enabled},
      {"PasswordHistoryPolicyViolationException", ErrorKind::password_history_policy_violation},
      {"PasswordResetRequiredException", ErrorKind::password_reset_required},
      {"RefreshTokenReuseException", ErrorKind::refresh_token_reuse},
      {"ResourceNotFoundException", ErrorKind::resource_not_found},
      {"SoftwareTokenMFANotFoundException", ErrorKind::software_token_mfa_not_found},
      {"TooManyFailedAttemptsException", ErrorKind::too_many_failed_attempts},
      {"TooManyRequestsException", ErrorKind::too_many_requests},
      {"ThrottlingException", ErrorKind::too_many_requests},
      {"UnauthorizedException", ErrorKind::unauthorized},
      {"UnexpectedLambdaException", ErrorKind::unexpected_lambda},
      {"UnsupportedOperationException", ErrorKind::unsupported_operation},
      {"UnsupportedTokenTypeException", ErrorKind::unsupported_token_type},
      {"UserLambdaValidationException", ErrorKind::user_lambda_validation},
      {"UserNotConfirmedException", ErrorKind::user_not_confirmed},
      {"UserNotFoundException", ErrorKind::user_not_found},
      {"UsernameExistsException", ErrorKind::username_exists},
      {"UnknownOperationException", ErrorKind::unknown_operation},
      {"InvalidAction", ErrorKind::unknown_operation},
      {"Unsupported", ErrorKind::unknown_operation},
      {"SomethingNewException", ErrorKind::unknown_exception},
      {"notauthorizedexception", ErrorKind::unknown_exception},
  };
  for (const auto& [name, kind] : table) assert_int_equal(kind_of_exception(name), kind);
}

void what_the_model_lists_for_an_operation_is_known(void**) {
  std::size_t operations = 0;
  for (const ModelOperation& operation : model_operations()) {
    assert_false(operation.exceptions.empty());
    for (const std::string_view name : operation.exceptions) {
      assert_int_not_equal(kind_of_exception(name), ErrorKind::unknown_exception);
    }
    ++operations;
  }
  // Every wire name of an operation, except that of the keys, which are no operation of the model.
  std::set<std::string_view> used;
  for (int i = 0; i <= static_cast<int>(Operation::get_keys); ++i) {
    used.insert(cognito::wire_name(static_cast<Operation>(i)));
  }
  assert_int_equal(operations, used.size() - 1);
  for (const ModelOperation& operation : model_operations()) {
    assert_true(used.contains(operation.name));
  }
}

void every_kind_has_a_word_of_its_own(void**) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    const std::string_view word = cognito::to_string(static_cast<ErrorKind>(i));
    assert_false(word.empty());
    assert_int_equal(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos);
    assert_true(words.insert(word).second);
  }
  assert_text(cognito::to_string(ErrorKind::refresh_token_reuse), "refresh-token-reuse");
}

struct Case {
  int status;
  const char* header;
  const char* body;
  ErrorKind kind;
  const char* message;
};

void the_header_decides_then_the_body_then_the_status(void**) {
  const Case table[] = {
      {400, "CodeMismatchException:", R"({"__type":"NotAuthorizedException","message":"m"})",
       ErrorKind::code_mismatch, "m"},
      {400, "", R"({"code":"ExpiredCodeException","__type":"NotAuthorizedException"})",
       ErrorKind::expired_code, ""},
      {400, "", R"({"__type":"x#NotAuthorizedException","Message":"Incorrect"})",
       ErrorKind::not_authorized, "Incorrect"},
      {500, "", R"({"__type":"NotAuthorizedException"})", ErrorKind::not_authorized, ""},
      {429, "", R"({"__type":"LimitExceededException"})", ErrorKind::limit_exceeded, ""},
      {400, "", R"({"__type":"NewException","message":"m"})", ErrorKind::unknown_exception,
       "NewException (HTTP 400): m"},
      {403, "", R"({"__type":"ForbiddenException","message":"Request not allowed due to WAF."})",
       ErrorKind::forbidden, "Request not allowed due to WAF."},
      {403, "", "<html>blocked</html>", ErrorKind::waf_blocked, "HTTP 403"},
      {403, "", R"({"message":"blocked"})", ErrorKind::waf_blocked, "HTTP 403: blocked"},
      {403, "", R"({"__type":"NotAuthorizedException","message":"m"})", ErrorKind::not_authorized,
       "m"},
      {405, "", "<html>puzzle</html>", ErrorKind::captcha_required, "HTTP 405"},
      {405, "", "", ErrorKind::captcha_required, "HTTP 405"},
      {202, "", "", ErrorKind::captcha_required, "HTTP 202"},
      {405, "", R"({"__type":"ForbiddenException"})", ErrorKind::forbidden, ""},
      {429, "", "", ErrorKind::too_many_requests, "HTTP 429"},
      {500, "", "oops", ErrorKind::internal_error, "HTTP 500"},
      {503, "", R"({"message":"busy"})", ErrorKind::internal_error, "HTTP 503: busy"},
      {302, "", "", ErrorKind::bad_response, "HTTP 302"},
      {204, "", "", ErrorKind::bad_response, "HTTP 204"},
      {404, "", "not found", ErrorKind::bad_response, "HTTP 404"},
      {400, "", R"({"__type":5,"message":{}})", ErrorKind::bad_response, "HTTP 400"},
      {400, "", R"({"__type":[],"code":null})", ErrorKind::bad_response, "HTTP 400"},
  };
  for (const auto& row : table) {
    HttpResponse response;
    response.status = row.status;
    response.error_type = row.header;
    response.body = row.body;
    response.request_id = "id";
    const PoolError error = error_of_response(response);
    assert_int_equal(error.kind, row.kind);
    assert_text(error.message, row.message);
    assert_text(error.request_id, "id");
    assert_false(error.password_sent);
  }
}

// A long message is cut; the cause that its beginning tells is not lost.
void a_long_text_is_cut_at_a_character(void**) {
  std::string text = "User is disabled. x";
  while (text.size() < 3000) text += "\xC3\xA4";
  HttpResponse response;
  response.status = 400;
  response.error_type = "NotAuthorizedException";
  response.body = R"({"message":")" + text + R"("})";
  const PoolError error = error_of_response(response);
  assert_int_equal(error.kind, ErrorKind::user_disabled);
  assert_in_range(error.message.size(), 1020, 1024);
  assert_true(cognito::is_utf8(error.message));
}

void what_only_a_text_tells_is_told_from_a_wrong_password(void**) {
  struct Row {
    const char* name;
    const char* text;
    ErrorKind kind;
  };
  const Row table[] = {
      {"NotAuthorizedException", "Unable to login because of security reasons.",
       ErrorKind::blocked_by_risk},
      {"NotAuthorizedException", "Request not allowed due to Security Reasons",
       ErrorKind::blocked_by_risk},
      {"NotAuthorizedException", "Incorrect username or password.", ErrorKind::not_authorized},
      {"NotAuthorizedException", "Password attempts exceeded", ErrorKind::attempts_exceeded},
      {"NotAuthorizedException", "User is disabled.", ErrorKind::user_disabled},
      {"NotAuthorizedException",
       "Temporary password has expired and must be reset by an administrator.",
       ErrorKind::temporary_password_expired},
      {"NotAuthorizedException", "User account has expired, it must be reset by an administrator.",
       ErrorKind::temporary_password_expired},
      {"NotAuthorizedException", "Refresh Token has expired", ErrorKind::not_authorized},
      {"NotAuthorizedException", "Invalid session for the user, session is expired.",
       ErrorKind::not_authorized},
      {"LimitExceededException", "Password attempts exceeded", ErrorKind::limit_exceeded},
      {"UserLambdaValidationException", "User is disabled.", ErrorKind::user_lambda_validation},
      {"NotAuthorizedException", "", ErrorKind::not_authorized},
      // The text of a Lambda or of another exception decides nothing.
      {"UserLambdaValidationException", "PreAuthentication failed with error security reasons.",
       ErrorKind::user_lambda_validation},
      {"InvalidPasswordException", "Provided password cannot be used for security reasons.",
       ErrorKind::invalid_password},
      {"ResourceNotFoundException", "security reasons", ErrorKind::resource_not_found},
  };
  for (const Row& row : table) {
    HttpResponse response;
    response.status = 400;
    response.error_type = row.name;
    response.body = std::string(R"({"message":")") + row.text + R"("})";
    const PoolError error = error_of_response(response);
    assert_int_equal(error.kind, row.kind);
    assert_text(error.message, row.text);
  }
}

// Retries.

void what_may_be_sent_twice(void**) {
  const std::pair<Operation, bool> table[] = {
      {Operation::initiate_auth_srp, true},
      {Operation::get_user, true},
      {Operation::revoke_token, true},
      {Operation::get_tokens_from_refresh_token, true},
      {Operation::initiate_auth_refresh, true},
      {Operation::confirm_device, true},
      {Operation::forget_device, true},
      {Operation::get_keys, true},
      {Operation::set_user_mfa_preference, true},
      {Operation::associate_software_token_by_access_token, true},
      {Operation::initiate_auth_password, false},
      {Operation::initiate_auth_custom, false},
      {Operation::respond_to_auth_challenge, false},
      {Operation::associate_software_token_by_challenge_session, false},
      {Operation::verify_software_token, false},
      {Operation::forgot_password, false},
      {Operation::confirm_forgot_password, false},
      {Operation::resend_confirmation_code, false},
      {Operation::confirm_sign_up, false},
      {Operation::change_password, false},
  };
  assert_int_equal(std::size(table), static_cast<int>(Operation::get_keys) + 1);
  for (const auto& [operation, after_sending] : table) {
    const auto rule = cognito::retry_rule(operation);
    assert_true(rule.not_connected);
    assert_true(rule.throttled);
    assert_int_equal(rule.after_sending, after_sending);
  }
}

void why_something_may_be_sent_twice(void**) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    RetryCause cause = RetryCause::none;
    if (kind == ErrorKind::not_connected) cause = RetryCause::not_connected;
    if (kind == ErrorKind::too_many_requests) cause = RetryCause::throttled;
    if (kind == ErrorKind::internal_error || kind == ErrorKind::connection_cut) {
      cause = RetryCause::after_sending;
    }
    assert_int_equal(cognito::error_row(kind).retry, cause);
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_name_is_taken_out_of_its_wrapping),
      cmocka_unit_test(every_name_of_the_model_has_its_kind),
      cmocka_unit_test(every_kind_has_a_word_of_its_own),
      cmocka_unit_test(what_the_model_lists_for_an_operation_is_known),
      cmocka_unit_test(what_only_a_text_tells_is_told_from_a_wrong_password),
      cmocka_unit_test(a_long_text_is_cut_at_a_character),
      cmocka_unit_test(the_header_decides_then_the_body_then_the_status),
      cmocka_unit_test(what_may_be_sent_twice),
      cmocka_unit_test(why_something_may_be_sent_twice),
  };
  return cmocka_run_group_tests_name("errors", tests, nullptr, nullptr);
}
