#include "daemon/cognito/errors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>

#include "common/ascii.h"
#include "daemon/cognito/bounds.h"
#include "daemon/cognito/json.h"

namespace pamcognito::cognito {
namespace {

struct Row {
  std::string_view name;
  ErrorKind kind;
};

// The names of the service model 2016-04-18, those by which AWS front ends throttle, and those by
// which a front end or an emulator (cognito-local: "CognitoLocal#Unsupported") reports an unknown
// operation.
constexpr std::array kRows = {
    Row{"AccessDeniedException", ErrorKind::forbidden},
    Row{"AliasExistsException", ErrorKind::alias_exists},
    Row{"CodeDeliveryFailureException", ErrorKind::code_delivery_failure},
    Row{"CodeMismatchException", ErrorKind::code_mismatch},
    Row{"ConcurrentModificationException", ErrorKind::concurrent_modification},
    Row{"DeviceKeyExistsException", ErrorKind::device_key_exists},
    Row{"EnableSoftwareTokenMFAException", ErrorKind::enable_software_token_mfa},
    Row{"ExpiredCodeException", ErrorKind::expired_code},
    Row{"FeatureUnavailableInTierException", ErrorKind::feature_unavailable_in_tier},
    Row{"ForbiddenException", ErrorKind::forbidden},
    Row{"InternalErrorException", ErrorKind::internal_error},
    Row{"InternalServerException", ErrorKind::internal_error},
    Row{"InvalidAction", ErrorKind::unknown_operation},
    Row{"InvalidEmailRoleAccessPolicyException", ErrorKind::invalid_email_role_access_policy},
    Row{"InvalidLambdaResponseException", ErrorKind::invalid_lambda_response},
    Row{"InvalidParameterException", ErrorKind::invalid_parameter},
    Row{"InvalidPasswordException", ErrorKind::invalid_password},
    Row{"InvalidSmsRoleAccessPolicyException", ErrorKind::invalid_sms_role_access_policy},
    Row{"InvalidSmsRoleTrustRelationshipException", ErrorKind::invalid_sms_role_trust_relationship},
    Row{"InvalidUserPoolConfigurationException", ErrorKind::invalid_user_pool_configuration},
    Row{"LimitExceededException", ErrorKind::limit_exceeded},
    Row{"MFAMethodNotFoundException", ErrorKind::mfa_method_not_found},
    Row{"NotAuthorizedException", ErrorKind::not_authorized},
    Row{"OperationNotEnabledException", ErrorKind::operation_not_enabled},
    Row{"PasswordHistoryPolicyViolationException", ErrorKind::password_history_policy_violation},
    Row{"PasswordResetRequiredException", ErrorKind::password_reset_required},
    Row{"RefreshTokenReuseException", ErrorKind::refresh_token_reuse},
    Row{"RequestThrottled", ErrorKind::too_many_requests},
    Row{"RequestThrottledException", ErrorKind::too_many_requests},
    Row{"ResourceNotFoundException", ErrorKind::resource_not_found},
    Row{"SlowDown", ErrorKind::too_many_requests},
    Row{"SoftwareTokenMFANotFoundException", ErrorKind::software_token_mfa_not_found},
    Row{"ThrottledException", ErrorKind::too_many_requests},
    Row{"Throttling", ErrorKind::too_many_requests},
    Row{"ThrottlingException", ErrorKind::too_many_requests},
    Row{"TooManyFailedAttemptsException", ErrorKind::too_many_failed_attempts},
    Row{"TooManyRequestsException", ErrorKind::too_many_requests},
    Row{"UnauthorizedException", ErrorKind::unauthorized},
    Row{"UnexpectedLambdaException", ErrorKind::unexpected_lambda},
    Row{"UnknownOperationException", ErrorKind::unknown_operation},
    Row{"Unsupported", ErrorKind::unknown_operation},
    Row{"UnsupportedOperationException", ErrorKind::unsupported_operation},
    Row{"UnsupportedTokenTypeException", ErrorKind::unsupported_token_type},
    Row{"UserLambdaValidationException", ErrorKind::user_lambda_validation},
    Row{"UserNotConfirmedException", ErrorKind::user_not_confirmed},
    Row{"UserNotFoundException", ErrorKind::user_not_found},
    Row{"UsernameExistsException", ErrorKind::username_exists},
};

// The first of the members that is a string, or empty. A longer one is cut, at a character's
// border: it is the beginning that tells the cause.
std::string first_string(const Json::Value& object, std::initializer_list<const char*> names,
                         std::size_t max_bytes) {
  for (const char* name : names) {
    auto text = optional_string(object, name, kMaxAnswer);
    if (!text || !*text || (*text)->empty()) continue;
    std::string& found = **text;
    std::size_t size = std::min(found.size(), max_bytes);
    while (size < found.size() && size > 0 &&
           (static_cast<unsigned char>(found[size]) & 0xC0) == 0x80)
      --size;
    found.resize(size);
    return std::move(found);
  }
  return {};
}

// AWS WAF answers 403 where a rule blocks, 405 where it wants a CAPTCHA solved and 202 where it
// wants a browser to run its challenge:
// https://docs.aws.amazon.com/waf/latest/APIReference/API_CaptchaAction.html, API_ChallengeAction.
ErrorKind kind_of_status(int status) {
  if (status == 403) return ErrorKind::waf_blocked;
  if (status == 405 || status == 202) return ErrorKind::captcha_required;
  if (status == 429) return ErrorKind::too_many_requests;
  if (status >= 500) return ErrorKind::internal_error;
  return ErrorKind::bad_response;
}

struct TextRow {
  std::string_view stable_part;  // in lower case
  ErrorKind kind;
};

// Causes that only the text of NotAuthorizedException tells. AWS documents none of the texts; other
// clients match them. Threat protection sends "Unable to login because of security reasons." if the
// risk is too high, and "Request not allowed due to security reasons." if the address is on the
// block list: https://github.com/Badsworth/pfml_scripts, portal/src/hooks/useAuthLogic.js.
constexpr std::array kNotAuthorizedTexts = {
    TextRow{"security reasons", ErrorKind::blocked_by_risk},
    TextRow{"user is disabled", ErrorKind::user_disabled},
    TextRow{"temporary password has expired", ErrorKind::temporary_password_expired},
    // "User account has expired, it must be reset by an administrator.": the same, in other words.
    TextRow{"user account has expired", ErrorKind::temporary_password_expired},
    TextRow{"password attempts exceeded", ErrorKind::attempts_exceeded},
};

ErrorKind kind_of_not_authorized(std::string_view text) {
  const auto same_letter = [](char a, char b) { return ascii::lower(a) == b; };
  for (const TextRow& row : kNotAuthorizedTexts) {
    if (!std::ranges::search(text, row.stable_part, same_letter).empty()) return row.kind;
  }
  return ErrorKind::not_authorized;
}

}  // namespace

std::string_view exception_name(std::string_view wire) {
  wire = wire.substr(0, wire.find_first_of(",:"));
  const auto hash = wire.rfind('#');
  return hash == std::string_view::npos ? wire : wire.substr(hash + 1);
}

ErrorKind kind_of_exception(std::string_view name) {
  const auto* row = std::ranges::lower_bound(kRows, name, {}, &Row::name);
  return row != kRows.end() && row->name == name ? row->kind : ErrorKind::unknown_exception;
}

WireError wire_error_of(const HttpResponse& response) {
  auto body = parse_json_object(response.body);
  const JsonDocument document = body ? std::move(*body) : JsonDocument();
  const Json::Value& members = document.root();
  std::string wire = response.error_type;
  if (wire.empty()) wire = first_string(members, {"code", "__type"}, kMaxErrorName);
  return {std::string(exception_name(wire)),
          first_string(members, {"message", "Message"}, kMaxErrorText)};
}

PoolError error_of_response(const HttpResponse& response) {
  auto [name, text] = wire_error_of(response);
  const std::string status = "HTTP " + std::to_string(response.status);
  if (name.empty()) {
    return PoolError(kind_of_status(response.status), text.empty() ? status : status + ": " + text,
                     response.request_id);
  }
  ErrorKind kind = kind_of_exception(name);
  if (kind == ErrorKind::not_authorized) kind = kind_of_not_authorized(text);
  if (kind == ErrorKind::unknown_exception) text = name + " (" + status + "): " + text;
  return PoolError(kind, std::move(text), response.request_id);
}

}  // namespace pamcognito::cognito
