#include <string>
#include <utility>
#include <vector>

#include "daemon/flows/code.h"
#include "daemon/flows/sign_in.h"
#include "daemon/prompts/texts.h"

// NEW_PASSWORD_REQUIRED: the account has a temporary password. The new one is asked for twice; what
// the pool's policy refuses is asked for again, with the policy's word.
namespace pamcognito::flows {

using cognito::Challenge;
using cognito::ErrorKind;
using runtime::Task;

Task<SignIn::Step> SignIn::set_new_password(std::unique_ptr<Challenge> challenge) {
  std::optional<std::vector<std::string>> names = cognito::missing_attributes(*challenge);
  if (!names)
    co_return std::unexpected(
        from_error(cognito::PoolError(ErrorKind::bad_response, "requiredAttributes")));
  std::expected<cognito::StringMap, Ended> responses = co_await ask_attributes(std::move(*names));
  if (!responses) co_return std::unexpected(std::move(responses.error()));

  Notice notice;
  for (int tries = 0; tries < kTries; ++tries) {
    std::expected<Secret, Ended> password =
        co_await ask_new_password(std::exchange(notice, Notice()));
    if (!password) co_return std::unexpected(std::move(password.error()));
    cognito::StringMap complete = *responses;
    complete["NEW_PASSWORD"] = std::string(password->reveal());
    cognito::PoolResult<cognito::AuthStep> result =
        co_await services_.pool->respond(*challenge, std::move(complete), {}, step_deadline());
    if (result) {
      password_ = std::move(*password);
      count_message(*result);
      co_return std::move(*result);
    }
    const cognito::PoolError& error = result.error();
    if (error.kind != ErrorKind::invalid_password &&
        error.kind != ErrorKind::password_history_policy_violation)
      co_return std::unexpected(from_error(error));
    notice = Notice::error(prompts::password_not_allowed(error.message));
  }
  co_return std::unexpected(
      ended(Outcome::tries_exhausted, "new-password", prompts::too_many_tries()));
}

Task<std::expected<cognito::StringMap, SignIn::Ended>> SignIn::ask_attributes(
    std::vector<std::string> names) {
  cognito::StringMap responses;
  for (const std::string& name : names) {
    Notice notice;
    std::string value;
    for (int tries = 0; tries < kTries && value.empty(); ++tries) {
      std::expected<Secret, Ended> answer = co_await ask(
          Prompt(prompts::attribute(name), Purpose::other, true, std::exchange(notice, Notice())));
      if (!answer) co_return std::unexpected(std::move(answer.error()));
      // What is no text fit for a password is none fit for an attribute.
      if (!is_blank(answer->reveal()) && can_be_a_password(answer->reveal()))
        value = answer->reveal();
      notice = Notice::error(prompts::value_needed());
    }
    if (value.empty())
      co_return std::unexpected(
          ended(Outcome::tries_exhausted, "attribute", prompts::too_many_tries()));
    responses["userAttributes." + name] = std::move(value);
  }
  co_return responses;
}

Task<std::expected<Secret, SignIn::Ended>> SignIn::ask_new_password(Notice notice) {
  for (int tries = 0; tries < kTries; ++tries) {
    std::expected<Secret, Ended> first = co_await ask(Prompt(
        prompts::new_password(), Purpose::new_password, false, std::exchange(notice, Notice())));
    if (!first) co_return std::unexpected(std::move(first.error()));
    if (!can_be_a_password(first->reveal())) {
      notice = Notice::error(prompts::not_a_password());
      continue;
    }
    if (first->equals(password_)) {
      notice = Notice::error(prompts::password_is_the_old());
      continue;
    }
    std::expected<Secret, Ended> again =
        co_await ask(Prompt(prompts::new_password_again(), Purpose::new_password_again, false));
    if (!again) co_return std::unexpected(std::move(again.error()));
    if (again->equals(*first)) co_return std::move(*first);
    notice = Notice::error(prompts::passwords_differ());
  }
  co_return std::unexpected(
      ended(Outcome::tries_exhausted, "new-password", prompts::too_many_tries()));
}

}  // namespace pamcognito::flows
