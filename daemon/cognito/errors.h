#pragma once

#include <string_view>

#include "daemon/cognito/http.h"
#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

// The bare exception name of what a header or body carries:
// "com.amazonaws.cognitoidentityprovider#NotAuthorizedException:http://…" → NotAuthorizedException.
std::string_view exception_name(std::string_view wire);

// The kind of a bare exception name; unknown_exception if this version does not know it.
ErrorKind kind_of_exception(std::string_view name);

// The error that an answer other than 200 means. The name decides, from the header
// x-amzn-errortype, else the body's `code`, else its `__type`; the status only where there is no
// name (a firewall in front of the pool answers without JSON). The text counts only with
// NotAuthorizedException, which is the name of several causes.
PoolError error_of_response(const HttpResponse& response);

// The stable word of a kind: for logs, counters and traces.
constexpr std::string_view word_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::alias_exists:
      return "alias-exists";
    case ErrorKind::code_delivery_failure:
      return "code-delivery-failure";
    case ErrorKind::code_mismatch:
      return "code-mismatch";
    case ErrorKind::concurrent_modification:
      return "concurrent-modification";
    case ErrorKind::device_key_exists:
      return "device-key-exists";
    case ErrorKind::enable_software_token_mfa:
      return "enable-software-token-mfa";
    case ErrorKind::expired_code:
      return "expired-code";
    case ErrorKind::feature_unavailable_in_tier:
      return "feature-unavailable-in-tier";
    case ErrorKind::forbidden:
      return "forbidden";
    case ErrorKind::internal_error:
      return "internal-error";
    case ErrorKind::invalid_email_role_access_policy:
      return "invalid-email-role-access-policy";
    case ErrorKind::invalid_lambda_response:
      return "invalid-lambda-response";
    case ErrorKind::invalid_parameter:
      return "invalid-parameter";
    case ErrorKind::invalid_password:
      return "invalid-password";
    case ErrorKind::invalid_sms_role_access_policy:
      return "invalid-sms-role-access-policy";
    case ErrorKind::invalid_sms_role_trust_relationship:
      return "invalid-sms-role-trust-relationship";
    case ErrorKind::invalid_user_pool_configuration:
      return "invalid-user-pool-configuration";
    case ErrorKind::limit_exceeded:
      return "limit-exceeded";
    case ErrorKind::mfa_method_not_found:
      return "mfa-method-not-found";
    case ErrorKind::not_authorized:
      return "not-authorized";
    case ErrorKind::operation_not_enabled:
      return "operation-not-enabled";
    case ErrorKind::password_history_policy_violation:
      return "password-history-policy-violation";
    case ErrorKind::password_reset_required:
      return "password-reset-required";
    case ErrorKind::refresh_token_reuse:
      return "refresh-token-reuse";
    case ErrorKind::resource_not_found:
      return "resource-not-found";
    case ErrorKind::software_token_mfa_not_found:
      return "software-token-mfa-not-found";
    case ErrorKind::too_many_failed_attempts:
      return "too-many-failed-attempts";
    case ErrorKind::too_many_requests:
      return "too-many-requests";
    case ErrorKind::unauthorized:
      return "unauthorized";
    case ErrorKind::unexpected_lambda:
      return "unexpected-lambda";
    case ErrorKind::unsupported_operation:
      return "unsupported-operation";
    case ErrorKind::unsupported_token_type:
      return "unsupported-token-type";
    case ErrorKind::user_lambda_validation:
      return "user-lambda-validation";
    case ErrorKind::user_not_confirmed:
      return "user-not-confirmed";
    case ErrorKind::user_not_found:
      return "user-not-found";
    case ErrorKind::username_exists:
      return "username-exists";
    case ErrorKind::unknown_exception:
      return "unknown-exception";
    case ErrorKind::unknown_operation:
      return "unknown-operation";
    case ErrorKind::user_disabled:
      return "user-disabled";
    case ErrorKind::temporary_password_expired:
      return "temporary-password-expired";
    case ErrorKind::blocked_by_risk:
      return "blocked-by-risk";
    case ErrorKind::attempts_exceeded:
      return "password-attempts-exceeded";
    case ErrorKind::imported_user:
      return "imported-user";
    case ErrorKind::waf_blocked:
      return "waf-blocked";
    case ErrorKind::captcha_required:
      return "captcha-required";
    case ErrorKind::not_connected:
      return "not-connected";
    case ErrorKind::unreachable:
      return "unreachable";
    case ErrorKind::connection_cut:
      return "connection-cut";
    case ErrorKind::timed_out:
      return "timed-out";
    case ErrorKind::bad_response:
      return "bad-response";
    case ErrorKind::tokens_rejected:
      return "tokens-rejected";
    case ErrorKind::local_shortage:
      return "local-shortage";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace pamcognito::cognito
