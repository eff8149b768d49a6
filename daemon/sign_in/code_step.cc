#include <algorithm>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/prompts/texts.h"
#include "daemon/sign_in/code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::AuthStep;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using cognito::PoolError;
using cognito::PoolResult;
using runtime::Task;

const char* code_parameter(Method method) {
  switch (method) {
    case Method::sms:
      return "SMS_MFA_CODE";
    case Method::email:
      return "EMAIL_OTP_CODE";
    case Method::totp:
      return "SOFTWARE_TOKEN_MFA_CODE";
    case Method::custom:
      break;
  }
  return "";
}

// A factor that policy does not accept is worth its code only where an accepted one can be set up
// afterwards. A caller with one prompt has nothing but a TOTP code.
bool is_worth_asking(const SignInContext& context, Method method) {
  if (context.profile.single_prompt) return method == Method::totp && context.accepts(method);
  return context.accepts(method) || context.may_enrol_freely();
}

SignInEnd factor_not_accepted(const SignInContext& context) {
  return make_end(
      Outcome::not_permitted, "factor-not-accepted",
      prompts::factor_not_accepted(context.profile.single_prompt ? std::vector{Method::totp}
                                                                 : context.config().mfa.methods));
}

std::string refused_code(ErrorKind kind, Method method, unsigned attempts_left) {
  if (kind != ErrorKind::expired_code) return prompts::wrong_code(attempts_left);
  return method == Method::totp ? prompts::code_already_used() : prompts::code_expired();
}

// An empty answer has a message sent again, once; afterwards it is told so.
std::string why_never_sent(std::string_view typed, Method method) {
  if (method == Method::totp) return prompts::not_a_totp_code();
  return is_blank(typed) ? prompts::no_new_code() : prompts::not_a_code();
}

// How often a user may ask for another factor in one sign-in: each time costs Cognito three calls.
constexpr int kMaxChanges = 3;

// May the password step be taken once more? It may cause a message, and it takes an attempt.
bool has_room_for_password(const SignInContext& context) {
  return context.services.messages->has_room(context.request.user,
                                             context.services.clock->boot_time()) &&
         context.attempts_left() > 0;
}

// A message is sent again by the password step, once in a sign-in, if the budgets have room.
bool may_send_again(const SignInContext& context, Method method) {
  return sends_a_message(method) && !context.proved.repeated && has_room_for_password(context);
}

// Another factor is asked for by the password step as well, because a challenge cannot be taken
// back. The pool must leave the choice open: a user who prefers a factor is asked for that one.
bool may_change_method(const SignInContext& context, Method method) {
  const bool has_other =
      std::ranges::any_of(context.choice.usable, [method](Method m) { return m != method; });
  return has_other && !context.profile.single_prompt && context.choice.changes < kMaxChanges &&
         has_room_for_password(context);
}

// Not a coroutine, as nothing of it is needed while the person types.
Task<StepResult<Secret>> ask_code(SignInContext* context, const Challenge& challenge,
                                  Method method) {
  const prompts::InsteadOfCode instead = {.send_again = may_send_again(*context, method),
                                          .other_method = may_change_method(*context, method)};
  return context->ask(
      Prompt(prompts::code(challenge, instead), Purpose::code, context->profile.show_code));
}

// Apart, so that its frame exists only while the pool is asked.
Task<PoolResult<AuthStep>> send_code(SignInContext* context, const Challenge* challenge,
                                     Method method, std::string_view code,
                                     limits::Attempt attempt) {
  cognito::StringMap responses{{code_parameter(method), std::string(code)}};
  PoolResult<AuthStep> result = co_await context->services.pool->respond(
      *challenge, std::move(responses), &context->call, context->step_deadline());
  if (result) {
    attempt.give_back();
    if (sends_a_message(method)) context->services.messages->answered(context->request.user);
    context->give_factor(method);
    context->count_message(*result);
    co_return result;
  }
  const PoolError& error = result.error();
  if (cognito::is_not_connected(error.kind) || error.kind == ErrorKind::expired_code ||
      context->challenge_session_is_over(error, challenge->received))
    attempt.give_back();
  co_return result;
}

// The next step after a code was refused.
enum class AfterRefusal : std::uint8_t { another_code, password_again, end };

AfterRefusal after_refusal(const SignInContext& context, const PoolError& error,
                           const Challenge& challenge, Method method) {
  const bool expired = error.kind == ErrorKind::expired_code;
  if (error.kind == ErrorKind::code_mismatch ||
      (expired && (method == Method::totp || context.proved.repeated)))
    return AfterRefusal::another_code;
  const bool over = context.challenge_session_is_over(error, challenge.received);
  return !context.proved.repeated && (expired || over) ? AfterRefusal::password_again
                                                       : AfterRefusal::end;
}

}  // namespace

Task<Step> answer_code(SignInContext* context, std::unique_ptr<Challenge> challenge,
                       Method method) {
  if (!is_worth_asking(*context, method)) co_return std::unexpected(factor_not_accepted(*context));

  const ChallengeName asked = challenge->name;
  const bool given_ahead = context->profile.single_prompt;
  const CodeForm form = method == Method::totp ? CodeForm::totp : CodeForm::message;
  Secret typed;  // kept over a repeated password step, which takes the same code
  bool have_code = false;
  for (int tries = 0; tries < kTries;) {
    if (!have_code) {
      if (given_ahead) {
        typed = std::move(context->typed.code);
      } else {
        StepResult<Secret> answer = co_await ask_code(context, *challenge, method);
        if (!answer) co_return std::unexpected(std::move(answer.error()));
        typed = std::move(*answer);
      }
    }
    have_code = false;
    if (prompts::is_other_method(typed.reveal()) && may_change_method(*context, method)) {
      ++context->choice.changes;
      context->choice.again.reset();
      context->choice.other_than = method;
      // Without a message for the present factor: the pool asks which one it is to be.
      Step other = co_await prove_first_factor(context);
      co_return other;
    }
    const bool send_again = is_blank(typed.reveal()) && may_send_again(*context, method);
    const auto code = code_in(typed.reveal(), form);
    if (!code && !send_again) {
      ++tries;
      context->report.notice = Notice::error(why_never_sent(typed.reveal(), method));
      if (given_ahead) break;
      continue;
    }

    if (code) {
      // A wrong code counts at Cognito as a wrong password does, so it counts here.
      std::optional<limits::Attempt> attempt = context->take_attempt();
      if (!attempt) co_return std::unexpected(no_attempt_left(*context));
      PoolResult<AuthStep> result =
          co_await send_code(context, challenge.get(), method, *code, std::move(*attempt));
      if (result) co_return std::move(*result);
      const AfterRefusal next = after_refusal(*context, result.error(), *challenge, method);
      if (next == AfterRefusal::end) co_return std::unexpected(context->from_error(result.error()));
      if (next == AfterRefusal::another_code) {
        ++tries;
        const unsigned left =
            std::min(static_cast<unsigned>(kTries - tries), context->attempts_left());
        context->report.notice = Notice::error(refused_code(result.error().kind, method, left));
        if (given_ahead) break;
        continue;
      }
    }

    // The session ended while the person typed, or they asked for another message: the password
    // step once more. The same question again takes a TOTP code that was typed already; any other
    // question is a new one, and what was typed is dropped.
    context->proved.repeated = true;
    context->choice.other_than.reset();
    context->choice.again = method;
    Step again = co_await prove_first_factor(context);
    if (!again || !again->challenge || again->challenge->name != asked) co_return again;
    challenge = std::move(again->challenge);
    if (method == Method::totp)
      have_code = true;
    else
      context->report.notice = Notice::info((code ? prompts::code_expired() + " " : std::string()) +
                                            prompts::new_code_sent());
  }
  co_return std::unexpected(
      make_end(given_ahead ? Outcome::refused : Outcome::tries_exhausted, "wrong-code",
               given_ahead ? prompts::refused()
                           : prompts::too_many_wrong_codes(context->wait_for_attempt())));
}

}  // namespace pamcognito::sign_in
