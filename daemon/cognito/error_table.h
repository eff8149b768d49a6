#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/outcome.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/journal.h"

// One row for each failure of the user pool, and one column for each question that the daemon asks
// about a failure. Nothing else classifies errors. A step deals with the few kinds that it can do
// something about (a wrong code is asked for again); every other kind ends the sign-in as its row
// says.
//
// Three rules hold for the whole table, and tests walk it by them:
// - No row accepts a sign-in. Only `unreachable`, which is proved, makes one "unavailable",
//   because then a local password is enough.
// - An error that depends on the account or the person reads as a wrong password.
// - Only an answer about this account or this token ends a session. An answer that makes no sense,
//   a failing trigger, a wrong configuration or a firewall gives no information about the account:
//   if it ended sessions, an attacker who can cause it could sign all users out.
namespace pamcognito::cognito {

// The answer to a session's question whether the account is still good. Asked by a refresh.
enum class AccountVerdict : std::uint8_t {
  good,
  session_over,    // the pool refuses this account or this token
  disabled,        // the account is disabled or deleted
  reset_required,  // the password must be set anew first
  unreachable,     // no answer, and the pool is proved unreachable
  undecided,       // no answer about the account, and no proof: throttled, a fault, a shortage here
};

// The texts that a person reads about a failure; prompts/ has them.
enum class UserText : std::uint8_t {
  busy,
  machine_busy,
  needs_other_step,
  no_address_for_codes,
  pool_failed,
  pool_not_connected,
  pool_unreachable,
  refused,
  too_many_tries,
};

// How the functions for second factors report a failure.
enum class MfaErrorKind : std::uint8_t {
  not_authorized,     // no session: sign in
  invalid_parameter,  // no such factor or value; two preferred
  refused,            // it would leave the person without a factor that policy accepts
  not_set_up,         // the factor cannot be switched on before it was set up
  resource_not_found,
  too_many_requests,
  unavailable,  // the pool cannot be reached
  failed,
};

// Why the same request may be sent again, if its operation permits it (operation.h).
enum class RetryCause : std::uint8_t { none, not_connected, throttled, after_sending };

struct ErrorRow {
  // Bits of `traits`.
  static constexpr std::uint8_t kAccount = 1;
  static constexpr std::uint8_t kPassword = 2;
  static constexpr std::uint8_t kAnswerLost = 4;

  ErrorKind kind;
  std::string_view word;  // stable, for the log, counters and traces
  Outcome at_password;    // before the pool has accepted the password
  Outcome later;          // after: never Outcome::unavailable, or a local password would do instead
  UserText text;
  runtime::Level level;
  AccountVerdict verdict;  // where a refresh ends with it
  MfaErrorKind factors;
  RetryCause retry;
  std::uint8_t traits;

  // The error depends on the account, not on the machine or the pool: a flow that hides whether an
  // account exists treats it as a wrong code.
  [[nodiscard]] constexpr bool depends_on_account() const { return (traits & kAccount) != 0; }
  // The pool's policy refuses this new password, so that another one may be tried.
  [[nodiscard]] constexpr bool refuses_new_password() const { return (traits & kPassword) != 0; }
  // The pool may have done what the call asked for.
  [[nodiscard]] constexpr bool answer_lost() const { return (traits & kAnswerLost) != 0; }
};

std::span<const ErrorRow> error_rows();
// Every kind has a row.
const ErrorRow& error_row(ErrorKind kind);
inline const ErrorRow& error_row(const PoolError& error) {
  return error_row(error.kind);
}
std::string_view to_string(ErrorKind kind);

}  // namespace pamcognito::cognito
