#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/membership.h"
#include "common/outcome.h"
#include "pam/transaction.h"

// The end of every phase: a PAM code, a log line, and the delay after a refusal.
namespace pamcognito::pam {

// A password change has two phases: libpam asks all modules whether they are ready
// (PAM_PRELIM_CHECK), then tells them to make the change (PAM_UPDATE_AUTHTOK).
enum class Phase : std::uint8_t {
  authenticate,
  credentials,
  account,
  password_check,
  password_update,
};

// The result of a phase, for PAM and for the log.
struct PhaseResult {
  Outcome outcome = Outcome::unforeseen;
  const char* cause = "unforeseen";  // a stable word
  // Whether Outcome::unavailable may become PAM_AUTHINFO_UNAVAIL, which lets a local password in.
  // In authentication: if the user was asked for one password and nothing else. In the account
  // phase: if this transaction has signed the user in with the local password. In a password
  // change: never.
  bool may_be_unavailable = false;
};

constexpr PhaseResult unavailable(const char* cause) {
  return {.outcome = Outcome::unavailable, .cause = cause};
}
// A failure that does not prove that cognitod is absent.
constexpr PhaseResult failed(const char* cause) {
  return {.outcome = Outcome::failed, .cause = cause};
}
constexpr PhaseResult unforeseen(const char* cause) {
  return {.outcome = Outcome::unforeseen, .cause = cause};
}

// libpam refused to store an item or PAM data.
inline constexpr PhaseResult kItemsRefused = unforeseen("pam-items");

// Turns an outcome into a PAM code. There is no other place that does.
[[nodiscard]] int pam_code(Phase phase, const PhaseResult& result) noexcept;

// Decides whether cognitod is asked about a user. The error is the PAM code if it is not.
// `emergency` means that this transaction has signed the user in with the local password.
[[nodiscard]] std::expected<void, int> check_membership(Phase phase, Membership membership,
                                                        bool emergency) noexcept;

// Tells whether the stored record of a user without a local account has refused the user.
[[nodiscard]] bool is_about_record(Membership membership) noexcept;

// Logs the one line of a result.
void log_result(const Handle& pam, std::string_view what, const PhaseResult& result,
                const std::string& user);

// Logs a refused authentication of a user without an account who comes from another host, in the
// form of pam_unix, which fail2ban's filters read: to sshd the name is not unknown, so sshd has no
// line about an invalid user. Not if the pool could not be asked, or if the user has hung up.
void log_refused_name(const Handle& pam, const CognitoUser& admitted, const PhaseResult& result,
                      const std::string& user);

// Makes libpam delay a refusal, so that guessing takes time. There is no delay if cognitod was
// unavailable.
void delay_refusal(const Handle& pam, int code) noexcept;

}  // namespace pamcognito::pam
