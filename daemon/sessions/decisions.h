#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/frame.h"
#include "common/outcome.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/policy/config.h"
#include "daemon/policy/reauth.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/task.h"
#include "daemon/sessions/known_users.h"
#include "daemon/sessions/recent_sign_ins.h"
#include "daemon/sessions/session.h"
#include "daemon/sessions/session_keeper.h"

// The two decisions that use a session. May it replace a sign-in (reauth_question(), decided by
// policy/reauth)? May the account of a user be used, in the account phase of PAM
// (decide_account())? Both trust the pool's last answer for as long as policy::freshness() allows.
namespace pamcognito::sessions {

// The part of the question that configuration and session answer: may the session replace a sign-in
// to `service` from the remote address? The caller's login, whether the session is alive and the
// pool's answer stay unset, which means no.
policy::ReauthQuestion reauth_question(const policy::Config& config, const policy::ReauthRule& rule,
                                       const SessionKeeper& keeper, const Session& session,
                                       std::string_view service, std::string_view address,
                                       runtime::BootTime now);

struct AccountRequest {
  std::string user;
  std::string service;
  // The id of this transaction's authentication; none for key logins, cron, su by root and the
  // like.
  std::optional<SignInId> sign_in_id;
  bool real_root;  // the real uid behind the PAM transaction is 0

  AccountRequest(std::string user_, std::string service_, std::optional<SignInId> sign_in_id_,
                 bool real_root_)
      : user(std::move(user_)),
        service(std::move(service_)),
        sign_in_id(sign_in_id_),
        real_root(real_root_) {}
};

// The services that an account decision uses. All of it outlives the decision; `config` is kept by
// it, and null for an unconfigured daemon.
struct AccountServices {
  std::shared_ptr<const policy::Config> config;
  runtime::Clock* clock = nullptr;
  const RecentSignIns* recent_sign_ins = nullptr;
  SessionKeeper* sessions = nullptr;
  const KnownUsers* known = nullptr;

  AccountServices() = default;
};

struct AccountDecision {
  // success, account_denied, account_unknown, account_expired, new_password_needed
  Outcome outcome;
  std::string_view reason;  // stable word for the log
};

// May this user's account be used? The first of these that gives an answer decides:
// 1. the sign-in of this transaction: its groups;
// 2. the user's sessions, the one verified last first: its groups. The pool is asked first if that
//    is longer ago than [session] revalidate, but never for systemd-user, cron and atd;
// 3. the groups that were verified last, if they are younger than [keys] last_sign_in_max_age;
// 4. the configuration's rule for users who were never seen.
// The pool is asked within call.deadline; beyond it, it counts as unreachable.
runtime::Task<AccountDecision> decide_account(AccountServices services, AccountRequest request,
                                              cognito::Call call);

}  // namespace pamcognito::sessions
