#include "daemon/sign_in/sent_code.h"

#include <utility>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/code.h"

namespace pamcognito::sign_in {

using cognito::CodeDelivery;
using cognito::PoolResult;
using runtime::Task;

namespace {
// In one sign-in; the budget counts over all of them.
constexpr int kMaxSent = 2;
}  // namespace

Task<StepResult<>> SentCode::send() {
  if (!context_->may_ask_pool()) {
    co_await context_->take_as_long_as_the_pool();
    ++sent_;
    context_->report.notice = Notice::info(prompts::new_code_sent());
    context_->report.log_only_error = "first-login-limit";
    co_return StepResult<>();
  }
  if (!context_->charge_reset_message()) {
    // An attacker may have used up the budget, and the user may have the code already.
    sent_ = kMaxSent;
    context_->report.notice = Notice::info(prompts::new_code_sent());
    context_->report.log_only_error = "message-budget";
    co_return StepResult<>();
  }
  ++sent_;
  PoolResult<CodeDelivery> delivery = co_await send_();
  if (!delivery) {
    if (!cognito::error_row(delivery.error()).depends_on_account())
      co_return std::unexpected(context_->from_error(delivery.error()));
    context_->keep_for_log(delivery.error());
  }
  context_->report.notice = Notice::info(prompts::new_code_sent());
  co_return StepResult<>();
}

bool SentCode::may_send() const {
  return send_ && sent_ < kMaxSent;
}

Task<StepResult<std::string>> SentCode::ask() {
  for (int tries = 0; tries < kTries;) {
    StepResult<Secret> answer = co_await context_->ask(
        Prompt(question_(may_send()), Purpose::code, context_->profile.show_code));
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    if (const auto code = code_in(answer->reveal(), CodeForm::message))
      co_return std::string(*code);
    if (is_blank(answer->reveal()) && may_send()) {
      StepResult<> sent = co_await send();
      if (!sent) co_return std::unexpected(std::move(sent.error()));
      continue;
    }
    ++tries;
    context_->report.notice =
        Notice::error(is_blank(answer->reveal()) ? prompts::no_new_code() : prompts::not_a_code());
  }
  co_return std::unexpected(make_end(Outcome::tries_exhausted, "wrong-code",
                                     prompts::too_many_wrong_codes(context_->wait_for_attempt())));
}

}  // namespace pamcognito::sign_in
