#include <algorithm>
#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/password_and_code.h"
#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::AuthStep;
using cognito::ErrorKind;
using cognito::PoolResult;
using runtime::Level;
using runtime::Task;

bool refuses_the_account(const cognito::PoolError& error) {
  return cognito::error_row(error.kind).at_password == Outcome::refused;
}

Task<SignInEnd> refuse_like_the_pool(SignInContext* context, std::string cause) {
  co_await context->take_as_long_as_the_pool();
  co_return make_end(Outcome::refused, std::move(cause), prompts::refused());
}

Task<StepResult<>> split_at_the_code(SignInContext* context, Secret answer) {
  const auto parts = split_password_and_code(answer.reveal());
  if (!parts) {
    SignInEnd end = co_await refuse_like_the_pool(context, "no-code-after-password");
    co_return std::unexpected(std::move(end));
  }
  auto password = Secret::copy_of(parts->password);
  auto code = Secret::copy_of(parts->code);
  if (!password || !code)
    co_return std::unexpected(
        make_end(Outcome::unforeseen, "no-memory", prompts::pool_failed(), Level::error));
  context->typed.password = std::move(*password);
  context->typed.code = std::move(*code);
  co_return StepResult<>();
}

// An empty answer where policy lets people reset their password: do they want to?
Task<StepResult<>> offer_a_reset(SignInContext* context) {
  StepResult<Secret> answer =
      co_await context->ask(Prompt(prompts::forgot_password_question(), Purpose::other, true));
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  if (!prompts::is_yes(answer->reveal()))
    co_return std::unexpected(make_end(Outcome::refused, "no-password", prompts::refused()));
  StepResult<> reset = co_await reset_password(context, ResetCause::forgotten);
  co_return reset;
}

// The account behind an attempt is not told by how long the refusal took, nor what it was.
Task<Step> prove_password(SignInContext* context) {
  const SignInServices& services = context->services;
  if (!is_typed_text(context->typed.password.reveal())) {
    SignInEnd end = co_await refuse_like_the_pool(context, "not-a-password");
    co_return std::unexpected(std::move(end));
  }
  if (!context->may_ask_pool()) {
    SignInEnd end = co_await refuse_like_the_pool(context, "first-login-limit");
    co_return std::unexpected(std::move(end));
  }
  const limits::UserQueue::Turn turn =
      co_await services.password_turns->turn(context->request.user);

  // Cognito sends the code with its answer to the password, so this is the last moment to stop it.
  if (!services.messages->permitted(context->request.user, services.clock->boot_time()))
    co_return std::unexpected(make_end(Outcome::tries_exhausted, "message-budget",
                                       prompts::too_many_messages(), Level::warning));
  std::optional<limits::Attempt> attempt = context->take_attempt();
  if (!attempt) co_return std::unexpected(no_attempt_left(*context));

  const bool sends_password = context->config().pool.auth_flow != cognito::AuthFlow::custom;
  const runtime::MonotonicTime started = services.clock->now();
  PoolResult<AuthStep> result = co_await services.pool->sign_in(
      context->cognito_name, &context->typed.password, &context->call, context->step_deadline());
  if (!result) {
    // A refusal that came before the password was sent, as of an imported or unconfirmed user,
    // counts and takes time like a wrong password, or it would tell that there is an account.
    const bool refused_early = !result.error().password_sent && refuses_the_account(result.error());
    if (!result.error().password_sent && !refused_early) attempt->give_back();
    if (refused_early)
      co_await services.clock->sleep_until(started + *services.refusal_time);
    else if (result.error().kind == ErrorKind::not_authorized)
      *services.refusal_time =
          std::chrono::duration_cast<std::chrono::milliseconds>(services.clock->now() - started);
    co_return std::unexpected(context->from_error(result.error()));
  }
  // Without a password nothing is proved yet, and the pool's own code may have sent a message: so
  // the attempt stays counted, which bounds attackers.
  if (sends_password)
    attempt->give_back();
  else
    context->attempts.custom.push_back(std::move(*attempt));
  context->proved.first_factor = sends_password;
  context->count_message(*result);
  co_return std::move(*result);
}

bool is(const SignInEnd& end, ErrorKind kind) {
  return end->pool_error == kind;
}

// A user who changes a second factor gives the password, not a code from a mailbox.
bool must_know_the_password(const SignInContext& context) {
  return context.request.goal == Goal::change_factors;
}

}  // namespace

bool begins_with_a_reset(const SignInContext& context) {
  return context.profile.begins_with_reset && !context.profile.single_prompt &&
         !must_know_the_password(context);
}

Prompt password_prompt(const SignInContext& context) {
  if (context.profile.single_prompt)
    return {prompts::password_and_code(), Purpose::password_and_code, false};
  if (context.request.goal == Goal::change_password)
    return {prompts::current_password(), Purpose::password, false};
  return {prompts::password(), Purpose::password, false};
}

Task<StepResult<>> ask_password(SignInContext* context) {
  if (context->typed.password_asked) co_return StepResult<>();
  if (begins_with_a_reset(*context)) {
    StepResult<> reset = co_await reset_password(context, ResetCause::forgotten);
    co_return reset;
  }
  StepResult<Secret> answer = co_await context->ask(password_prompt(*context));
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  StepResult<> taken = co_await take_password(context, std::move(*answer));
  co_return taken;
}

Task<StepResult<>> take_password(SignInContext* context, Secret typed) {
  if (context->profile.single_prompt) {
    StepResult<> split = co_await split_at_the_code(context, std::move(typed));
    co_return split;
  }
  if (typed.empty() && context->config().password.self_service &&
      !must_know_the_password(*context)) {
    StepResult<> reset = co_await offer_a_reset(context);
    co_return reset;
  }
  context->typed.password = std::move(typed);
  co_return StepResult<>();
}

Task<Step> prove_first_factor(SignInContext* context) {
  // Factors of the sign-in before do not count in one that is begun anew.
  context->proved.factor.reset();
  context->choice.usable.clear();
  context->enrolled.totp = false;
  context->enrolled.email = false;
  constexpr int most_recoveries = 2;  // confirmed, and then reset
  for (int recoveries = 0;; ++recoveries) {
    Step step = co_await prove_password(context);
    if (step || context->profile.single_prompt || must_know_the_password(*context) ||
        recoveries == most_recoveries)
      co_return step;
    StepResult<> recovered;
    if (is(step.error(), ErrorKind::password_reset_required))
      recovered = co_await reset_password(context, ResetCause::demanded);
    else if (is(step.error(), ErrorKind::user_not_confirmed))
      recovered = co_await confirm_sign_up(context);
    else
      co_return step;
    if (!recovered) co_return std::unexpected(std::move(recovered.error()));
  }
}

}  // namespace pamcognito::sign_in
