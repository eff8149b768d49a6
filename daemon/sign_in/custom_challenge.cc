#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/prompts/texts.h"
#include "daemon/sign_in/code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::AuthStep;
using cognito::Challenge;
using cognito::ErrorKind;
using cognito::PoolResult;
using runtime::Task;

// Cognito's own examples give three tries at a question.
constexpr int kAnswersPerAttempt = 3;

// auth_flow = custom: what was typed at "Password: " answers the first question. nullopt: ask.
std::optional<Secret> answer_given_ahead(const SignInContext& context) {
  const bool first = !context.proved.first_factor && context.attempts.custom_answers == 0;
  return first ? Secret::copy_of(context.typed.password.reveal()) : std::nullopt;
}

// Takes the attempt that an answer needs. That of auth_flow = custom was taken when the flow began.
StepResult<> take_custom_attempt(SignInContext* context) {
  const bool due = context->attempts.custom_answers % kAnswersPerAttempt == 0;
  ++context->attempts.custom_answers;
  if (!due || (context->attempts.custom_answers == 1 && !context->attempts.custom.empty()))
    return {};
  std::optional<limits::Attempt> attempt = context->take_attempt();
  if (!attempt) return std::unexpected(no_attempt_left(*context));
  context->attempts.custom.push_back(std::move(*attempt));
  return {};
}

void custom_challenges_passed(SignInContext* context) {
  for (limits::Attempt& attempt : context->attempts.custom) attempt.give_back();
  context->attempts.custom.clear();
  context->attempts.custom_answers = 0;
  // A factor beside the password, or a replacement for the password. Never both: only the pool
  // knows whether the second of two answers repeated the first one.
  if (context->config().pool.auth_flow != cognito::AuthFlow::custom)
    context->give_factor(cognito::Method::custom);
  context->proved.first_factor = true;
}

Task<StepResult<Secret>> ask_answer(SignInContext* context, std::string question) {
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<Secret> answer = co_await context->ask(
        Prompt(question, Purpose::other, context->config().custom_challenge.show_answer));
    // An empty answer may mean something to the pool; a decoy or what is no text does not.
    if (!answer || answer->empty() || is_typed_text(answer->reveal())) co_return answer;
    context->report.notice = Notice::error(prompts::value_needed());
  }
  co_return std::unexpected(
      make_end(Outcome::tries_exhausted, "custom-answer", prompts::too_many_answers()));
}

}  // namespace

// Only the pool knows which answer was wrong: it may ask the same again. So attempts are spent on
// the whole, one for each three answers, and given back when the pool goes on to something else.
Task<Step> answer_custom(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  std::optional<Secret> answer = answer_given_ahead(*context);
  if (!answer) {
    if (context->profile.single_prompt)
      co_return std::unexpected(make_end(Outcome::failed, "challenge-not-supported",
                                         prompts::needs_other_step(), runtime::Level::warning));
    StepResult<Secret> typed = co_await ask_answer(
        context, prompts::custom_challenge(*challenge, context->config().custom_challenge.prompt));
    if (!typed) co_return std::unexpected(std::move(typed.error()));
    // A person has answered the message, rightly or wrongly.
    if (context->proved.first_factor) context->services.messages->answered(context->request.user);
    answer = std::move(*typed);
  }
  StepResult<> attempt = take_custom_attempt(context);
  if (!attempt) co_return std::unexpected(std::move(attempt.error()));

  cognito::StringMap responses{{"ANSWER", std::string(answer->reveal())}};
  PoolResult<AuthStep> result = co_await context->services.pool->respond(
      std::move(*challenge), std::move(responses), &context->call, context->step_deadline());
  if (!result) {
    if (cognito::is_not_connected(result.error().kind) && !context->attempts.custom.empty())
      context->attempts.custom.back().give_back();
    co_return std::unexpected(context->from_error(result.error()));
  }
  const bool passed =
      !result->challenge || result->challenge->name != cognito::ChallengeName::custom_challenge;
  if (passed) {
    custom_challenges_passed(context);
    context->count_message(*result);
  }
  co_return std::move(*result);
}

}  // namespace pamcognito::sign_in
