#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace pamcognito {

// The result of a sign-in or an account decision that cognitod sends to the module. Only the module
// turns it into a PAM code (pam/result.cc). The values are part of the protocol and are only ever
// appended, because an old module in a running screen locker meets a new cognitod. Zero is a
// failure, so zeroed memory is never a success.
enum class Outcome : std::uint8_t {
  unforeseen = 0,           // a fault in pam-cognito or on this machine
  success = 1,              // signed in as policy requires; account phase: the account is permitted
  refused = 2,              // wrong password or code, unknown to the pool, disabled: the same text
  not_permitted = 3,        // signed in, but policy does not permit it
  tries_exhausted = 4,      // three wrong codes, a spent failure budget, too many open sign-ins
  unavailable = 5,          // no connection to the pool or no configuration, and only the first
                            // password was asked for
  failed = 6,               // any other failure that the user or an attacker can cause
  conversation_broken = 7,  // the PAM host cannot answer, or answers every prompt alike
  account_denied = 8,       // account phase: not permitted, or never seen
  account_expired = 9,      // account phase: disabled in the pool
  new_password_needed = 10,  // account phase: the pool demands a new password
  account_unknown = 11,  // account phase: never seen; denied, unless the user has signed in with
                         // the local password because the pool was unreachable
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

// The stable word in log lines; "unknown" for a value that this version does not have.
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
