#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/frame.h"
#include "common/outcome.h"
#include "common/stored_account.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/limits/failure_budgets.h"
#include "daemon/limits/first_logins.h"
#include "daemon/limits/message_budgets.h"
#include "daemon/limits/origin.h"
#include "daemon/limits/user_queue.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/task.h"
#include "daemon/sessions/revocations.h"
#include "daemon/sessions/session_keeper.h"
#include "daemon/sign_in/conversation.h"
#include "daemon/sign_in/mfa_preference.h"

namespace pamcognito::sign_in {

// The purpose of a sign-in.
enum class Goal : std::uint8_t {
  sign_in,
  change_password,  // then the new password is asked for, and set
  change_factors,   // then the user's second factors are changed; no session is made
};

// The login that a program of a user's own belongs to, as systemd-logind knows it.
struct CallerPlace {
  enum class Kind : std::uint8_t {
    unknown,  // none, another user's, or logind did not say: cron, a service, sudo -u
    seat,     // in front of this machine
    remote,
  };
  Kind kind = Kind::unknown;
  std::string address;  // remote: a literal one, or empty

  CallerPlace() = default;
};

// A request to sign in, as the bus layer has established it.
struct SignInRequest {
  std::string user;         // the Linux name
  std::string service;      // decides what is permitted; "user" for callers that are not root
  std::string program;      // the service by the caller's own word: decides how things are shown
  uid_t user_uid;           // the user's own uid; (uid_t)-1: not known
  limits::Origin origin;    // for the failure budgets
  std::string remote_host;  // a literal address, without a scope id; empty: none, or not known
  Goal goal = Goal::sign_in;
  std::string log_id;  // ties together what is logged of one sign-in, from the module to the pool;
                       // 16 hexadecimal digits, no capability
  bool is_test = false;         // of a sign-in: a success is told, and nothing of it is kept
  bool caller_is_root = false;  // a PAM host that runs as root asks; else the user's own process
  bool real_root = false;       // and root started it: for the account phase
  // The uid is in the range of accounts.conf: no local file names the user, and each full sign-in
  // is stored by cognitod-accounts.
  bool has_stored_account = false;
  // The accounts file proved that there was no record of this name when the sign-in was opened. The
  // name may be anybody's, so it has limits of its own, and a full sign-in makes the account.
  bool is_first_login = false;
  // The login that the host process belongs to, if that is the user's own: only then may a session
  // of it replace the sign-in. Unset: none, or not to be believed.
  sessions::Binding binding;
  CallerPlace place;  // of a caller that is not root, where it was asked for: of change_factors
  // change_factors:
  std::optional<FactorChange> change;
  std::string device_name;       // FriendlyDeviceName; empty: user@host
  bool plain_uri = false;        // each question is the otpauth URI alone, for programs
  std::optional<policy::Qr> qr;  // the QR code that the caller wants; none: as the program's

  SignInRequest(std::string user_, std::string service_, uid_t user_uid_, limits::Origin origin_)
      : user(std::move(user_)),
        service(std::move(service_)),
        program(service),
        user_uid(user_uid_),
        origin(std::move(origin_)) {}

  // The literal address of another machine, by the word of a program that root started and that
  // runs as root, such as sshd. Empty: none. sudo and su are started by a user, who may choose
  // PAM_RHOST of some programs: their origin is the user.
  [[nodiscard]] std::string_view remote_address() const noexcept {
    return caller_is_root && real_root && origin.is_remote() ? std::string_view(remote_host)
                                                             : std::string_view();
  }
};

// The reason why cognitod-accounts has not stored a sign-in.
enum class StoreFailure : std::uint8_t {
  another_person,  // name or sub has an account of another person
  locked,
  not_permitted,  // root's rules refuse the name, the uid, or one more account
  fault,          // of its configuration or of the disk
  unreachable,    // no reply in time
};

// The values of AccountAttributes in the verified ID token.
struct AccountClaims {
  std::string ssh_keys;      // as they are; empty: none
  std::optional<uid_t> uid;  // nullopt: none, or no number

  AccountClaims() = default;
};

// The services of a sign-in. All of them outlive it; `config` is kept by it. A first login has the
// limits of limits::FirstLogins.
struct SignInServices {
  std::shared_ptr<const policy::Config> config;
  std::shared_ptr<cognito::UserPool> pool;  // a reload may put another in its place
  runtime::Clock* clock;
  limits::FailureBudgets* failures;
  limits::MessageBudgets* messages;
  // A separate budget of password resets and confirmations: an attacker may ask for them, and must
  // not use up the codes of a user's sign-ins.
  limits::MessageBudgets* reset_messages;
  // The same by origin: an attacker may name many users.
  limits::MessageBudgets* reset_messages_by_origin;
  limits::FirstLoginRates* first_logins = nullptr;  // of a first login; else null
  limits::FailureBudgets* account_failures;         // `failures` of users with accounts
  limits::UserQueue* password_turns;
  // How long a refusal of the pool took last: what is refused here takes as long.
  std::chrono::milliseconds* refusal_time;
  // Revokes in the background; never waits, never fails.
  std::function<void(std::string refresh_token)> revoke_later;
  sessions::SessionKeeper* sessions;
  sessions::KnownUsers* known;  // identity pins, and which factor changes the user was told of
  // Stores a sign-in of a user without a local account. If empty, these users are refused.
  std::function<runtime::Task<std::expected<void, StoreFailure>>(
      std::string user, std::string sub, std::vector<std::string> groups, AccountClaims claims)>
      store_account;
  // The attributes that AccountClaims come from. May be empty.
  std::function<AccountAttributes()> account_attributes;
  // The pool has disabled a user without a local account. May be empty.
  std::function<void(const std::string& user)> account_disabled;
  // The user's factors as known here are out of date. May be empty.
  std::function<void(const std::string& user)> factors_changed;

  // For a first login.
  void use(limits::FirstLogins* limits) {
    failures = &limits->failures;
    messages = &limits->messages;
    reset_messages = &limits->reset_messages;
    reset_messages_by_origin = &limits->reset_messages_by_origin;
    first_logins = &limits->rates;
  }
};

// How a sign-in ended.
struct SignInResult {
  Outcome outcome;
  std::string cause;                             // stable word for the log
  Notice notice;                                 // what the person is told
  runtime::Level level;                          // of the log line
  std::string detail;                            // for the log: the pool's own text
  std::string request_id;                        // of the call that decided, may be empty
  std::optional<cognito::ErrorKind> pool_error;  // where the pool's error decided
  // Success by the pool's tokens only. Apart, because a waiting sign-in's frames have room for many
  // results.
  struct Accepted {
    sessions::PendingTokens tokens;
    cognito::VerifiedTokens verified;
    Secret password;  // where a verifier is wanted

    Accepted(sessions::PendingTokens tokens_, cognito::VerifiedTokens verified_)
        : tokens(std::move(tokens_)), verified(std::move(verified_)) {}
  };
  std::unique_ptr<Accepted> accepted;
  std::optional<SignInId> reused;         // success only: the session that replaced the sign-in
  std::string calls;                      // CallTrace::text()
  std::optional<cognito::Method> factor;  // the second factor that was given
  bool tells_of_change = false;           // the notice says that a factor was changed

  SignInResult(Outcome outcome_, std::string cause_, Notice notice_,
               runtime::Level level_ = runtime::Level::notice)
      : outcome(outcome_), cause(std::move(cause_)), notice(std::move(notice_)), level(level_) {}
};

// The end of a sign-in, on the heap: each frame of a waiting sign-in has room for several.
using SignInEnd = std::unique_ptr<SignInResult>;
// The result of a step: the value with which the sign-in goes on, or the end of the sign-in. The
// end is a success only if a session replaces the sign-in.
template <class T = void>
using StepResult = std::expected<T, SignInEnd>;
// A step at the pool: the pool's answer.
using Step = StepResult<cognito::AuthStep>;

// An end with a text for the user.
SignInEnd make_end(Outcome outcome, std::string cause, std::string text,
                   runtime::Level level = runtime::Level::notice);

}  // namespace pamcognito::sign_in
