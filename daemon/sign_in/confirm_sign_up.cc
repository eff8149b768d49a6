#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "daemon/prompts/texts.h"
#include "daemon/sign_in/sent_code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::CodeDelivery;
using cognito::ErrorKind;
using cognito::PoolResult;
using runtime::Task;

Task<PoolResult<CodeDelivery>> resend_code(SignInContext* context) {
  return context->services.pool->resend_confirmation_code(context->cognito_name, &context->call,
                                                          context->step_deadline());
}

}  // namespace

// UserNotConfirmedException is no proof of the password: Cognito answers it to any password. So the
// person is treated as in a reset that an administrator demanded.
Task<StepResult<>> confirm_sign_up(SignInContext* context) {
  const bool may_send = context->config().password.self_service;
  SentCode::Send send;
  if (may_send) send = [context] { return resend_code(context); };
  SentCode sent(context, prompts::confirmation_code, std::move(send));
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<std::string> code = co_await sent.ask();
    if (!code) co_return std::unexpected(std::move(code.error()));
    std::optional<limits::Attempt> attempt = context->take_attempt();
    if (!attempt) co_return std::unexpected(no_attempt_left(*context));
    PoolResult<void> result = co_await context->services.pool->confirm_sign_up(
        context->cognito_name, std::move(*code), &context->call, context->step_deadline());
    if (result) {
      attempt->give_back();
      context->reset_message_answered();
      context->report.log_only_error.clear();
      context->report.notice = Notice::info(prompts::account_confirmed());
      co_return StepResult<>();
    }
    const ErrorKind kind = result.error().kind;
    if (cognito::is_not_connected(kind)) attempt->give_back();
    if (kind != ErrorKind::code_mismatch && kind != ErrorKind::expired_code)
      co_return std::unexpected(context->from_error(result.error()));
    context->report.notice = Notice::error(kind == ErrorKind::expired_code ? prompts::code_expired()
                                                                           : prompts::wrong_code());
  }
  co_return std::unexpected(make_end(Outcome::tries_exhausted, "wrong-code",
                                     prompts::too_many_wrong_codes(context->wait_for_attempt())));
}

}  // namespace pamcognito::sign_in
