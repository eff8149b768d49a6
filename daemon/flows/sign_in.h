#pragma once

#include <string>

#include "daemon/flows/sign_in_context.h"
#include "daemon/flows/sign_in_types.h"
#include "daemon/runtime/task.h"

namespace pamcognito::flows {

// One sign-in from the first prompt to verified tokens: a loop over the pool's challenges
// (steps.h). Knows neither bus nor HTTP. It asks for the password once; the caller repeats.
//
// A step, from an answer to the next prompt, is given 7.5 s for all its calls; whoever runs the
// flow bounds it at 8 s and the whole at the service's deadline by destroying the task.
class SignIn {
 public:
  SignIn(SignInServices services, SignInRequest request, Conversation* conversation)
      : context_(std::move(services), std::move(request), conversation) {}
  SignIn(const SignIn&) = delete;
  SignIn& operator=(const SignIn&) = delete;

  // The object outlives the task.
  runtime::Task<SignInResult> run();
  // So far, for the log line of a sign-in that is cut short (CallTrace::text()).
  [[nodiscard]] const std::string& calls() const noexcept { return context_.trace.text(); }

 private:
  runtime::Task<Ended> run_to_the_end();
  runtime::Task<Ended> finish(cognito::Tokens tokens);

  SignInContext context_;
};

}  // namespace pamcognito::flows
