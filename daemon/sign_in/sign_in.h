#pragma once

#include <memory>
#include <string>
#include <utility>

#include "daemon/runtime/task.h"
#include "daemon/sign_in/sign_in_context.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::sign_in {

// One sign-in from the first prompt to verified tokens: a loop over the pool's challenges
// (steps.h). Knows neither bus nor HTTP. It asks for the password once; the caller repeats.
//
// A step, from an answer to the next prompt, has 7.5 s for all its calls. The owner of the task
// ends a step after 8 s and the sign-in at the service's deadline, by destroying the task.
class SignIn {
 public:
  SignIn(SignInServices services, SignInRequest request, Conversation* conversation)
      : context_(std::move(services), std::move(request), conversation) {}
  SignIn(const SignIn&) = delete;
  SignIn& operator=(const SignIn&) = delete;

  // The object outlives the task.
  runtime::Task<SignInEnd> run();
  // So far, for the log line of a sign-in that is cut short (CallTrace::text()).
  [[nodiscard]] const std::string& calls() const noexcept { return context_.report.trace.text(); }
  // Whether a password or a code was tried, or the pool was asked anything.
  [[nodiscard]] bool tried_anything() const noexcept {
    return context_.attempts.taken || !calls().empty();
  }
  [[nodiscard]] const SignInServices& services() const noexcept { return context_.services; }
  [[nodiscard]] const policy::ServiceProfile& profile() const noexcept { return context_.profile; }
  [[nodiscard]] const SignInRequest& request() const noexcept { return context_.request; }

 private:
  runtime::Task<SignInEnd> run_to_the_end();
  runtime::Task<SignInEnd> finish(std::unique_ptr<cognito::Tokens> tokens);

  SignInContext context_;
};

}  // namespace pamcognito::sign_in
