#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/sent_code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::ErrorKind;
using cognito::PoolError;
using cognito::PoolResult;
using runtime::Task;

// The answer to ask for again after the pool refused a reset.
enum class Repeat : std::uint8_t { nothing, code, password };

// An error that depends on the account reads as a wrong code.
Repeat answer_to_repeat(const PoolError& error) {
  const cognito::ErrorRow& row = cognito::error_row(error);
  if (row.refuses_new_password()) return Repeat::password;
  return row.depends_on_account() ? Repeat::code : Repeat::nothing;
}

// A user who resets a password has proved none. Also where an administrator demanded the reset:
// Cognito answers PasswordResetRequiredException to any password.
class PasswordReset {
 public:
  PasswordReset(SignInContext* context, ResetCause cause)
      : context_(context),
        forgotten_(cause == ResetCause::forgotten),
        code_(context, forgotten_ ? prompts::forgot_password_code : prompts::reset_code,
              sender(context, forgotten_)) {}

  Task<StepResult<>> run() {
    if (forgotten_) {
      StepResult<> sent = co_await code_.send();
      if (!sent) co_return sent;
      context_->report.notice = Notice();  // the question contains it
    }
    Repeat ask = Repeat::code;
    bool has_password = false;
    Notice password_notice;
    for (int tries = 0; tries < kTries; ++tries) {
      if (ask == Repeat::code) {
        StepResult<std::string> typed = co_await code_.ask();
        if (!typed) co_return std::unexpected(std::move(typed.error()));
        typed_code_ = std::move(*typed);
      }
      if (ask == Repeat::password || !has_password) {
        StepResult<Secret> password =
            co_await ask_new_password(context_, false, std::exchange(password_notice, Notice()));
        if (!password) co_return std::unexpected(std::move(password.error()));
        new_password_ = std::move(*password);
        has_password = true;
      }
      PoolResult<void> result = co_await confirm();
      if (no_attempt_) co_return std::unexpected(no_attempt_left(*context_));
      if (result) {
        complete();
        co_return StepResult<>();
      }
      ask = answer_to_repeat(result.error());
      if (ask == Repeat::nothing) co_return std::unexpected(context_->from_error(result.error()));
      context_->keep_for_log(result.error());
      if (ask == Repeat::code)
        context_->report.notice = Notice::error(prompts::wrong_code());
      else
        password_notice = Notice::error(prompts::password_not_allowed(result.error().message));
    }
    co_return std::unexpected(
        make_end(Outcome::tries_exhausted, "reset",
                 prompts::too_many_wrong_codes(context_->wait_for_attempt())));
  }

 private:
  // An attacker must not cause messages because an administrator demanded a reset.
  static bool may_send(const SignInContext& context, bool forgotten) {
    return forgotten || context.config().password.self_service;
  }
  static SentCode::Send sender(SignInContext* context, bool forgotten) {
    if (!may_send(*context, forgotten)) return {};
    return [context] {
      return context->services.pool->forgot_password(context->cognito_name, &context->call,
                                                     context->step_deadline());
    };
  }

  // A wrong code is an attempt at the account, as a wrong password is.
  Task<PoolResult<void>> confirm() {
    if (!context_->may_ask_pool()) {
      // No code was sent either, and nothing may tell.
      co_await context_->take_as_long_as_the_pool();
      co_return std::unexpected(PoolError(ErrorKind::code_mismatch, "first-login-limit"));
    }
    std::optional<limits::Attempt> attempt = context_->take_attempt();
    no_attempt_ = !attempt;
    if (!attempt) co_return std::unexpected(PoolError(ErrorKind::limit_exceeded));
    PoolResult<void> result = co_await context_->services.pool->confirm_forgot_password(
        context_->cognito_name, typed_code_, &new_password_, &context_->call,
        context_->step_deadline());
    // A new password that the pool refuses is no wrong code, whichever of the two it looks at
    // first. In a demanded reset the sign-in itself has taken an attempt; in another one this is
    // the first.
    const bool no_guess =
        result || (!forgotten_ && cognito::error_row(result.error()).refuses_new_password()) ||
        cognito::is_not_connected(result.error().kind);
    if (no_guess)
      attempt->give_back();
    else
      guesses_.push_back(std::move(*attempt));
    co_return result;
  }

  void complete() {
    for (limits::Attempt& attempt : guesses_) attempt.give_back();
    context_->reset_message_answered();
    context_->report.log_only_error.clear();
    context_->password_was_changed(std::move(new_password_));
    context_->report.notice = Notice::info(prompts::password_was_set());
  }

  SignInContext* context_;
  bool forgotten_;
  SentCode code_;
  std::string typed_code_;
  Secret new_password_;
  std::vector<limits::Attempt> guesses_;  // forgiven with the right one
  bool no_attempt_ = false;
};

}  // namespace

Task<StepResult<>> reset_password(SignInContext* context, ResetCause cause) {
  PasswordReset reset(context, cause);
  StepResult<> result = co_await reset.run();
  co_return result;
}

}  // namespace pamcognito::sign_in
