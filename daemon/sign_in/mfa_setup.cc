#include <algorithm>
#include <cstddef>
#include <expected>
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
using cognito::ErrorKind;
using cognito::Method;
using cognito::PoolResult;
using runtime::Task;

// The factors that can be set up in a sign-in, in policy's order. SMS cannot: the pool would want a
// phone number first, and a new sign-in after it.
std::vector<Method> usable_methods(const SignInContext& context, const Challenge& challenge) {
  const std::vector<cognito::OfferedFactor> offered = cognito::factors_to_set_up(challenge);
  std::vector<Method> usable;
  for (const Method method : context.config().mfa.methods) {
    if (method != Method::totp && method != Method::email) continue;
    if (method != Method::totp && context.is_to_set_up_totp()) continue;
    if (std::ranges::find(offered, method, &cognito::OfferedFactor::method) != offered.end())
      usable.push_back(method);
  }
  return usable;
}

SignInEnd not_possible(const char* cause, const Challenge& challenge,
                       std::string text = prompts::cannot_set_up()) {
  SignInEnd end = make_end(Outcome::not_permitted, cause, std::move(text));
  end->request_id = challenge.request_id;
  return end;
}

// The pool may hand out tokens or ask for more.
Task<Step> complete(SignInContext* context, std::unique_ptr<Challenge> challenge,
                    cognito::StringMap responses) {
  PoolResult<AuthStep> result = co_await context->services.pool->respond(
      *challenge, std::move(responses), &context->call, context->step_deadline());
  if (!result) co_return std::unexpected(context->from_error(result.error()));
  context->count_message(*result);
  co_return std::move(*result);
}

Task<Step> set_up_totp(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  StepResult<Enrolment> enrolment = co_await enrol_totp(
      context, cognito::SetUpProof::by_challenge_session(challenge->challenge_session));
  if (!enrolment) co_return std::unexpected(std::move(enrolment.error()));
  if (enrolment->state == Enrolment::State::challenge_session_over) {
    if (context->proved.repeated)
      co_return std::unexpected(
          make_end(Outcome::failed, "challenge-session-over", prompts::time_is_up()));
    context->proved.repeated = true;
    Step again = co_await prove_first_factor(context);
    if (again && again->challenge && again->challenge->name == cognito::ChallengeName::mfa_setup)
      context->report.notice = Notice::info(prompts::setup_starts_again());
    co_return again;
  }
  challenge->challenge_session = std::move(enrolment->challenge_session);
  Step step = co_await complete(context, std::move(challenge), {});
  co_return step;
}

bool looks_like_an_address(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos && is_typed_text(text) &&
         text.find(' ') == std::string_view::npos;
}

// The pool sends a code to the address and asks for it next.
Task<Step> set_up_email(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<Secret> answer =
        co_await context->ask(Prompt(prompts::setup_email(), Purpose::other, true));
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    const std::string_view address = trimmed(answer->reveal());
    // A password may look like an address; a caller that repeats itself answers with it.
    if (!looks_like_an_address(address) || answer->equals(context->typed.password)) {
      context->report.notice = Notice::error(prompts::not_an_email_address());
      continue;
    }
    StepResult<> charged = context->charge_message();
    if (!charged) co_return std::unexpected(std::move(charged.error()));
    cognito::StringMap responses{{"EMAIL", std::string(address)}};
    PoolResult<AuthStep> result = co_await context->services.pool->respond(
        *challenge, std::move(responses), &context->call, context->step_deadline());
    if (result) {
      context->enrolled.email = true;
      co_return std::move(*result);
    }
    if (result.error().kind != ErrorKind::invalid_parameter)
      co_return std::unexpected(context->from_error(result.error()));
    context->report.notice = Notice::error(prompts::not_an_email_address());
  }
  co_return std::unexpected(
      make_end(Outcome::tries_exhausted, "email-address", prompts::too_many_answers()));
}

}  // namespace

Task<Step> set_up_factor(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  if (context->config().mfa.enroll == policy::Enroll::never)
    co_return std::unexpected(not_possible("set-up-not-allowed", *challenge));
  if (!context->has_place())
    co_return std::unexpected(not_possible("no-place", *challenge, prompts::no_place_for_set_up()));
  if (context->request.goal == Goal::change_factors && !context->is_to_set_up_totp())
    co_return std::unexpected(
        not_possible("no-factor-yet", *challenge, prompts::no_factor_to_change()));
  const std::vector<Method> methods = usable_methods(*context, *challenge);
  if (methods.empty()) co_return std::unexpected(not_possible("no-set-up-offered", *challenge));
  if (!context->has_time_to_enrol()) co_return std::unexpected(no_time_to_enrol(*context));

  std::size_t chosen = 0;
  if (context->config().mfa.ask_method && methods.size() > 1) {
    StepResult<std::size_t> answer =
        co_await ask_choice(context, prompts::setup_choice(methods), methods.size());
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    chosen = *answer;
  }
  if (methods[chosen] == Method::totp) {
    Step step = co_await set_up_totp(context, std::move(challenge));
    co_return step;
  }
  Step step = co_await set_up_email(context, std::move(challenge));
  co_return step;
}

}  // namespace pamcognito::sign_in
