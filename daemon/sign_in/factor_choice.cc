#include <algorithm>
#include <cstddef>
#include <expected>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::AuthStep;
using cognito::Challenge;
using cognito::Method;
using cognito::OfferedFactor;
using cognito::PoolResult;
using runtime::Task;

// In policy's order, each once; a caller that can ask only once has nothing but a TOTP code.
std::vector<OfferedFactor> usable_factors(const SignInContext& context,
                                          const std::vector<OfferedFactor>& offered) {
  std::vector<OfferedFactor> usable;
  for (const Method method : context.config().mfa.methods) {
    if (context.profile.single_prompt && method != Method::totp) continue;
    const auto found = std::ranges::find(offered, method, &OfferedFactor::method);
    if (found != offered.end()) usable.push_back(*found);
  }
  return usable;
}

// Without those that the user's wish leaves out. If the account no longer has a wished factor, the
// wish is dropped: each of `usable` may be used.
std::vector<OfferedFactor> wished_factors(const SignInContext::Choice& choice,
                                          const std::vector<OfferedFactor>& usable) {
  std::vector<OfferedFactor> wished;
  std::ranges::copy_if(usable, std::back_inserter(wished), [&choice](const OfferedFactor& factor) {
    if (choice.again) return factor.method == *choice.again;
    return factor.method != choice.other_than;
  });
  return wished.empty() ? usable : wished;
}

std::vector<Method> methods_of(const std::vector<OfferedFactor>& factors) {
  std::vector<Method> methods;
  methods.reserve(factors.size());
  for (const OfferedFactor& factor : factors) methods.push_back(factor.method);
  return methods;
}

}  // namespace

Task<StepResult<std::size_t>> ask_choice(SignInContext* context, std::string question,
                                         std::size_t choices) {
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<Secret> answer = co_await context->ask(Prompt(question, Purpose::choice, true));
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    const std::string_view typed = trimmed(answer->reveal());
    if (typed.empty()) co_return 0;  // the default, which the question names
    const bool one_digit = typed.size() == 1 && typed[0] >= '1' && typed[0] <= '9';
    const std::size_t chosen = one_digit ? static_cast<std::size_t>(typed[0] - '1') : choices;
    if (chosen < choices) co_return chosen;
    context->report.notice = Notice::error(prompts::not_in_list());
  }
  co_return std::unexpected(
      make_end(Outcome::tries_exhausted, "no-choice", prompts::too_many_answers()));
}

Task<Step> choose_factor(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  const std::vector<OfferedFactor> usable =
      usable_factors(*context, cognito::factors_to_choose(*challenge));
  if (usable.empty())
    co_return std::unexpected(
        make_end(Outcome::not_permitted, "factor-not-accepted",
                 prompts::factor_not_accepted(context->config().mfa.methods)));
  context->choice.usable = methods_of(usable);
  const std::vector<OfferedFactor> factors = wished_factors(context->choice, usable);
  const bool asks = context->config().mfa.ask_method || context->choice.other_than;
  context->choice.again.reset();
  context->choice.other_than.reset();
  std::size_t chosen = 0;
  if (asks && factors.size() > 1) {
    StepResult<std::size_t> answer = co_await ask_choice(
        context, prompts::choice(*challenge, methods_of(factors)), factors.size());
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    chosen = *answer;
  }

  // Asking for leave and counting must not be parted by another sign-in of the user.
  const limits::UserQueue::Turn turn =
      co_await context->services.password_turns->turn(context->request.user);
  if (sends_a_message(factors[chosen].method)) {
    StepResult<> charged = context->charge_message();
    if (!charged) co_return std::unexpected(std::move(charged.error()));
  }
  cognito::StringMap responses{{"ANSWER", factors[chosen].wire_name}};
  PoolResult<AuthStep> result = co_await context->services.pool->respond(
      std::move(*challenge), std::move(responses), &context->call, context->step_deadline());
  if (!result) co_return std::unexpected(context->from_error(result.error()));
  co_return std::move(*result);
}

}  // namespace pamcognito::sign_in
