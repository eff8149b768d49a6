#include "daemon/bus/core.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/stored_account.h"
#include "daemon/bus/account_client.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/metrics.h"
#include "daemon/sessions/decisions.h"

namespace pamcognito::bus {
namespace {

using runtime::Level;
using runtime::Task;

// An address may be a whole office's, with several people who have forgotten their passwords.
policy::LimitsConfig limits_of_an_origin(policy::LimitsConfig limits) {
  constexpr unsigned people = 4;
  limits.messages *= people;
  limits.messages_unanswered *= people;
  return limits;
}

}  // namespace

Core::Core(Dependencies dependencies)
    : loop(dependencies.loop),
      clock(dependencies.clock),
      store(dependencies.store),
      known(dependencies.known),
      sessions_survive(dependencies.sessions_survive),
      state_directory(std::move(dependencies.state_directory)),
      started_at(dependencies.clock.wall_time()),
      open(dependencies.max_sign_ins),
      failures(policy::LimitsConfig{}),
      messages(policy::LimitsConfig{}),
      reset_messages(policy::LimitsConfig{}, "reset"),
      reset_messages_by_origin(policy::LimitsConfig{}, ""),  // counted by user
      passwords(loop),
      revocations(loop, clock),
      sessions(loop, clock, store, known, passwords, revocations),
      mfa(sessions, clock),
      callers(loop, dependencies.worker),
      calls(loop) {
  sessions.on_disabled(&Core::lock_account);
  // Known origins come from the stored sessions; otherwise failed sign-ins of an attacker could
  // shut users out of their usual hosts after a restart.
  for (const SignInId& id : store.all()) {
    const auto session = store.find(id);
    const auto origin = session ? limits::Origin::of_key(session->origin) : std::nullopt;
    if (origin) failures.remember(session->user, *origin);
  }
}

void Core::configure(std::shared_ptr<const policy::Config> new_config,
                     std::shared_ptr<cognito::UserPool> new_pool) {
  config = std::move(new_config);
  pool = std::move(new_pool);
  const policy::LimitsConfig limits = config ? config->limits : policy::LimitsConfig{};
  failures.set_limits(limits);
  messages.set_limits(limits);
  reset_messages.set_limits(limits);
  reset_messages_by_origin.set_limits(limits_of_an_origin(limits));
  first_logins.set_limits(limits, limits_of_an_origin(limits));
  sessions.configure(config, pool);
  mfa.configure(config, pool);
}

sign_in::SignInServices Core::sign_in_services(const sign_in::SignInRequest& request) {
  sign_in::SignInServices services;
  services.config = config;
  services.pool = pool;
  services.clock = &clock;
  services.failures = &failures;
  services.messages = &messages;
  services.reset_messages = &reset_messages;
  services.reset_messages_by_origin = &reset_messages_by_origin;
  services.account_failures = &failures;
  services.password_turns = &password_turns;
  services.refusal_time = &refusal_time;
  services.revoke_later = [this, keeps = pool](std::string refresh_token) {
    revocations.add(keeps, std::move(refresh_token));
  };
  services.sessions = &sessions;
  services.known = &known;
  services.store_account = [this, pool_id = config->pool.user_pool_id](
                               std::string user, std::string sub, std::vector<std::string> groups,
                               sign_in::AccountClaims claims) {
    return store_account(&loop, pool_id, std::move(user), std::move(sub), std::move(groups),
                         std::move(claims));
  };
  services.account_attributes = &account_attributes;
  services.account_disabled = &Core::lock_account;
  services.factors_changed = [this](const std::string& user) { mfa.forget(user); };
  if (request.is_first_login) services.use(&first_logins);
  return services;
}

Level Core::level_of_line(const std::string& cause, Level level) {
  switch (lines.count(cause, clock.boot_time())) {
    case limits::PerMinute::Count::within:
      return level;
    case limits::PerMinute::Count::first_beyond:
      runtime::log(Level::warning, "too many lines about " + cause +
                                       ": further ones are left out for up to a minute");
      return Level::debug;
    case limits::PerMinute::Count::beyond:
      return Level::debug;
  }
  return level;
}

// Without accounts.conf there are no such users. cognitod-accounts decides whether this is one.
void Core::lock_account(const std::string& user) {
  if (AccountsRange::read().state() != AccountsRange::State::absent) report_disabled(user);
}

Task<Outcome> Core::decide_account(AccountQuestion question) {
  // The module waits ten seconds.
  constexpr std::chrono::seconds time_for_pool{5};
  sessions::AccountServices services;
  services.config = config;
  services.clock = &clock;
  services.recent_sign_ins = &recent_sign_ins;
  services.sessions = &sessions;
  services.known = &known;
  sessions::AccountRequest request(question.user, question.service, question.sign_in_id,
                                   question.real_root);
  cognito::CallTrace trace;
  const sessions::AccountDecision decision = co_await sessions::decide_account(
      std::move(services), std::move(request), cognito::Call(clock.now() + time_for_pool, &trace));
  const std::string_view outcome = to_string(decision.outcome);
  // A person may ask without end.
  const Level level =
      question.of_person
          ? Level::debug
          : level_of_line("accounts of " + question.user,
                          decision.outcome == Outcome::success ? Level::info : Level::notice);
  auto log = [=, calls = trace.text()] {
    runtime::log(level,
                 "account of " + question.user + " for " + question.service + ": " +
                     std::string(outcome) + " (" + std::string(decision.reason) +
                     ") id=" + question.log_id,
                 {{"ID", question.log_id},
                  {"USER", question.user},
                  {"SERVICE", question.service},
                  {"OUTCOME", outcome},
                  {"CAUSE", decision.reason},
                  {"CALLS", calls}});
  };
  // Log refusals before the reply, so that the line exists when the user reports it; log successes
  // after it.
  if (decision.outcome == Outcome::success)
    loop.post(std::move(log));
  else
    log();
  runtime::metrics().count("pam_cognito_accounts_total",
                           {{"outcome", outcome}, {"service", question.service}});
  co_return decision.outcome;
}

}  // namespace pamcognito::bus
