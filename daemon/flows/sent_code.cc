#include "daemon/flows/sent_code.h"

#include <utility>

#include "daemon/flows/code.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::flows {

using cognito::CodeDelivery;
using cognito::ErrorKind;
using cognito::PoolResult;
using runtime::Task;

namespace {
// In one sign-in; the budget counts over all of them.
constexpr int kMostSent = 2;
}  // namespace

bool depends_on_the_account(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::alias_exists:
    case ErrorKind::attempts_exceeded:
    case ErrorKind::blocked_by_risk:
    case ErrorKind::code_delivery_failure:
    case ErrorKind::code_mismatch:
    case ErrorKind::expired_code:
    case ErrorKind::imported_user:
    // Triggers and senders run only where there is somebody to write to.
    case ErrorKind::invalid_email_role_access_policy:
    case ErrorKind::invalid_lambda_response:
    case ErrorKind::invalid_parameter:
    case ErrorKind::invalid_sms_role_access_policy:
    case ErrorKind::invalid_sms_role_trust_relationship:
    case ErrorKind::limit_exceeded:
    case ErrorKind::not_authorized:
    case ErrorKind::password_reset_required:
    case ErrorKind::temporary_password_expired:
    case ErrorKind::too_many_failed_attempts:
    case ErrorKind::unexpected_lambda:
    case ErrorKind::user_disabled:
    case ErrorKind::user_lambda_validation:
    case ErrorKind::user_not_confirmed:
    case ErrorKind::user_not_found:
      return true;
    default:
      return false;
  }
}

Task<Ended> SentCode::send() {
  if (!context_->charge_reset_message()) {
    // A stranger may have used up what there was, and the code may be with its owner already.
    sent_ = kMostSent;
    context_->notice = Notice::info(prompts::new_code_sent());
    context_->untold_error = "message-budget";
    co_return nullptr;
  }
  ++sent_;
  PoolResult<CodeDelivery> delivery = co_await send_();
  if (!delivery) {
    if (!depends_on_the_account(delivery.error().kind))
      co_return context_->from_error(delivery.error());
    context_->keep_for_log(delivery.error());
  }
  context_->notice = Notice::info(prompts::new_code_sent());
  co_return nullptr;
}

Task<std::expected<std::string, Ended>> SentCode::ask() {
  for (int tries = 0; tries < kTries;) {
    std::expected<Secret, Ended> answer =
        co_await context_->ask(Prompt(question_, Purpose::code, context_->rendering.echo_code));
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    if (const auto code = code_in(answer->reveal(), CodeForm::message))
      co_return std::string(*code);
    if (is_blank(answer->reveal()) && send_ && sent_ < kMostSent) {
      Ended trouble = co_await send();
      if (trouble) co_return std::unexpected(std::move(trouble));
      continue;
    }
    ++tries;
    context_->notice =
        Notice::error(is_blank(answer->reveal()) ? prompts::no_new_code() : prompts::not_a_code());
  }
  co_return std::unexpected(
      ended(Outcome::tries_exhausted, "wrong-code", prompts::too_many_tries()));
}

}  // namespace pamcognito::flows
