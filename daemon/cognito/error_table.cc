#include "daemon/cognito/error_table.h"

#include <cstddef>
#include <iterator>

namespace pamcognito::cognito {
namespace {

using K = ErrorKind;
using O = Outcome;
using T = UserText;
using L = runtime::Level;
using A = AccountVerdict;
using M = MfaErrorKind;
using R = RetryCause;

constexpr std::uint8_t kAccount = ErrorRow::kAccount;
constexpr std::uint8_t kPassword = ErrorRow::kPassword;
constexpr std::uint8_t kAnswerLost = ErrorRow::kAnswerLost;

// "refused" if the failure depends on the person or the account: one outcome, one text, no hint.
// "failed" if an attacker or the pool's state can cause it. Errors of triggers and senders depend
// on the account too: they occur only if an account exists.
// clang-format off
constexpr ErrorRow kRows[] = {
    // kind and stable word; outcome at the password and later; text for the person; log level;
    // what a refresh says of the account; report of the factor functions; retry; traits
    {K::alias_exists, "alias-exists",
     O::failed, O::failed,                  T::needs_other_step,     L::warning,  A::undecided,      M::failed,               R::none,           kAccount},
    {K::code_delivery_failure, "code-delivery-failure",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::failed,               R::none,           kAccount},
    {K::code_mismatch, "code-mismatch",
     O::refused, O::refused,                T::refused,              L::notice,   A::undecided,      M::failed,               R::none,           kAccount},
    {K::concurrent_modification, "concurrent-modification",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::failed,               R::none,           0},
    {K::device_key_exists, "device-key-exists",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::failed,               R::none,           0},
    {K::enable_software_token_mfa, "enable-software-token-mfa",
     O::refused, O::refused,                T::refused,              L::notice,   A::undecided,      M::failed,               R::none,           0},
    {K::expired_code, "expired-code",
     O::refused, O::refused,                T::refused,              L::notice,   A::undecided,      M::failed,               R::none,           kAccount},
    {K::feature_unavailable_in_tier, "feature-unavailable-in-tier",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::forbidden, "forbidden",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::internal_error, "internal-error",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::failed,               R::after_sending,  0},
    {K::invalid_email_role_access_policy, "invalid-email-role-access-policy",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           kAccount},
    {K::invalid_lambda_response, "invalid-lambda-response",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           kAccount},
    {K::invalid_parameter, "invalid-parameter",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::invalid_parameter,    R::none,           kAccount},
    {K::invalid_password, "invalid-password",
     O::refused, O::refused,                T::refused,              L::notice,   A::undecided,      M::failed,               R::none,           kPassword},
    {K::invalid_sms_role_access_policy, "invalid-sms-role-access-policy",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           kAccount},
    {K::invalid_sms_role_trust_relationship, "invalid-sms-role-trust-relationship",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           kAccount},
    {K::invalid_user_pool_configuration, "invalid-user-pool-configuration",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::limit_exceeded, "limit-exceeded",
     O::tries_exhausted, O::tries_exhausted, T::too_many_tries,       L::notice,   A::undecided,      M::too_many_requests,    R::none,           kAccount},
    {K::mfa_method_not_found, "mfa-method-not-found",
     O::failed, O::failed,                  T::no_address_for_codes, L::warning,  A::undecided,      M::not_set_up,           R::none,           0},
    {K::not_authorized, "not-authorized",
     O::refused, O::refused,                T::refused,              L::notice,   A::session_over,   M::not_authorized,       R::none,           kAccount},
    {K::operation_not_enabled, "operation-not-enabled",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::password_history_policy_violation, "password-history-policy-violation",
     O::refused, O::refused,                T::refused,              L::notice,   A::undecided,      M::failed,               R::none,           kPassword},
    {K::password_reset_required, "password-reset-required",
     O::refused, O::refused,                T::refused,              L::notice,   A::reset_required, M::not_authorized,       R::none,           kAccount},
    {K::refresh_token_reuse, "refresh-token-reuse",
     O::refused, O::refused,                T::refused,              L::warning,  A::session_over,   M::failed,               R::none,           0},
    {K::resource_not_found, "resource-not-found",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::resource_not_found,   R::none,           0},
    {K::software_token_mfa_not_found, "software-token-mfa-not-found",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::not_set_up,           R::none,           0},
    {K::too_many_failed_attempts, "too-many-failed-attempts",
     O::tries_exhausted, O::tries_exhausted, T::too_many_tries,       L::notice,   A::undecided,      M::too_many_requests,    R::none,           kAccount},
    {K::too_many_requests, "too-many-requests",
     O::failed, O::failed,                  T::busy,                 L::warning,  A::undecided,      M::too_many_requests,    R::throttled,      0},
    {K::unauthorized, "unauthorized",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::not_authorized,       R::none,           0},
    {K::unexpected_lambda, "unexpected-lambda",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           kAccount},
    {K::unsupported_operation, "unsupported-operation",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::unsupported_token_type, "unsupported-token-type",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::session_over,   M::failed,               R::none,           0},
    {K::user_lambda_validation, "user-lambda-validation",
     O::refused, O::refused,                T::refused,              L::notice,   A::session_over,   M::failed,               R::none,           kAccount},
    {K::user_not_confirmed, "user-not-confirmed",
     O::refused, O::refused,                T::refused,              L::notice,   A::session_over,   M::not_authorized,       R::none,           kAccount},
    {K::user_not_found, "user-not-found",
     O::refused, O::refused,                T::refused,              L::notice,   A::disabled,       M::not_authorized,       R::none,           kAccount},
    {K::username_exists, "username-exists",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::failed,               R::none,           0},
    {K::unknown_exception, "unknown-exception",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::unknown_operation, "unknown-operation",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::user_disabled, "user-disabled",
     O::refused, O::refused,                T::refused,              L::notice,   A::disabled,       M::not_authorized,       R::none,           kAccount},
    {K::temporary_password_expired, "temporary-password-expired",
     O::refused, O::refused,                T::refused,              L::notice,   A::session_over,   M::failed,               R::none,           kAccount},
    {K::blocked_by_risk, "blocked-by-risk",
     O::refused, O::refused,                T::refused,              L::warning,  A::session_over,   M::failed,               R::none,           kAccount},
    // At the password: how a wrong one is refused, or the lock would tell that there is an account.
    {K::attempts_exceeded, "password-attempts-exceeded",
     O::refused, O::tries_exhausted,        T::refused,              L::notice,   A::undecided,      M::too_many_requests,    R::none,           kAccount},
    {K::imported_user, "imported-user",
     O::refused, O::refused,                T::refused,              L::notice,   A::undecided,      M::failed,               R::none,           kAccount},
    {K::waf_blocked, "waf-blocked",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::captcha_required, "captcha-required",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::not_connected, "not-connected",
     O::failed, O::failed,                  T::pool_not_connected,   L::warning,  A::undecided,      M::unavailable,          R::not_connected,  0},
    {K::unreachable, "unreachable",
     O::unavailable, O::failed,             T::pool_unreachable,     L::warning,  A::unreachable,    M::unavailable,          R::none,           0},
    {K::connection_cut, "connection-cut",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::unavailable,          R::after_sending,  kAnswerLost},
    {K::timed_out, "timed-out",
     O::failed, O::failed,                  T::pool_failed,          L::warning,  A::undecided,      M::unavailable,          R::none,           kAnswerLost},
    {K::bad_response, "bad-response",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           kAnswerLost},
    {K::tokens_rejected, "tokens-rejected",
     O::failed, O::failed,                  T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
    {K::local_shortage, "local-shortage",
     O::failed, O::failed,                  T::machine_busy,         L::warning,  A::undecided,      M::failed,               R::none,           0},
    {K::internal, "internal",
     O::unforeseen, O::unforeseen,          T::pool_failed,          L::error,    A::undecided,      M::failed,               R::none,           0},
};
// clang-format on

// A kind finds its row by its value.
constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(kRows); ++i)
    if (static_cast<std::size_t>(kRows[i].kind) != i) return false;
  return true;
}
static_assert(rows_are_in_order());
static_assert(std::size(kRows) == static_cast<std::size_t>(ErrorKind::internal) + 1);

}  // namespace

std::span<const ErrorRow> error_rows() {
  return kRows;
}

const ErrorRow& error_row(ErrorKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < std::size(kRows) ? kRows[index] : kRows[std::size(kRows) - 1];
}

std::string_view to_string(ErrorKind kind) {
  return error_row(kind).word;
}

}  // namespace pamcognito::cognito
