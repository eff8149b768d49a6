#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "common/secret.h"
#include "daemon/cognito/challenge_parameters.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/policy/service_profile.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/task.h"
#include "daemon/sign_in/conversation.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::sign_in {

// How often a person may try to answer one question.
inline constexpr int kTries = 3;

// The state that the steps of one sign-in share: who signs in, the services, and the progress.
struct SignInContext {
  SignInContext(SignInServices services_, SignInRequest request_, Conversation* conversation_);
  SignInContext(const SignInContext&) = delete;
  SignInContext& operator=(const SignInContext&) = delete;

  const SignInServices services;
  const SignInRequest request;
  Conversation* const conversation;
  const policy::ServiceProfile profile;  // of the service, with what this sign-in changes of it
  const std::string cognito_name;        // what InitiateAuth is called with
  const cognito::CallContext call;       // goes with every call that takes it

  // Answers that later steps use.
  struct Typed {
    Secret password;                  // the present one; empty: none was typed
    bool password_asked = false;      // by the re-authentication; the answer is in `password`
    Secret code;                      // one prompt only: the code that came with the password
    bool more_than_password = false;  // the person was asked anything else
  } typed;
  // Answers that the pool has accepted. A sign-in that is begun anew proves them again.
  struct Proved {
    bool first_factor = false;              // the password, or a custom answer in its place
    std::optional<cognito::Method> factor;  // the second one
    bool repeated = false;                  // the first factor was proved again: once per sign-in
    bool password_changed = false;          // in this sign-in
  } proved;
  // The user's choice among several factors, if the pool leaves it open (SELECT_MFA_TYPE).
  struct Choice {
    std::vector<cognito::Method> usable;  // that the pool offered last, and policy accepts
    // For the next choice, of a sign-in that is begun anew: this one again, or any other one.
    std::optional<cognito::Method> again;
    std::optional<cognito::Method> other_than;
    int changes = 0;  // how often the user asked for another one
  } choice;
  // Second factors that were set up in this sign-in.
  struct Enrolled {
    bool totp = false;
    bool perhaps_totp = false;  // the answer to the new app's first code was lost
    bool email = false;         // for a challenge of the pool
  } enrolled;
  struct Attempts {
    bool taken = false;  // one at least, even if it was given back
    // Custom answers count as failed until the pool goes on to something else.
    std::vector<limits::Attempt> custom;
    int custom_answers = 0;  // in a row
  } attempts;
  // For the person and for the log.
  struct Report {
    cognito::CallTrace trace;    // of the calls of this sign-in
    Notice notice;               // shown with the next question
    std::string log_only_error;  // of a reset: the person is not told
  } report;

  // Asks, and sets the deadline of the step that begins with the answer. A caller that repeats
  // itself (sshd with PasswordAuthentication, some screen lockers) sends the password to every
  // prompt: where a code or a choice belongs, that ends the sign-in.
  runtime::Task<StepResult<Secret>> ask(Prompt prompt);
  // All calls of the present step end by then.
  [[nodiscard]] cognito::Call step_deadline() { return {step_deadline_, &report.trace}; }

  [[nodiscard]] const policy::Config& config() const { return *services.config; }
  [[nodiscard]] bool accepts(cognito::Method method) const;
  // A second factor was given. It counts only after a first one, and not instead of one that policy
  // accepts.
  void give_factor(cognito::Method method);
  // May an authenticator be set up here without the pool's demand?
  [[nodiscard]] bool may_enrol_freely() const;
  // Does [mfa] enroll permit the account's first factor where the caller is, without the pool's
  // demand?
  [[nodiscard]] bool may_add_first_factor() const;
  // Is it known where the person is? A PAM host says it; of a user's own program logind does.
  [[nodiscard]] bool has_place() const;
  // Goal::change_factors, and the change is a new authenticator?
  [[nodiscard]] bool is_to_set_up_totp() const;
  // Until the whole sign-in is ended, at the farthest.
  [[nodiscard]] std::chrono::seconds time_left() const;
  // Is there time for a set-up?
  [[nodiscard]] bool has_time_to_enrol() const;
  // And would there be, at the service's best? login(1) ends after a minute.
  [[nodiscard]] bool service_has_time_to_enrol() const;

  // The pool has taken a new password: it is the present one, and nothing that was known of the old
  // one counts any more.
  void password_was_changed(Secret new_password);

  // May the pool be asked? Always in a sign-in of a user with an account. A first login is counted
  // in the rates once, before its first call, and refused for good if it is beyond them.
  [[nodiscard]] bool may_ask_pool();
  // Waits as long as a refusal of the pool takes, for what is refused here.
  runtime::Task<void> take_as_long_as_the_pool() const;
  // An attempt of the user; nullopt: none is left.
  [[nodiscard]] std::optional<limits::Attempt> take_attempt();
  // The failures that the budget still has for the user; 0: none.
  [[nodiscard]] unsigned attempts_left() const;
  // How long until the budget has room for the user again. One who has proved nothing, from an
  // origin that is not known, gets the whole window, which tells nothing of the attempts of others.
  [[nodiscard]] std::chrono::seconds wait_for_attempt() const;
  // Counts a code that the sign-in causes now. The end: the budget has none left.
  [[nodiscard]] StepResult<> charge_message() const;
  // May a code of a reset or a confirmation be caused now? Then it counts, for the user and for
  // where it was asked for.
  [[nodiscard]] bool charge_reset_message() const;
  void reset_message_answered() const;
  // If the pool sent a code with this step, it counts; so does the first of its own questions,
  // which may come with a message.
  void count_message(const cognito::AuthStep& step) const;

  // The end that the error table has for the error, fitted to the progress of this sign-in.
  [[nodiscard]] SignInEnd from_error(const cognito::PoolError& error) const;
  // Keeps for the log what a reset does not tell.
  void keep_for_log(const cognito::PoolError& error);
  [[nodiscard]] bool challenge_session_is_over(const cognito::PoolError& error,
                                               runtime::MonotonicTime received) const;

 private:
  [[nodiscard]] bool permits_first_login() const;
  void tell_time_left(Prompt* prompt) const;
  runtime::Task<StepResult<Secret>> take_answer(
      Purpose purpose, runtime::Task<std::expected<Secret, ConversationError>> answering);

  runtime::MonotonicTime step_deadline_;
  std::optional<bool> pool_may_be_asked_;  // of a first login, once it is decided
};

bool sends_a_message(cognito::Method method);
SignInEnd no_attempt_left(const SignInContext& context);
SignInEnd no_first_factor();

}  // namespace pamcognito::sign_in
