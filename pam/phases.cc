// Authentication, the account phase, setcred, and the two tasks of the PAM profile. Each follows
// the same order: admission.h decides whether the user is a Cognito user, bus_client.h calls
// cognitod, conversation.h talks to the user, transaction.h keeps what later phases need, and
// result.h turns the result into a PAM code. login.cc has the session phase and password_change.cc
// the password phase.
//
// Authentication succeeds only after cognitod was sent the acknowledgement and libpam has stored
// the sign-in, and the account phase only with a success from cognitod. setcred and `route` return
// PAM_SUCCESS for every Cognito user, and authenticate nobody.

#include "pam/phases.h"

#include <security/pam_modules.h>
#include <syslog.h>
#include <unistd.h>

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/break_glass.h"
#include "common/membership.h"
#include "common/protocol_limits.h"
#include "common/stored_account.h"
#include "pam/admission.h"
#include "pam/break_glass.h"
#include "pam/bus_client.h"
#include "pam/conversation.h"
#include "pam/result.h"
#include "pam/sshd.h"
#include "pam/transaction.h"

namespace pamcognito::pam {
namespace {

// Tells whether a login of the user may begin with this sign-in. It cannot if a user has started
// the host (su, sudo), or inside a login of the same user: its end is no logout, and sudo would
// pass the ticket to the command that it runs.
bool may_begin_login(const CallerContext& caller) {
  return caller.real_uid == 0 && ::geteuid() == 0 && !caller.runs_in_users_login();
}

// Stores a successful sign-in for later phases and modules. Returns false if libpam refuses.
bool keep_sign_in(const Handle& pam, const Request& request, Conversation& conversation) {
  const SignInId id = conversation.sign_in_id();
  return store_sign_in(pam, {.user = request.user,
                             .service = request.service,
                             .uid = request.caller.user_uid,
                             .id = id,
                             .socket = conversation.take_socket(),
                             .process = ::getpid()}) &&
         (!may_begin_login(request.caller) || leave_ticket(pam, id)) &&
         conversation.passwords().set_items(pam);
}

// A failure here may become PAM_AUTHINFO_UNAVAIL, because the user was not asked anything yet.
std::expected<OpenedSignIn, PhaseResult> open(const Request& request,
                                              std::expected<Connecting, PhaseResult> connecting) {
  auto opened = connecting ? open_sign_in(std::move(*connecting), request)
                           : std::unexpected(connecting.error());
  if (!opened) opened.error().may_be_unavailable = true;
  return opened;
}

constexpr PhaseResult kAccountMade{.outcome = Outcome::tries_exhausted, .cause = "account-made"};

// The account of a user in the range is stored now. Returns an error if the host used another uid
// or other groups than it has: the next login begins with the right ones. The error also ends the
// connection, because sshd would ask again in this one. `used_uid`: nullopt if the host looks the
// user up later. `before`: the account before the sign-in. The result is the account's uid.
std::expected<uid_t, PhaseResult> check_stored(
    const Handle& pam, bool silent, const std::string& user, std::optional<uid_t> used_uid,
    const std::optional<AccountRecord>& before = std::nullopt) {
  const auto record = read_account_record(user);
  if (!record || !record->is_active)
    return std::unexpected(PhaseResult{.outcome = Outcome::refused, .cause = "account-record"});
  if (record->uid == used_uid.value_or(record->uid) &&
      !sshd_used_other_account(pam.item(PAM_SERVICE), user, *record, before))
    return record->uid;
  tell(pam, silent, FrameType::error, "Your account is ready. Connect again.");
  return std::unexpected(kAccountMade);
}

// `looked_up_later`: the host looks the user up after the sign-in.
PhaseResult sign_in(const Handle& pam, const std::string& user, const CognitoUser& found,
                    bool looked_up_later, int flags, const Options& options) {
  auto connecting = connect();
  Request request = make_request(pam, user, found.uid, flags);
  auto opened = open(request, std::move(connecting));
  if (!opened) return opened.error();
  Conversation conversation(pam, options, has_flag(flags, PAM_SILENT), Conversation::Goal::sign_in,
                            std::move(*opened));
  if (::geteuid() == 0 && request.caller.is_user_in_own_login()) conversation.accept_session();
  const auto before = found.in_range ? read_account_record(user) : std::optional<AccountRecord>();
  if (found.in_range)
    conversation.accept_only_if([&]() -> std::expected<void, PhaseResult> {
      const auto uid =
          check_stored(pam, has_flag(flags, PAM_SILENT), user,
                       looked_up_later ? std::nullopt : std::optional(found.uid), before);
      if (!uid) return std::unexpected(uid.error());
      request.caller.user_uid = *uid;
      return {};
    });
  const PhaseResult result = conversation.run();
  if (result.outcome == Outcome::success && !keep_sign_in(pam, request, conversation))
    return kItemsRefused;
  return result;
}

bool store_unavailable(const Handle& pam, const std::string& user, bool by_window = false) {
  SignInData data;
  data.user = user;
  data.by_window = by_window;
  data.permitted_at = break_glass::now().boot_time;
  return store_sign_in(pam, std::move(data));
}

int authenticate_user(const Handle& pam, const std::string& user, int flags,
                      const Options& options) {
  forget_sign_in(pam);
  (void)take_ticket(pam);  // removes the ticket of an earlier sign-in
  const FirstLogin first_login = first_login_of(pam);
  const auto admitted = admit(pam, options, Phase::authenticate, "sign-in", user, first_login);
  if (!admitted) return admitted.error();
  const bool silent = has_flag(flags, PAM_SILENT);
  if (!admitted->in_range && window_permits_local_password(pam, user, silent))
    return store_unavailable(pam, user, true) ? PAM_AUTHINFO_UNAVAIL : PAM_SERVICE_ERR;
  const bool looked_up_later = admitted->is_first_login && first_login == FirstLogin::without_entry;
  PhaseResult result = sign_in(pam, user, *admitted, looked_up_later, flags, options);
  if (admitted->in_range) {
    if (result.outcome == Outcome::unavailable) tell_no_local_password(pam, silent);
    result.may_be_unavailable = false;
  }
  if (pam_code(Phase::authenticate, result) == PAM_AUTHINFO_UNAVAIL) {
    if (!permits_local_password(pam, user, result, silent))
      result.may_be_unavailable = false;
    else if (!store_unavailable(pam, user))
      result = kItemsRefused;
  }
  log_result(pam, "sign-in", result, user);
  // A user who has signed in is no failure for fail2ban.
  if (std::string_view(result.cause) != kAccountMade.cause)
    log_refused_name(pam, *admitted, result, user);
  return pam_code(Phase::authenticate, result);
}

bool was_unavailable(const SignInData* sign_in) {
  return sign_in != nullptr && !sign_in->id;
}

// Asks on the socket of the sign-in, and on the bus if that socket gives no answer. Both together
// take at most kAccountTime.
PhaseResult decide_account(const Handle& pam, const std::string& user, uid_t uid, int flags,
                           const SignInData* sign_in) {
  const Deadline deadline = Deadline::after(was_unavailable(sign_in) ? protocol::kAbsentAccountTime
                                                                     : protocol::kAccountTime);
  if (const Fd socket = take_account_socket(pam, user, pam.item(PAM_SERVICE)))
    if (const auto answer = ask_account(socket.get(), deadline)) return *answer;
  const auto outcome = check_account(make_request(pam, user, uid, flags),
                                     sign_in != nullptr ? sign_in->id : std::nullopt, deadline);
  return outcome ? PhaseResult{.outcome = *outcome, .cause = "outcome"} : outcome.error();
}

}  // namespace

int authenticate(Handle pam, int flags, const Options& options) {
  const auto user = pam.user();
  if (!user) return user.error();
  const int code = authenticate_user(pam, *user, flags, options);
  delay_refusal(pam, code);
  return code;
}

int check_account(Handle pam, int flags, const Options& options) {
  const std::string user = pam.item(PAM_USER);
  forget_reset_demand(pam);
  const auto admitted = admit(pam, options, Phase::account, "account", user);
  if (!admitted) return admitted.error();
  // pam_mkhomedir has not run yet, so a home that exists was made before this login.
  if (const std::string fault =
          admitted->in_range ? fault_of_home(user, admitted->uid) : std::string();
      !fault.empty()) {
    pam.log(LOG_ERR, "account refused" + log_field("cause", "account-home") +
                         log_field("user", user) + ": " + fault);
    return pam_code(Phase::account, {.outcome = Outcome::refused, .cause = "account-home"});
  }
  // A login by a key, too: the groups may have changed since sshd has decided by them.
  if (admitted->in_range)
    if (const auto stored = check_stored(pam, has_flag(flags, PAM_SILENT), user, admitted->uid);
        !stored) {
      log_result(pam, "account", stored.error(), user);
      return PAM_PERM_DENIED;
    }
  const SignInData* sign_in = find_sign_in(pam, user);
  PhaseResult result = decide_account(pam, user, admitted->uid, flags, sign_in);
  // pam_unix would accept the account of a user without a line in shadow(5).
  result.may_be_unavailable = !admitted->in_range && is_emergency(pam, user);
  // Root opens a window because cognitod hangs or is broken, so a failed call counts as unavailable
  // then. A refusal still counts.
  if (result.may_be_unavailable && sign_in->by_window && result.outcome == Outcome::failed)
    result.outcome = Outcome::unavailable;
  if (pam_code(Phase::account, result) == PAM_NEW_AUTHTOK_REQD && !store_reset_demand(pam, user))
    result = kItemsRefused;
  log_result(pam, "account", result, user);
  return pam_code(Phase::account, result);
}

int set_credentials(Handle pam, const Options& options) {
  const std::string user = pam.item(PAM_USER);
  const auto admitted = admit(pam, options, Phase::credentials, "credentials", user);
  if (admitted) return PAM_SUCCESS;
  if (admitted.error() == PAM_IGNORE) return PAM_IGNORE;
  if (!options.unknown.empty()) return PAM_SERVICE_ERR;
  // The phase authenticates nobody, so only the stored record is an error here.
  return admitted.error() == PAM_CRED_ERR ? PAM_CRED_ERR : PAM_IGNORE;
}

namespace {

Phase phase_for(Entry entry, int flags) noexcept {
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
  // A new authentication ignores earlier attempts in this transaction. Without an id, the user has
  // a local password, and so no stored record.
  const SignInData* data = entry != Entry::authenticate ? find_sign_in(pam, user) : nullptr;
  if (data != nullptr &&
      (!data->id || check_stored_account(user, data->uid, nullptr) == Membership::cognito_user))
    return options.unknown.empty() ? PAM_SUCCESS : PAM_SERVICE_ERR;
  const FirstLogin first_login =
      entry == Entry::authenticate ? first_login_of(pam) : FirstLogin::no;
  const auto admitted = admit(pam, options, phase_for(entry, flags), "route", user, first_login);
  return admitted ? PAM_SUCCESS : admitted.error();
}

}  // namespace

int route(Handle pam, int flags, const Options& options, Entry entry) {
  if (entry == Entry::password && is_change_by_root(flags)) return PAM_IGNORE;
  const auto user = pam.user();
  if (!user) return user.error();
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
    delay_refusal(pam, PAM_AUTH_ERR);  // the same delay as after a wrong local password
    return PAM_AUTH_ERR;
  }
  log_result(pam, "sign-in", {.outcome = Outcome::unavailable, .cause = "local-password"}, user);
  return PAM_SUCCESS;
}

}  // namespace pamcognito::pam
