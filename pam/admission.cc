#include "pam/admission.h"

#include <security/pam_modules.h>
#include <syslog.h>
#include <unistd.h>

#include <cstddef>
#include <memory>

#include "common/membership.h"
#include "common/text.h"
#include "common/users_conf.h"
#include "pam/transaction.h"

namespace pamcognito::pam {
namespace {

// Returns false if `argument` names no task or a second one.
bool set_task(Options* options, std::string_view argument) {
  if (options->task != Task::decide) return false;
  if (argument == "route") options->task = Task::route;
  if (argument == "emergency") options->task = Task::emergency;
  return options->task != Task::decide;
}

}  // namespace

Options parse_options(std::span<const char* const> arguments) {
  constexpr std::size_t logged_bytes = 64;
  Options options;
  for (const std::string_view argument : arguments) {
    if (argument == "use_first_pass") {
      options.first_pass = FirstPass::must;
    } else if (argument == "try_first_pass") {
      options.first_pass = FirstPass::may;
    } else if (argument == "debug") {
      options.debug = true;
    } else if (!set_task(&options, argument) && options.unknown.empty()) {
      options.unknown = "'" + printable(argument, logged_bytes) + "'";
    }
  }
  return options;
}

bool has_flag(int flags, unsigned flag) noexcept {
  return (static_cast<unsigned>(flags) & flag) != 0;
}

bool is_change_by_root(int flags) noexcept {
  return !has_flag(flags, PAM_CHANGE_EXPIRED_AUTHTOK) && ::getuid() == 0;
}

namespace {

constexpr char kLogged[] = "pam_cognito_refusal";

// Root reads the reason once, although each line of the stack finds it again.
void log_refusal(const Handle& pam, std::string_view what, Membership membership,
                 const std::string& user, const std::string& reason) {
  const std::string_view cause = is_about_record(membership) ? "account-record" : "users-conf";
  const std::string text = log_field("cause", cause) + log_field("user", user) + ": " + reason;
  if (const auto* logged = find_data<std::string>(pam.get(), kLogged);
      logged != nullptr && *logged == text)
    return;
  pam.log(LOG_ERR, std::string(what).append(" refused") + text);
  if (is_about_record(membership))
    (void)store_data(pam.get(), kLogged, std::make_unique<std::string>(text));
}

}  // namespace

FirstLogin first_login_of(const Handle& pam) {
  if (::getuid() != 0 || ::geteuid() != 0) return FirstLogin::no;
  const bool at_this_machine = pam.item(PAM_RHOST).empty() && !pam.item(PAM_TTY).empty();
  return at_this_machine ? FirstLogin::without_entry : FirstLogin::with_entry;
}

std::expected<CognitoUser, int> admit(const Handle& pam, const Options& options, Phase phase,
                                      std::string_view what, const std::string& user,
                                      FirstLogin first_login) {
  if (!options.unknown.empty())
    pam.log(LOG_ERR, "unknown module option " + options.unknown + "; Cognito users are refused");
  std::string reason;
  CognitoUser found;
  const SignInData* data = find_sign_in(pam, user);
  // A user who has signed in with Cognito remains a Cognito user in this transaction, even if
  // users.conf or the group changes meanwhile. The stored record decides nevertheless.
  const bool signed_in = phase == Phase::account && data != nullptr && data->id;
  if (signed_in) found.uid = data->uid;
  const Membership membership =
      signed_in ? check_stored_account(user, found.uid, &reason, &found.in_range)
                : classify_user(kUsersConfPath, user.c_str(), &reason, &found, first_login);
  const auto permitted = check_membership(phase, membership, is_emergency(pam, user));
  if (!permitted && permitted.error() == PAM_IGNORE) {
    if (options.debug) pam.log(LOG_DEBUG, "debug: not a Cognito user" + log_field("user", user));
    return std::unexpected(PAM_IGNORE);
  }
  if (!permitted) {
    log_refusal(pam, what, membership, user, reason);
    return std::unexpected(permitted.error());
  }
  if (!options.unknown.empty()) return std::unexpected(PAM_SERVICE_ERR);
  return found;
}

}  // namespace pamcognito::pam
