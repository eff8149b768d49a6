#include <optional>
#include <utility>

#include "daemon/flows/code.h"
#include "daemon/flows/steps.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::flows {
namespace {

using cognito::AuthStep;
using cognito::Challenge;
using cognito::ErrorKind;
using cognito::PoolResult;
using runtime::Task;

// auth_flow = custom: what was typed at "Password: " answers the first question. nullopt: ask.
std::optional<Secret> answer_given_ahead(const SignInContext& context) {
  const bool first = !context.first_factor_given && !context.custom_attempt;
  return first ? Secret::copy_of(context.password.reveal()) : std::nullopt;
}

Task<std::expected<Secret, Ended>> ask_answer(SignInContext* context, std::string question) {
  for (int tries = 0; tries < kTries; ++tries) {
    std::expected<Secret, Ended> answer = co_await context->ask(
        Prompt(question, Purpose::other, context->config().custom_challenge.echo));
    // An empty answer may mean something to the pool; a decoy or what is no text does not.
    if (!answer || answer->empty() || can_be_a_password(answer->reveal())) co_return answer;
    context->notice = Notice::error(prompts::value_needed());
  }
  co_return std::unexpected(
      ended(Outcome::tries_exhausted, "custom-answer", prompts::too_many_tries()));
}

}  // namespace

// Which answer was wrong, only the pool knows: it may ask the same again. So one attempt is spent
// on the whole, and given back when the pool goes on to something else.
Task<Step> answer_custom(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  std::optional<Secret> answer = answer_given_ahead(*context);
  if (!answer) {
    if (context->rendering.one_prompt)
      co_return std::unexpected(ended(Outcome::failed, "challenge-not-supported",
                                      prompts::needs_other_step(), runtime::Level::warning));
    std::expected<Secret, Ended> typed = co_await ask_answer(
        context, prompts::custom_challenge(*challenge, context->config().custom_challenge.prompt));
    if (!typed) co_return std::unexpected(std::move(typed.error()));
    answer = std::move(*typed);
  }
  if (!context->custom_attempt) context->custom_attempt = context->take_attempt();
  if (!context->custom_attempt) co_return std::unexpected(no_attempt_left());

  cognito::StringMap responses{{"ANSWER", std::string(answer->reveal())}};
  PoolResult<AuthStep> result = co_await context->services.pool->respond(
      std::move(*challenge), std::move(responses), &context->call, context->step_deadline());
  if (!result) {
    if (result.error().kind == ErrorKind::not_connected) context->custom_attempt->give_back();
    co_return std::unexpected(context->from_error(result.error()));
  }
  const bool passed =
      !result->challenge || result->challenge->name != cognito::ChallengeName::custom_challenge;
  if (passed) {
    context->custom_attempt->give_back();
    context->custom_attempt.reset();
    // A factor beside the password, or what stands for the password. Never both: whether the second
    // of two answers repeated the first one, only the pool knows.
    if (context->config().pool.auth_flow != policy::AuthFlow::custom)
      context->give_factor(policy::Method::custom);
    context->first_factor_given = true;
    if (context->config().pool.auth_flow == policy::AuthFlow::custom)
      context->services.messages->answered(context->request.user);
  }
  context->count_message(*result);
  co_return std::move(*result);
}

}  // namespace pamcognito::flows
