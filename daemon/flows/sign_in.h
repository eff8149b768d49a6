#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/outcome.h"
#include "common/secret.h"
#include "daemon/cognito/factors.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/flows/conversation.h"
#include "daemon/limits/failure_budgets.h"
#include "daemon/limits/message_budgets.h"
#include "daemon/limits/origin.h"
#include "daemon/limits/user_queue.h"
#include "daemon/policy/config.h"
#include "daemon/prompts/rendering.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/task.h"

namespace pamcognito::flows {

// Who wants to sign in where, as the bus layer has established it.
struct SignInRequest {
  std::string user;  // the Linux name
  std::string service;
  uid_t user_uid;         // the user's own uid; (uid_t)-1: not known
  limits::Origin origin;  // for the failure budgets

  SignInRequest(std::string user_, std::string service_, uid_t user_uid_, limits::Origin origin_)
      : user(std::move(user_)),
        service(std::move(service_)),
        user_uid(user_uid_),
        origin(std::move(origin_)) {}
};

// What a flow works with. All of it outlives the flow; `config` is kept by it.
struct SignInServices {
  std::shared_ptr<const policy::Config> config;
  cognito::UserPool* pool;
  runtime::Clock* clock;
  limits::FailureBudgets* failures;
  limits::MessageBudgets* messages;
  limits::UserQueue* password_turns;
  // How long a refusal of the pool took last: what is refused here takes as long.
  std::chrono::milliseconds* refusal_time;
  // Revokes in the background; never waits, never fails.
  std::function<void(std::string refresh_token)> revoke_later;
};

// Tokens of a sign-in. They are revoked with this object, whatever ends it: a success that was
// taken over (nothing uses them after), a refusal, a fault, a host process that died.
class PendingTokens {
 public:
  PendingTokens(cognito::Tokens tokens, std::function<void(std::string)> revoke_later);
  PendingTokens(PendingTokens&& other) noexcept;
  PendingTokens& operator=(PendingTokens&& other) noexcept;
  PendingTokens(const PendingTokens&) = delete;
  PendingTokens& operator=(const PendingTokens&) = delete;
  ~PendingTokens();

  [[nodiscard]] const cognito::Tokens& get() const noexcept { return tokens_; }

 private:
  cognito::Tokens tokens_;
  std::function<void(std::string)> revoke_later_;  // empty: moved from
};

// How a sign-in ended.
struct SignInResult {
  Outcome outcome;
  std::string cause;       // stable word for the log
  Notice notice;           // what the person is told
  runtime::Level level;    // of the log line
  std::string detail;      // for the log: the pool's own text
  std::string request_id;  // of the call that decided, may be empty
  // Success only. Apart, because a waiting sign-in's frames have room for many results.
  struct Accepted {
    PendingTokens tokens;
    cognito::VerifiedTokens verified;
  };
  std::unique_ptr<Accepted> accepted;
  std::optional<policy::Method> factor;  // the second factor that was given

  SignInResult(Outcome outcome_, std::string cause_, Notice notice_,
               runtime::Level level_ = runtime::Level::notice)
      : outcome(outcome_), cause(std::move(cause_)), notice(std::move(notice_)), level(level_) {}
};

// One sign-in from the first prompt to verified tokens: a loop over the pool's challenges. Knows
// neither bus nor HTTP. It asks for the password once; the caller repeats.
//
// A step, from an answer to the next prompt, is given 7.5 s for all its calls; whoever runs the
// flow bounds it at 8 s and the whole at the service's deadline by destroying the task.
class SignIn {
 public:
  SignIn(SignInServices services, SignInRequest request, Conversation* conversation);
  SignIn(const SignIn&) = delete;
  SignIn& operator=(const SignIn&) = delete;

  // The object outlives the task.
  runtime::Task<SignInResult> run();

 private:
  // The end of the sign-in, on the heap: each frame of a waiting sign-in has room for several.
  using Ended = std::unique_ptr<SignInResult>;
  using Step = std::expected<cognito::AuthStep, Ended>;

  static constexpr int kTries = 3;
  static Ended ended(Outcome outcome, std::string cause, std::string text,
                     runtime::Level level = runtime::Level::notice);

  // Null: there is a password.
  runtime::Task<Ended> ask_password();
  // The password step: decoys, budgets, the user's turn, the pool.
  runtime::Task<Step> prove_password();
  runtime::Task<Step> answer(std::unique_ptr<cognito::Challenge> challenge);
  runtime::Task<Step> refuse_challenge(std::unique_ptr<cognito::Challenge> challenge);
  runtime::Task<Step> answer_code(std::unique_ptr<cognito::Challenge> challenge,
                                  policy::Method method);
  runtime::Task<Step> choose_factor(std::unique_ptr<cognito::Challenge> challenge);
  // new_password.cc
  runtime::Task<Step> set_new_password(std::unique_ptr<cognito::Challenge> challenge);
  runtime::Task<std::expected<cognito::StringMap, Ended>> ask_attributes(
      std::vector<std::string> names);
  runtime::Task<std::expected<Secret, Ended>> ask_new_password(Notice notice);
  runtime::Task<Ended> accept(cognito::Tokens tokens);
  runtime::Task<std::expected<Secret, Ended>> ask(Prompt prompt);
  runtime::Task<Ended> refuse_like_the_pool(std::string cause);

  // If the pool sent a code with this step, it counts.
  void count_message(const cognito::AuthStep& step);
  [[nodiscard]] bool session_is_over(const cognito::PoolError& error,
                                     const cognito::Challenge& challenge) const;
  [[nodiscard]] bool accepts(policy::Method method) const;
  [[nodiscard]] Ended from_error(const cognito::PoolError& error) const;
  [[nodiscard]] runtime::MonotonicTime step_deadline() const { return step_deadline_; }

  SignInServices services_;
  SignInRequest request_;
  Conversation* conversation_;
  prompts::Rendering rendering_;
  std::string cognito_name_;
  Secret password_;
  Secret code_given_ahead_;  // one prompt only: the code that came with the password
  bool password_accepted_ = false;
  bool repeated_ = false;  // the password step was repeated: once per sign-in
  std::optional<policy::Method> factor_given_;
  runtime::MonotonicTime step_deadline_{};
};

}  // namespace pamcognito::flows
