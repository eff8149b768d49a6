#include "daemon/cognito/errors.h"

#include <string>

#include "daemon/cognito/operation.h"
#include "tests/cmocka_cpp.h"

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
      {"SomethingNewException", ErrorKind::unknown_exception},
      {"notauthorizedexception", ErrorKind::unknown_exception},
  };
  for (const auto& [name, kind] : table) assert_int_equal(kind_of_exception(name), kind);
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
      {403, "", "<html>blocked</html>", ErrorKind::forbidden, "HTTP 403"},
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

// --- retries ------------------------------------------------------------------------------------

void what_may_be_sent_twice(void**) {
  const std::pair<Operation, bool> table[] = {
      {Operation::initiate_auth_srp, true},
      {Operation::get_user, true},
      {Operation::revoke_token, true},
      {Operation::get_keys, true},
      {Operation::initiate_auth_password, false},
      {Operation::respond_to_auth_challenge, false},
      {Operation::set_user_mfa_preference, false},
  };
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
    assert_int_equal(cognito::retry_cause(PoolError(kind)), cause);
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_name_is_taken_out_of_its_wrapping),
      cmocka_unit_test(every_name_of_the_model_has_its_kind),
      cmocka_unit_test(the_header_decides_then_the_body_then_the_status),
      cmocka_unit_test(what_may_be_sent_twice),
      cmocka_unit_test(why_something_may_be_sent_twice),
  };
  return cmocka_run_group_tests_name("errors", tests, nullptr, nullptr);
}
