#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/flows/sign_in.h"

// A scripted person, a scripted pool and a clock that only moves when told: a whole sign-in runs in
// one call, without a socket.
namespace pamcognito::test {

class ScriptedClock final : public runtime::Clock {
 public:
  [[nodiscard]] runtime::MonotonicTime now() const override { return now_; }
  [[nodiscard]] runtime::BootTime boot_time() const override {
    return runtime::BootTime(now_.time_since_epoch());
  }
  [[nodiscard]] std::time_t wall_time() const override { return 1'800'000'000; }
  runtime::Task<void> sleep_until(runtime::MonotonicTime when) override {
    slept += when - now_;
    now_ = when;
    co_return;
  }
  void advance(std::chrono::seconds by) { now_ += by; }

  std::chrono::nanoseconds slept{0};

 private:
  runtime::MonotonicTime now_{std::chrono::hours(1)};
};

// What the person saw and typed. Answers are taken in order; without one the caller hangs up.
class ScriptedPerson final : public flows::Conversation {
 public:
  runtime::Task<std::expected<Secret, flows::ConversationError>> ask(flows::Prompt prompt) override;

  std::deque<std::string> answers;
  std::function<void()> before_answer;  // time passes, somebody else signs in …
  bool never_answers = false;           // suspends for ever
  std::vector<std::string> prompts;
  std::vector<std::string> notices;
  std::vector<Purpose> purposes;
  std::vector<bool> echoes;
};

struct PoolCall {
  std::string operation;  // sign_in, respond SMS_MFA, verify, revoke
  std::string username;
  std::string password;
  cognito::StringMap values;
};

class ScriptedPool final : public cognito::UserPool {
 public:
  using Reply = cognito::PoolResult<cognito::AuthStep>;

  explicit ScriptedPool(ScriptedClock& clock) : clock_(clock) {}

  void prewarm() override { ++prewarmed; }
  runtime::Task<Reply> sign_in(std::string username, const Secret* password,
                               cognito::StringMap client_metadata,
                               runtime::MonotonicTime deadline) override;
  runtime::Task<Reply> respond(cognito::Challenge challenge, cognito::StringMap responses,
                               cognito::StringMap client_metadata,
                               runtime::MonotonicTime deadline) override;
  runtime::Task<cognito::PoolResult<cognito::VerifiedTokens>> verify(
      const cognito::Tokens* tokens, runtime::MonotonicTime deadline) override;
  runtime::Task<cognito::PoolResult<void>> revoke(std::string refresh_token,
                                                  runtime::MonotonicTime deadline) override;

  // Replies to sign_in and respond, in order; beyond the last one: ErrorKind::internal.
  void reply_challenge(cognito::ChallengeName name, cognito::StringMap parameters = {});
  void reply_tokens();
  void reply_error(cognito::ErrorKind kind, std::string message = {}, bool password_sent = true);

  std::deque<Reply> replies;
  cognito::PoolResult<cognito::VerifiedTokens> verified;
  std::vector<PoolCall> calls;
  int prewarmed = 0;

 private:
  Reply next(const runtime::MonotonicTime& deadline);
  ScriptedClock& clock_;
};

// One world for a sign-in of alice by sshd from 192.0.2.7: change what the test is about, then
// run().
class World {
 public:
  World();
  flows::SignInResult run();
  // The calls' operations, joined by ", ".
  [[nodiscard]] std::string operations() const;
  // A new sign-in in the same world: budgets and clock stay.
  void next_sign_in();

  ScriptedClock clock;
  ScriptedPool pool{clock};
  std::unique_ptr<ScriptedPerson> person = std::make_unique<ScriptedPerson>();
  std::shared_ptr<policy::Config> config = std::make_shared<policy::Config>();
  limits::FailureBudgets failures{policy::LimitsConfig{}};
  limits::MessageBudgets messages{policy::LimitsConfig{}};
  limits::UserQueue turns;
  std::chrono::milliseconds refusal_time{250};
  std::vector<std::string> revoked;
  std::string service = "sshd";
  limits::Origin origin = limits::Origin::of_host("192.0.2.7");

  flows::SignInServices services();
  flows::SignInRequest request();
};

// Runs a task that never waits for anything outside; nullopt: it does wait.
template <class T>
std::optional<T> run_now(runtime::Task<T>& task) {
  task.handle().resume();
  if (!task.handle().done()) return std::nullopt;
  return task.handle().promise().take();
}

}  // namespace pamcognito::test
