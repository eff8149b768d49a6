#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/membership.h"
#include "common/outcome.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// A change of the password has two phases: libpam asks all modules whether they are ready
// (PAM_PRELIM_CHECK), then to do it (PAM_UPDATE_AUTHTOK).
enum class Phase : std::uint8_t { authenticate, account, password_check, password_update };

// How a phase ended, for PAM and for the log.
struct Ending {
  Outcome outcome = Outcome::unforeseen;
  const char* cause = "unforeseen";  // a stable word
  // Whether Outcome::unavailable may become PAM_AUTHINFO_UNAVAIL, which lets a local password in.
  // Authentication: nothing but one password was asked for. Account: this transaction has signed
  // the user in with the local password, in an emergency. A change of the password: never.
  bool may_be_unavailable = false;
};

// libpam refused to keep what the module wanted to hand over.
inline constexpr Ending kItemsRefused{.outcome = Outcome::unforeseen, .cause = "pam-items"};

// The one place where an outcome becomes a PAM code.
[[nodiscard]] int pam_code(Phase phase, const Ending& ending) noexcept;

// The code for a user whom the daemon is not asked about; nullopt: ask it.
// `emergency`: this transaction has signed the user in with the local password, because cognitod or
// the pool was unavailable.
[[nodiscard]] std::optional<int> pam_code(Phase phase, Membership membership,
                                          bool emergency) noexcept;

// The one line of an ending.
void log_ending(const Handle& pam, std::string_view what, const Ending& ending,
                const std::string& user);

// Has libpam delay a refusal. What the person could guess at costs time; a daemon that is down does
// not.
void delay_refusal(const Handle& pam, int code) noexcept;

}  // namespace pamcognito::pam
