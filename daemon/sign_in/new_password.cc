#include <algorithm>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"
#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::Challenge;
using cognito::ErrorKind;
using cognito::kAttributePrefix;
using runtime::Task;

Task<StepResult<std::string>> ask_attribute(SignInContext* context, std::string name) {
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<Secret> answer =
        co_await context->ask(Prompt(prompts::attribute(name), Purpose::other, true));
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    // A text that is not fit for a password is not fit for an attribute; nor is the password
    // itself, which a caller that repeats itself answers with.
    if (!is_blank(answer->reveal()) && is_typed_text(answer->reveal()) &&
        !answer->equals(context->typed.password))
      co_return std::string(answer->reveal());
    context->report.notice = Notice::error(prompts::value_needed());
  }
  co_return std::unexpected(
      make_end(Outcome::tries_exhausted, "attribute", prompts::too_many_answers()));
}

Task<StepResult<cognito::StringMap>> ask_attributes(SignInContext* context,
                                                    std::vector<std::string> names) {
  cognito::StringMap responses;
  for (const std::string& name : names) {
    StepResult<std::string> value = co_await ask_attribute(context, name);
    if (!value) co_return std::unexpected(std::move(value.error()));
    responses[std::string(kAttributePrefix) + name] = std::move(*value);
  }
  co_return responses;
}

// Cognito takes at most 256 characters, and no blank at either end.
bool can_be_a_new_password(std::string_view text) {
  constexpr std::ptrdiff_t longest = 256;
  const auto begins_a_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  };
  return is_typed_text(text) && trimmed(text).size() == text.size() &&
         std::ranges::count_if(text, begins_a_character) <= longest;
}

std::vector<std::string> names_of(const cognito::StringMap& responses) {
  std::vector<std::string> names;
  for (const auto& [name, value] : responses) names.push_back(name.substr(kAttributePrefix.size()));
  return names;
}

SignInEnd too_many_tries() {
  return make_end(Outcome::tries_exhausted, "new-password", prompts::too_many_answers());
}

}  // namespace

// The account has a temporary password. A new password that the pool's policy refuses is asked for
// again, with the pool's text about its policy.
Task<Step> set_new_password(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  std::optional<std::vector<std::string>> names = cognito::missing_attributes(*challenge);
  if (!names)
    co_return std::unexpected(context->from_error(
        cognito::PoolError(ErrorKind::bad_response, "requiredAttributes", challenge->request_id)));
  StepResult<cognito::StringMap> responses = co_await ask_attributes(context, std::move(*names));
  if (!responses) co_return std::unexpected(std::move(responses.error()));

  Notice notice;
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<Secret> password =
        co_await ask_new_password(context, tries == 0, std::exchange(notice, Notice()));
    if (!password) co_return std::unexpected(std::move(password.error()));
    cognito::StringMap complete = *responses;
    complete["NEW_PASSWORD"] = std::string(password->reveal());
    cognito::PoolResult<cognito::AuthStep> result = co_await context->services.pool->respond(
        *challenge, std::move(complete), &context->call, context->step_deadline());
    if (result) {
      context->password_was_changed(std::move(*password));
      context->count_message(*result);
      co_return std::move(*result);
    }
    if (cognito::error_row(result.error()).refuses_new_password()) {
      notice = Notice::error(prompts::password_not_allowed(result.error().message));
      continue;
    }
    // A phone number without its country, a date in another form: only the pool knows what it
    // wants.
    const bool an_attribute =
        result.error().kind == ErrorKind::invalid_parameter && !responses->empty();
    if (!an_attribute) co_return std::unexpected(context->from_error(result.error()));
    context->report.notice = Notice::error(prompts::values_not_taken());
    responses = co_await ask_attributes(context, names_of(*responses));
    if (!responses) co_return std::unexpected(std::move(responses.error()));
  }
  co_return std::unexpected(too_many_tries());
}

Task<StepResult<Secret>> ask_new_password(SignInContext* context, bool demanded, Notice notice) {
  for (int tries = 0; tries < kTries; ++tries) {
    StepResult<Secret> first = co_await context->ask(
        Prompt(prompts::new_password(demanded && tries == 0), Purpose::new_password, false,
               std::exchange(notice, Notice())));
    if (!first) co_return std::unexpected(std::move(first.error()));
    if (!can_be_a_new_password(first->reveal())) {
      notice = Notice::error(prompts::not_a_password());
      continue;
    }
    if (first->equals(context->typed.password)) {
      notice = Notice::error(prompts::password_is_the_old());
      continue;
    }
    StepResult<Secret> again = co_await context->ask(
        Prompt(prompts::new_password_again(), Purpose::new_password_again, false));
    if (!again) co_return std::unexpected(std::move(again.error()));
    if (again->equals(*first)) co_return std::move(*first);
    notice = Notice::error(prompts::passwords_differ());
  }
  co_return std::unexpected(too_many_tries());
}

}  // namespace pamcognito::sign_in
