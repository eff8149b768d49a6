#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace pamcognito {

// How a sign-in or an account question ended, as the daemon tells the module. The module alone
// turns it into a PAM code (pam/result.cc). Values go over the wire and are append-only: an old
// module in a running screen locker meets a new daemon. Zero is a failure, so that nothing zeroed
// is a success.
enum class Outcome : std::uint8_t {
  unforeseen = 0,       // a fault of ours
  success = 1,          // signed in with all that policy asks for; or: the account may go on
  refused = 2,          // wrong password or code, unknown to the pool, disabled: one text for all
  not_permitted = 3,    // signed in, but policy says no
  tries_exhausted = 4,  // three wrong codes, a failure budget spent, too many open sign-ins
  unavailable = 5,      // the pool cannot be connected to, or there is no configuration, and
                        // nothing but the first password was asked for
  failed = 6,           // any other failure that a person or a stranger can bring about
  conversation_broken = 7,   // the caller cannot answer, or answers every prompt alike
  account_denied = 8,        // account phase: not allowed, or never seen
  account_expired = 9,       // account phase: disabled in the pool
  new_password_needed = 10,  // account phase: the pool wants a new password
  account_unknown = 11,  // account phase: never seen; denied, unless the local password stood in
                         // for a pool that could not be reached
};

inline constexpr std::array kAllOutcomes = {
    Outcome::unforeseen,
    Outcome::success,
    Outcome::refused,
    Outcome::not_permitted,
    Outcome::tries_exhausted,
    Outcome::unavailable,
    Outcome::failed,
    Outcome::conversation_broken,
    Outcome::account_denied,
    Outcome::account_expired,
    Outcome::new_password_needed,
    Outcome::account_unknown,
};

// The stable word of the log lines; "unknown" for a value from the future.
constexpr std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::unforeseen:
      return "unforeseen";
    case Outcome::success:
      return "success";
    case Outcome::refused:
      return "refused";
    case Outcome::not_permitted:
      return "not-permitted";
    case Outcome::tries_exhausted:
      return "tries-exhausted";
    case Outcome::unavailable:
      return "unavailable";
    case Outcome::failed:
      return "failed";
    case Outcome::conversation_broken:
      return "conversation-broken";
    case Outcome::account_denied:
      return "account-denied";
    case Outcome::account_expired:
      return "account-expired";
    case Outcome::new_password_needed:
      return "new-password-needed";
    case Outcome::account_unknown:
      return "account-unknown";
  }
  return "unknown";
}

}  // namespace pamcognito
