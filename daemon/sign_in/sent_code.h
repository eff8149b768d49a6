#pragma once

#include <expected>
#include <functional>
#include <string>
#include <utility>

#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/task.h"
#include "daemon/sign_in/sign_in_context.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::sign_in {

// Asks for a code that the pool has sent outside a challenge (a reset, a confirmation), and has it
// sent again when the answer is empty. The user who types it has proved no password, so the texts
// do not depend on the account. Lives as long as its tasks.
class SentCode {
 public:
  using Send = std::function<runtime::Task<cognito::PoolResult<cognito::CodeDelivery>>()>;

  // The question, with the offer to send the code again or without it.
  using Question = std::string (*)(bool may_send);

  // An empty `send`: the code that was sent already is the only one.
  SentCode(SignInContext* context, Question question, Send send)
      : context_(context), question_(question), send_(std::move(send)) {}
  SentCode(const SentCode&) = delete;
  SentCode& operator=(const SentCode&) = delete;

  // Has a code sent; the next question tells that.
  runtime::Task<StepResult<>> send();
  // Four to ten digits, as the person typed them.
  runtime::Task<StepResult<std::string>> ask();

 private:
  [[nodiscard]] bool may_send() const;

  SignInContext* context_;
  Question question_;
  Send send_;
  int sent_ = 0;
};

}  // namespace pamcognito::sign_in
