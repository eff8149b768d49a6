#include "daemon/flows/error_table.h"

#include <array>

#include "daemon/prompts/texts.h"

namespace pamcognito::flows {
namespace {

using cognito::ErrorKind;
using prompts::busy;
using prompts::needs_other_step;
using prompts::pool_failed;
using prompts::pool_unreachable;
using prompts::refused;
using prompts::too_many_tries;
using runtime::Level;

// "refused" for whatever depends on the person or the account: one outcome, one text, no hint.
// "failed" for whatever a stranger or the pool's state can bring about.
constexpr std::array kRows = {
    ErrorRow{ErrorKind::alias_exists, "alias-exists", Outcome::failed, Outcome::failed,
             needs_other_step, Level::warning},
    ErrorRow{ErrorKind::code_delivery_failure, "code-delivery-failure", Outcome::failed,
             Outcome::failed, pool_failed, Level::warning},
    ErrorRow{ErrorKind::code_mismatch, "code-mismatch", Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::concurrent_modification, "concurrent-modification", Outcome::failed,
             Outcome::failed, pool_failed, Level::warning},
    ErrorRow{ErrorKind::enable_software_token_mfa, "enable-software-token-mfa", Outcome::refused,
             Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::expired_code, "expired-code", Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::feature_unavailable_in_tier, "feature-unavailable-in-tier", Outcome::failed,
             Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::forbidden, "forbidden", Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::internal_error, "internal-error", Outcome::failed, Outcome::failed,
             pool_failed, Level::warning},
    ErrorRow{ErrorKind::invalid_email_role_access_policy, "invalid-email-role-access-policy",
             Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_lambda_response, "invalid-lambda-response", Outcome::failed,
             Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_parameter, "invalid-parameter", Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_password, "invalid-password", Outcome::refused, Outcome::refused,
             refused, Level::notice},
    ErrorRow{ErrorKind::invalid_sms_role_access_policy, "invalid-sms-role-access-policy",
             Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_sms_role_trust_relationship, "invalid-sms-role-trust-relationship",
             Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_user_pool_configuration, "invalid-user-pool-configuration",
             Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::limit_exceeded, "limit-exceeded", Outcome::tries_exhausted,
             Outcome::tries_exhausted, too_many_tries, Level::notice},
    ErrorRow{ErrorKind::mfa_method_not_found, "mfa-method-not-found", Outcome::failed,
             Outcome::failed, pool_failed, Level::warning},
    ErrorRow{ErrorKind::not_authorized, "not-authorized", Outcome::refused, Outcome::refused,
             refused, Level::notice},
    ErrorRow{ErrorKind::operation_not_enabled, "operation-not-enabled", Outcome::failed,
             Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::password_history_policy_violation, "password-history-policy-violation",
             Outcome::refused, Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::password_reset_required, "password-reset-required", Outcome::refused,
             Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::refresh_token_reuse, "refresh-token-reuse", Outcome::refused,
             Outcome::refused, refused, Level::warning},
    ErrorRow{ErrorKind::resource_not_found, "resource-not-found", Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::software_token_mfa_not_found, "software-token-mfa-not-found",
             Outcome::failed, Outcome::failed, pool_failed, Level::warning},
    ErrorRow{ErrorKind::too_many_failed_attempts, "too-many-failed-attempts",
             Outcome::tries_exhausted, Outcome::tries_exhausted, too_many_tries, Level::notice},
    ErrorRow{ErrorKind::too_many_requests, "too-many-requests", Outcome::failed, Outcome::failed,
             busy, Level::warning},
    ErrorRow{ErrorKind::unauthorized, "unauthorized", Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::unexpected_lambda, "unexpected-lambda", Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::unsupported_operation, "unsupported-operation", Outcome::failed,
             Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::unsupported_token_type, "unsupported-token-type", Outcome::failed,
             Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::user_lambda_validation, "user-lambda-validation", Outcome::refused,
             Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::user_not_confirmed, "user-not-confirmed", Outcome::refused,
             Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::user_not_found, "user-not-found", Outcome::refused, Outcome::refused,
             refused, Level::notice},
    ErrorRow{ErrorKind::unknown_exception, "unknown-exception", Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::user_disabled, "user-disabled", Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::temporary_password_expired, "temporary-password-expired", Outcome::refused,
             Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::blocked_by_risk, "blocked-by-risk", Outcome::refused, Outcome::refused,
             refused, Level::warning},
    ErrorRow{ErrorKind::waf_blocked, "waf-blocked", Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::captcha_required, "captcha-required", Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::not_connected, "not-connected", Outcome::unavailable, Outcome::failed,
             pool_unreachable, Level::warning},
    ErrorRow{ErrorKind::connection_cut, "connection-cut", Outcome::failed, Outcome::failed,
             pool_failed, Level::warning},
    ErrorRow{ErrorKind::timed_out, "timed-out", Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::bad_response, "bad-response", Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::tokens_rejected, "tokens-rejected", Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::internal, "internal", Outcome::unforeseen, Outcome::unforeseen, pool_failed,
             Level::error},
};

// The rows stand in the order of the enumeration, so a kind finds its row by its value.
constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].kind) != i) return false;
  return true;
}
static_assert(rows_are_in_order());
static_assert(kRows.size() == static_cast<std::size_t>(ErrorKind::internal) + 1);

}  // namespace

std::span<const ErrorRow> error_rows() {
  return kRows;
}

const ErrorRow& error_row(cognito::ErrorKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < kRows.size() ? kRows[index] : kRows.back();
}

}  // namespace pamcognito::flows
