#include "pam/route.h"

#include <security/pam_modules.h>
#include <syslog.h>

#include <string>

#include "pam/admission.h"
#include "pam/break_glass.h"
#include "pam/phases.h"
#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {
namespace {

Phase phase_of(Entry entry, int flags) noexcept {
  switch (entry) {
    case Entry::authenticate:
    case Entry::credentials:
      return Phase::authenticate;
    case Entry::account:
    case Entry::session:
      return Phase::account;
    case Entry::password:
      return has_flag(flags, PAM_UPDATE_AUTHTOK) ? Phase::password_update : Phase::password_check;
  }
  return Phase::account;
}

int route_user(const Handle& pam, const std::string& user, int flags, const Options& options,
               Entry entry) {
  // Authentication starts anew: an earlier attempt in this transaction says nothing.
  if (entry != Entry::authenticate && find_sign_in(pam, user) != nullptr)
    return options.unknown.empty() ? PAM_SUCCESS : PAM_SERVICE_ERR;
  const auto uid = admit(pam, options, phase_of(entry, flags), "route", user);
  return uid ? PAM_SUCCESS : uid.error();
}

}  // namespace

int route(Handle pam, int flags, const Options& options, Entry entry) {
  if (entry == Entry::password && is_of_root(flags)) return PAM_IGNORE;
  const auto user = pam.user();
  if (!user) return user.error() == PAM_CONV_ERR ? PAM_CONV_ERR : PAM_SERVICE_ERR;
  const int code = route_user(pam, *user, flags, options, entry);
  if (entry == Entry::authenticate || entry == Entry::password) delay_refusal(pam, code);
  return code;
}

int note_emergency(Handle pam, int flags, const Options& options, Entry entry) {
  if (entry != Entry::authenticate) return route(pam, flags, options, entry);
  const std::string user = pam.item(PAM_USER);
  const SignInData* data = find_sign_in(pam, user);
  if (!options.unknown.empty() || data == nullptr || data->id) return PAM_AUTH_ERR;
  if (!still_permits_local_password(pam, user, data->by_window, data->permitted_at) ||
      !accept_local_password(pam, user)) {
    delay_refusal(pam, PAM_AUTH_ERR);  // as after a wrong local password
    return PAM_AUTH_ERR;
  }
  log_ending(pam, "sign-in", {.outcome = Outcome::unavailable, .cause = "local-password"}, user);
  return PAM_SUCCESS;
}

}  // namespace pamcognito::pam
