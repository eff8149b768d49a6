// The table from outcomes and memberships to PAM codes. PAM_SUCCESS comes only from
// Outcome::success, PAM_IGNORE only from Membership::not_cognito_user, and PAM_AUTHINFO_UNAVAIL
// only if the phase has set may_be_unavailable or after an emergency sign-in, and never for a user
// in the range of accounts.conf. Everything else refuses. tests/module/result_test.cc repeats the
// table by hand.

#include "pam/result.h"

#include <security/pam_modules.h>
#include <syslog.h>
#include <unistd.h>

namespace pamcognito::pam {

namespace {

constexpr unsigned kFailDelay = 2'000'000;  // microseconds; the delay of pam_unix

int severity(Outcome outcome) noexcept {
  if (outcome == Outcome::success) return LOG_INFO;
  return outcome == Outcome::unforeseen ? LOG_ERR : LOG_NOTICE;
}

bool is_refusal(int code) noexcept {
  return code != PAM_SUCCESS && code != PAM_IGNORE && code != PAM_AUTHINFO_UNAVAIL &&
         code != PAM_TRY_AGAIN;
}

// The codes that the phases use for the same outcome. The password phase uses the codes of
// pam_sm_chauthtok(3).
struct Codes {
  int refused;
  // In the password phase also for "unavailable": if that were ignored, pam_unix would silently
  // change a local password.
  int failed;
};

Codes codes_for(Phase phase) noexcept {
  switch (phase) {
    case Phase::authenticate:
      return {.refused = PAM_AUTH_ERR, .failed = PAM_AUTH_ERR};
    case Phase::credentials:
      return {.refused = PAM_CRED_ERR, .failed = PAM_AUTH_ERR};
    case Phase::account:
      return {.refused = PAM_PERM_DENIED, .failed = PAM_PERM_DENIED};
    case Phase::password_check:
      return {.refused = PAM_AUTHTOK_RECOVERY_ERR, .failed = PAM_TRY_AGAIN};
    case Phase::password_update:
      return {.refused = PAM_AUTHTOK_ERR, .failed = PAM_AUTHTOK_ERR};
  }
  return {.refused = PAM_SERVICE_ERR, .failed = PAM_SERVICE_ERR};
}

bool is_password_phase(Phase phase) noexcept {
  return phase == Phase::password_check || phase == Phase::password_update;
}

}  // namespace

int pam_code(Phase phase, const PhaseResult& result) noexcept {
  const bool account = phase == Phase::account;
  const Codes codes = codes_for(phase);
  // There is no default, so a new outcome does not compile without its code.
  switch (result.outcome) {
    case Outcome::unforeseen:
      return PAM_SERVICE_ERR;
    case Outcome::success:
      return PAM_SUCCESS;
    case Outcome::refused:
      return codes.refused;
    case Outcome::not_permitted:
      return PAM_PERM_DENIED;
    case Outcome::tries_exhausted:
      return PAM_MAXTRIES;
    case Outcome::unavailable:
      return result.may_be_unavailable && !is_password_phase(phase) ? PAM_AUTHINFO_UNAVAIL
                                                                    : codes.failed;
    case Outcome::failed:
      return codes.failed;
    case Outcome::conversation_broken:
      return PAM_CONV_ERR;
    case Outcome::account_denied:
      return PAM_PERM_DENIED;
    case Outcome::account_expired:
      return PAM_ACCT_EXPIRED;
    // Only the account phase may demand a new password: "auth required" means new_authtok_reqd=ok,
    // so in authentication this code would let the user in.
    case Outcome::new_password_needed:
      return account ? PAM_NEW_AUTHTOK_REQD : PAM_SERVICE_ERR;
    // After an emergency sign-in a denial would lock out the local password too.
    case Outcome::account_unknown:
      return account && result.may_be_unavailable ? PAM_AUTHINFO_UNAVAIL : PAM_PERM_DENIED;
  }
  return PAM_SERVICE_ERR;  // a value of a newer cognitod
}

std::expected<void, int> check_membership(Phase phase, Membership membership,
                                          bool emergency) noexcept {
  switch (membership) {
    case Membership::cognito_user:
      return {};
    case Membership::not_cognito_user:
      return std::unexpected(PAM_IGNORE);
    case Membership::denied:
      return std::unexpected(PAM_PERM_DENIED);
    case Membership::malformed:
    case Membership::local_fault:
      return std::unexpected(PAM_SERVICE_ERR);
    // NSS has failed, so the user may be a Cognito user: refuse. The exception is the account phase
    // after an emergency sign-in, in which the user was known as a Cognito user.
    case Membership::unknown:
      if (phase == Phase::account && emergency) return std::unexpected(PAM_AUTHINFO_UNAVAIL);
      return std::unexpected(codes_for(phase).failed);
    // Never PAM_USER_UNKNOWN: stacks for LDAP have user_unknown=ignore, which would leave the user
    // to the next module. Only pam_sm_acct_mgmt(3) has a code for an account that has ended.
    case Membership::locked:
      if (phase == Phase::account) return std::unexpected(PAM_ACCT_EXPIRED);
      return std::unexpected(is_password_phase(phase) ? PAM_PERM_DENIED : codes_for(phase).refused);
    case Membership::no_account:
      return std::unexpected(is_password_phase(phase) ? PAM_PERM_DENIED : codes_for(phase).refused);
    case Membership::damaged:
      return std::unexpected(is_password_phase(phase) ? codes_for(phase).failed
                                                      : codes_for(phase).refused);
  }
  return std::unexpected(PAM_SERVICE_ERR);
}

bool is_about_record(Membership membership) noexcept {
  return membership == Membership::no_account || membership == Membership::locked ||
         membership == Membership::damaged;
}

void log_result(const Handle& pam, std::string_view what, const PhaseResult& result,
                const std::string& user) {
  std::string line(what);
  line.append(" ").append(to_string(result.outcome));
  line += log_field("cause", result.cause) + log_field("user", user);
  if (const std::string host = pam.item(PAM_RHOST); !host.empty()) line += log_field("rhost", host);
  pam.log(severity(result.outcome), line);
}

void log_refused_name(const Handle& pam, const CognitoUser& admitted, const PhaseResult& result,
                      const std::string& user) {
  const bool is_refusal =
      result.outcome == Outcome::refused || result.outcome == Outcome::tries_exhausted;
  const std::string host = pam.item(PAM_RHOST);
  if (!admitted.is_first_login || !is_refusal || host.empty()) return;
  pam.log_bare(LOG_NOTICE, "authentication failure;" + log_field("logname", {}) +
                               log_field("uid", std::to_string(::getuid())) +
                               log_field("euid", std::to_string(::geteuid())) +
                               log_field("tty", pam.item(PAM_TTY)) + log_field("ruser", {}) +
                               log_field("rhost", host) + " " + log_field("user", user));
}

void delay_refusal(const Handle& pam, int code) noexcept {
  if (is_refusal(code)) (void)::pam_fail_delay(pam.get(), kFailDelay);
}

}  // namespace pamcognito::pam
