#pragma once

#include <cstdint>
#include <expected>
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
struct PhaseResult {
  Outcome outcome = Outcome::unforeseen;
  const char* cause = "unforeseen";  // a stable word
  // Whether Outcome::unavailable may become PAM_AUTHINFO_UNAVAIL, which lets a local password in.
  // Authentication: nothing but one password was asked for. Account: this transaction has signed
  // the user in with the local password, in an emergency. A change of the password: never.
  bool may_be_unavailable = false;
};

// libpam refused to keep what the module wanted to hand over.
inline constexpr PhaseResult kItemsRefused{.outcome = Outcome::unforeseen, .cause = "pam-items"};

// The one place where an outcome becomes a PAM code.
[[nodiscard]] int pam_code(Phase phase, const PhaseResult& result) noexcept;

// Whether the daemon is asked about a user; the error is the PAM code if it is not.
// `emergency`: this transaction has signed the user in with the local password, because cognitod or
// the pool was unavailable.
[[nodiscard]] std::expected<void, int> check_membership(Phase phase, Membership membership,
                                                        bool emergency) noexcept;

// The one line of an result.
void log_result(const Handle& pam, std::string_view what, const PhaseResult& result,
                const std::string& user);

// Has libpam delay a refusal. What the person could guess at costs time; a daemon that is down does
// not.
void delay_refusal(const Handle& pam, int code) noexcept;

}  // namespace pamcognito::pam
