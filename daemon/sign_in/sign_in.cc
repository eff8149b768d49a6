#include "daemon/sign_in/sign_in.h"

#include <utility>

#include "daemon/prompts/texts.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {

using runtime::Task;

namespace {
constexpr int kMaxChallenges = 20;
}  // namespace

Task<SignInEnd> SignIn::run() {
  SignInEnd end = co_await run_to_the_end();
  if (end->detail.empty()) end->detail = context_.report.log_only_error;
  end->calls = context_.report.trace.text();
  // Not if the pool does not know the name: the configuration may name another pool.
  if (end->pool_error == cognito::ErrorKind::user_disabled && context_.request.has_stored_account &&
      !context_.request.is_first_login &&  // there is no account to lock
      !context_.request.is_test && context_.services.account_disabled)
    context_.services.account_disabled(context_.request.user);
  // With auth_flow = custom, what was typed is an answer of the pool's own and no password.
  if (end->accepted && context_.request.goal != Goal::change_factors &&
      policy::wants_password_verifiers(context_.config()) &&
      context_.config().pool.auth_flow != cognito::AuthFlow::custom)
    end->accepted->password = std::move(context_.typed.password);
  co_return end;
}

Task<SignInEnd> SignIn::run_to_the_end() {
  // A caller with one prompt would give the old password for the new one; with auth_flow = custom
  // there is no password here.
  const bool cannot_change = context_.profile.single_prompt ||
                             context_.config().pool.auth_flow == cognito::AuthFlow::custom;
  if (context_.request.goal == Goal::change_password && cannot_change)
    co_return make_end(Outcome::failed, "cannot-change-here", prompts::cannot_change_here());
  if (context_.request.goal == Goal::change_factors && context_.profile.single_prompt)
    co_return make_end(Outcome::failed, "cannot-change-here",
                       prompts::cannot_change_factors_here());

  StepResult<> no_session = co_await reauthenticate(&context_);
  if (!no_session) co_return std::move(no_session.error());
  context_.services.pool->prewarm();
  StepResult<> typed = co_await ask_password(&context_);
  if (!typed) co_return std::move(typed.error());
  // Before anything is sent: no attempt is spent and no message caused for nothing.
  if (!context_.services.known->is_readable()) co_return identities_unreadable();

  Step step = co_await prove_first_factor(&context_);
  for (int answered = 0; step && step->challenge; ++answered) {
    if (answered == kMaxChallenges)
      co_return make_end(Outcome::failed, "too-many-challenges", prompts::pool_failed(),
                         runtime::Level::error);
    step = co_await answer_challenge(&context_, std::move(step->challenge));
  }
  if (!step) co_return std::move(step.error());
  SignInEnd end = co_await finish(std::move(step->tokens));
  co_return end;
}

Task<SignInEnd> SignIn::finish(std::unique_ptr<cognito::Tokens> tokens) {
  SignInEnd end = co_await accept(&context_, std::move(*tokens));
  if (end->outcome != Outcome::success || context_.request.goal == Goal::sign_in) co_return end;
  if (context_.request.goal == Goal::change_factors) {
    SignInEnd changed = co_await change_factors(&context_, std::move(end));
    co_return changed;
  }
  if (context_.proved.password_changed) {
    end->notice = password_is_changed(context_);
    end->cause = "password-changed";
    co_return end;
  }
  SignInEnd changed = co_await change_password(&context_, std::move(end));
  co_return changed;
}

}  // namespace pamcognito::sign_in
