#include "daemon/flows/error_table.h"

#include <array>
#include <cstddef>

#include "daemon/prompts/texts.h"

namespace pamcognito::flows {
namespace {

using cognito::ErrorKind;
using prompts::busy;
using prompts::machine_busy;
using prompts::needs_other_step;
using prompts::no_address_for_codes;
using prompts::pool_failed;
using prompts::pool_not_connected;
using prompts::pool_unreachable;
using prompts::refused;
using prompts::too_many_tries;
using runtime::Level;

// "refused" for whatever depends on the person or the account: one outcome, one text, no hint.
// "failed" for whatever a stranger or the pool's state can bring about.
constexpr std::array kRows = {
    ErrorRow{ErrorKind::alias_exists, Outcome::failed, Outcome::failed, needs_other_step,
             Level::warning},
    ErrorRow{ErrorKind::code_delivery_failure, Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::code_mismatch, Outcome::refused, Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::concurrent_modification, Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::device_key_exists, Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::enable_software_token_mfa, Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::expired_code, Outcome::refused, Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::feature_unavailable_in_tier, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::forbidden, Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::internal_error, Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::invalid_email_role_access_policy, Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_lambda_response, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::invalid_parameter, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::invalid_password, Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::invalid_sms_role_access_policy, Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_sms_role_trust_relationship, Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::invalid_user_pool_configuration, Outcome::failed, Outcome::failed,
             pool_failed, Level::error},
    ErrorRow{ErrorKind::limit_exceeded, Outcome::tries_exhausted, Outcome::tries_exhausted,
             too_many_tries, Level::notice},
    ErrorRow{ErrorKind::mfa_method_not_found, Outcome::failed, Outcome::failed,
             no_address_for_codes, Level::warning},
    ErrorRow{ErrorKind::not_authorized, Outcome::refused, Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::operation_not_enabled, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::password_history_policy_violation, Outcome::refused, Outcome::refused,
             refused, Level::notice},
    ErrorRow{ErrorKind::password_reset_required, Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::refresh_token_reuse, Outcome::refused, Outcome::refused, refused,
             Level::warning},
    ErrorRow{ErrorKind::resource_not_found, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::software_token_mfa_not_found, Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::too_many_failed_attempts, Outcome::tries_exhausted,
             Outcome::tries_exhausted, too_many_tries, Level::notice},
    ErrorRow{ErrorKind::too_many_requests, Outcome::failed, Outcome::failed, busy, Level::warning},
    ErrorRow{ErrorKind::unauthorized, Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::unexpected_lambda, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::unsupported_operation, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::unsupported_token_type, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::user_lambda_validation, Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::user_not_confirmed, Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::user_not_found, Outcome::refused, Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::username_exists, Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::unknown_exception, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::unknown_operation, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::user_disabled, Outcome::refused, Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::temporary_password_expired, Outcome::refused, Outcome::refused, refused,
             Level::notice},
    ErrorRow{ErrorKind::blocked_by_risk, Outcome::refused, Outcome::refused, refused,
             Level::warning},
    // At the password: how a wrong one is refused, or the lock would tell that there is an account.
    ErrorRow{ErrorKind::attempts_exceeded, Outcome::refused, Outcome::tries_exhausted, refused,
             Level::notice},
    ErrorRow{ErrorKind::imported_user, Outcome::refused, Outcome::refused, refused, Level::notice},
    ErrorRow{ErrorKind::waf_blocked, Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::captcha_required, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::not_connected, Outcome::failed, Outcome::failed, pool_not_connected,
             Level::warning},
    ErrorRow{ErrorKind::unreachable, Outcome::unavailable, Outcome::failed, pool_unreachable,
             Level::warning},
    ErrorRow{ErrorKind::connection_cut, Outcome::failed, Outcome::failed, pool_failed,
             Level::warning},
    ErrorRow{ErrorKind::timed_out, Outcome::failed, Outcome::failed, pool_failed, Level::warning},
    ErrorRow{ErrorKind::bad_response, Outcome::failed, Outcome::failed, pool_failed, Level::error},
    ErrorRow{ErrorKind::tokens_rejected, Outcome::failed, Outcome::failed, pool_failed,
             Level::error},
    ErrorRow{ErrorKind::local_shortage, Outcome::failed, Outcome::failed, machine_busy,
             Level::warning},
    ErrorRow{ErrorKind::internal, Outcome::unforeseen, Outcome::unforeseen, pool_failed,
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
