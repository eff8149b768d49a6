#include <expected>
#include <utility>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {

using cognito::PoolResult;
using runtime::Task;

// passwd(1) prints a line of its own.
Notice password_is_changed(const SignInContext& context) {
  return context.request.service == "passwd" ? Notice() : Notice::info(prompts::password_changed());
}

// The tokens of the sign-in are those that the change is made with; they are revoked with its end,
// as after every sign-in.
Task<SignInEnd> change_password(SignInContext* context, SignInEnd accepted) {
  Notice notice;
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<Secret> password =
        co_await ask_new_password(context, false, std::exchange(notice, Notice()));
    if (!password) co_return std::move(password.error());
    PoolResult<void> changed = co_await context->services.pool->change_password(
        accepted->accepted->tokens.get().access_token, &context->typed.password, &*password,
        context->step_deadline());
    if (changed) {
      context->password_was_changed(std::move(*password));
      accepted->notice = password_is_changed(*context);
      accepted->cause = "password-changed";
      co_return accepted;
    }
    if (!cognito::error_row(changed.error()).refuses_new_password()) {
      SignInEnd end = context->from_error(changed.error());
      end->notice = Notice::error(prompts::not_changed() + " " + end->notice.text);
      co_return end;
    }
    notice = Notice::error(prompts::password_not_allowed(changed.error().message));
  }
  co_return make_end(Outcome::tries_exhausted, "new-password", prompts::too_many_answers());
}

}  // namespace pamcognito::sign_in
