#include "pam/result.h"

#include <security/_pam_types.h>

namespace pamcognito::pam {

int pam_code(Phase phase, const Ending& ending) noexcept {
  const bool account = phase == Phase::account;
  const int refused = account ? PAM_PERM_DENIED : PAM_AUTH_ERR;
  // No default: a new outcome must not compile before it has its code here.
  switch (ending.outcome) {
    case Outcome::unforeseen:
      return PAM_SERVICE_ERR;
    case Outcome::success:
      return PAM_SUCCESS;
    case Outcome::refused:
      return refused;
    case Outcome::not_permitted:
      return PAM_PERM_DENIED;
    case Outcome::tries_exhausted:
      return PAM_MAXTRIES;
    case Outcome::unavailable:
      return ending.may_be_unavailable ? PAM_AUTHINFO_UNAVAIL : refused;
    case Outcome::failed:
      return refused;
    case Outcome::conversation_broken:
      return PAM_CONV_ERR;
    case Outcome::account_denied:
      return PAM_PERM_DENIED;
    case Outcome::account_expired:
      return PAM_ACCT_EXPIRED;
    // "auth required" means new_authtok_reqd=ok: as an answer of authentication it would let in.
    case Outcome::new_password_needed:
      return account ? PAM_NEW_AUTHTOK_REQD : PAM_SERVICE_ERR;
    // The break glass: where the pool could not be reached and a local password was right, to deny
    // the account because nothing is known of it would lock that password out as well.
    case Outcome::account_unknown:
      return account && ending.may_be_unavailable ? PAM_AUTHINFO_UNAVAIL : PAM_PERM_DENIED;
  }
  return PAM_SERVICE_ERR;  // a value from a newer daemon
}

std::optional<int> pam_code(Phase phase, Membership membership, bool unavailable) noexcept {
  switch (membership) {
    case Membership::ours:
      return std::nullopt;
    case Membership::not_ours:
      return PAM_IGNORE;
    case Membership::denied:
      return PAM_PERM_DENIED;
    case Membership::malformed:
    case Membership::local_fault:
      return PAM_SERVICE_ERR;
    // NSS failed. In the account phase that must not let a key login of a user to be denied pass.
    case Membership::unknown:
      return phase == Phase::authenticate || unavailable ? PAM_AUTHINFO_UNAVAIL : PAM_PERM_DENIED;
  }
  return PAM_SERVICE_ERR;
}

}  // namespace pamcognito::pam
