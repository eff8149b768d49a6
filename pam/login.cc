// The session phase: open_session() binds a sign-in to the login that begins, and close_session()
// reports the end of that login. cognitod needs both, to reuse a session only in its own login and
// to end it with the last logout. Neither call ever refuses a login.

#include <security/pam_modules.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "pam/admission.h"
#include "pam/bus_client.h"
#include "pam/phases.h"
#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {
namespace {

constexpr char kWhat[] = "login-binding";
constexpr char kOpened[] = "pam_cognito_login";

// A login that open_session() has bound, in PAM data for close_session().
struct OpenedLogin {
  std::string user;
  uid_t uid = 0;
};

PhaseResult bind_login(const Handle& pam, const Request& request, const SignInId& sign_in) {
  // There is no login to bind to without the kernel's audit ids, or in another user's login.
  if (!request.caller.runs_in_users_login())
    return {.outcome = Outcome::failed, .cause = "no-login-of-the-user"};
  const auto opened = open_login(request, sign_in);
  if (!opened) return opened.error();
  auto login = std::make_unique<OpenedLogin>(request.user, request.caller.user_uid);
  if (!store_data(pam.get(), kOpened, std::move(login))) return kItemsRefused;
  return {.outcome = Outcome::success, .cause = "opened"};
}

int membership_code(const Handle& pam, const Options& options, const std::string& user) {
  return admit(pam, options, Phase::account, kWhat, user) ? PAM_SUCCESS : PAM_IGNORE;
}

}  // namespace

int open_session(Handle pam, int flags, const Options& options) {
  // The ticket is removed first, so that no return path leaves it in the environment of the shell.
  const auto ticket = take_ticket(pam);
  if (ticket && !ticket->log_id.empty()) adopt_log_id(pam.get(), ticket->log_id.c_str());
  const std::string user = pam.item(PAM_USER);
  const auto admitted = admit(pam, options, Phase::account, kWhat, user);
  if (!admitted) return PAM_IGNORE;
  if (!ticket || ::geteuid() != 0 || has_other_users_sign_in(pam, user)) return PAM_SUCCESS;
  const PhaseResult result =
      bind_login(pam, make_request(pam, user, admitted->uid, flags), ticket->sign_in);
  log_result(pam, kWhat, result, user);
  return PAM_SUCCESS;
}

int close_session(Handle pam, int flags, const Options& options) {
  const std::string user = pam.item(PAM_USER);
  const auto* opened = find_data<OpenedLogin>(pam.get(), kOpened);
  // The end of su, sudo or cron is no logout: their open_session() had no ticket.
  if (opened == nullptr || opened->user != user || ::geteuid() != 0)
    return membership_code(pam, options, user);
  const uid_t uid = opened->uid;
  forget_data<OpenedLogin>(pam.get(), kOpened);
  const auto closed = close_login(make_request(pam, user, uid, flags));
  log_result(pam, kWhat,
             closed ? PhaseResult{.outcome = Outcome::success, .cause = "closed"} : closed.error(),
             user);
  return PAM_SUCCESS;
}

}  // namespace pamcognito::pam
