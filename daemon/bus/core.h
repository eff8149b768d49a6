#pragma once

#include <chrono>
#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/frame.h"
#include "common/outcome.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/calls.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/limits/failure_budgets.h"
#include "daemon/limits/first_logins.h"
#include "daemon/limits/message_budgets.h"
#include "daemon/limits/open_sign_ins.h"
#include "daemon/limits/per_minute.h"
#include "daemon/limits/user_queue.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/worker.h"
#include "daemon/sessions/known_users.h"
#include "daemon/sessions/password_check.h"
#include "daemon/sessions/recent_sign_ins.h"
#include "daemon/sessions/revocations.h"
#include "daemon/sessions/session_keeper.h"
#include "daemon/sessions/session_store.h"
#include "daemon/sign_in/mfa_preference.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::bus {

// The parts that main makes before there is a bus. All of them outlive the service.
struct Dependencies {
  runtime::EventLoop& loop;
  runtime::Clock& clock;
  runtime::Worker& worker;
  sessions::SessionStore& store;
  sessions::KnownUsers& known;
  std::size_t max_sign_ins;  // what the process's descriptors suffice for
  bool sessions_survive;     // the store comes back to the next daemon
  std::string state_directory;
};

// The state that the methods of the bus share: the configuration in force, the budgets, the
// sessions. The methods are in files of their own.
struct Core {
  explicit Core(Dependencies dependencies);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // At the start and after a reload. Both null: unconfigured. Sign-ins that are open keep what they
  // began with.
  void configure(std::shared_ptr<const policy::Config> new_config,
                 std::shared_ptr<cognito::UserPool> new_pool);
  [[nodiscard]] bool is_configured() const noexcept { return config && pool; }
  [[nodiscard]] sign_in::SignInServices sign_in_services(const sign_in::SignInRequest& request);

  struct AccountQuestion {
    std::string user;
    std::string service;
    std::optional<SignInId> sign_in_id;
    bool real_root = false;  // the real uid behind the PAM transaction is 0
    bool of_person = false;  // not asked by a PAM host of root's
    std::string log_id;

    AccountQuestion() = default;
  };
  // Has the account of a user locked whom the pool has disabled, if no local file names the user.
  static void lock_account(const std::string& user);

  // Decides in bounded time, writes the line and counts.
  runtime::Task<Outcome> decide_account(AccountQuestion question);

  // The level of a line that its cause (an origin, a user) can bring about without trying a
  // password: the bound keeps one of them from filling the log. Says once a minute that lines are
  // left out.
  runtime::Level level_of_line(const std::string& cause, runtime::Level level);

  runtime::EventLoop& loop;
  runtime::Clock& clock;
  sessions::SessionStore& store;
  sessions::KnownUsers& known;
  const bool sessions_survive;
  const std::string state_directory;
  const std::time_t started_at;
  std::shared_ptr<const policy::Config> config;
  std::shared_ptr<cognito::UserPool> pool;

  limits::OpenSignIns open;
  // Sign-ins that one uid opened itself. A screen locker, a password change and `cognitoctl mfa`
  // open one each; sign-ins that root's PAM hosts open are not counted.
  limits::PerMinute opened{60};
  // journald drops a service's lines above 10,000 in 30 s (journald.conf(5), RateLimitBurst).
  limits::PerMinute lines{300};
  limits::FailureBudgets failures;
  limits::MessageBudgets messages;
  // Separate budgets: an attacker who asks for resets cannot use up the codes of a user's sign-ins.
  limits::MessageBudgets reset_messages;
  limits::MessageBudgets reset_messages_by_origin;
  limits::FirstLogins first_logins{policy::LimitsConfig{}};
  limits::UserQueue password_turns;
  std::chrono::milliseconds refusal_time{250};
  sessions::RecentSignIns recent_sign_ins;
  sessions::PasswordChecker passwords;
  sessions::Revocations revocations;
  sessions::SessionKeeper sessions;
  sign_in::MfaPreferences mfa;

  Callers callers;
  Calls calls;  // last: what runs uses all of the above
};

// An sd-bus method handler that runs a coroutine of a class of methods, which has a `core()`.
template <auto kHandle>
struct Dispatch;
template <class Methods, runtime::Task<void> (Methods::*kHandle)(MessageRef)>
struct Dispatch<kHandle> {
  static int call(sd_bus_message* message, void* self, sd_bus_error*) noexcept {
    auto& methods = *static_cast<Methods*>(self);
    return methods.core().calls.accept(
        message, [&methods](MessageRef kept) { return (methods.*kHandle)(std::move(kept)); });
  }
};

}  // namespace pamcognito::bus
