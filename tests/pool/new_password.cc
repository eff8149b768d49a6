#include <algorithm>
#include <cctype>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/steps.h"

// NEW_PASSWORD_REQUIRED: a temporary password is changed during the sign-in.
namespace pamcognito::pool {

namespace {

constexpr size_t kLongestPassword = 256;
constexpr std::string_view kPrefix = "userAttributes.";
constexpr int64_t kDayMs = 24LL * 60 * 60 * 1000;

bool any_of_class(const std::string& text, int (*is_class)(int)) {
  return std::ranges::any_of(
      text, [is_class](char c) { return is_class(static_cast<unsigned char>(c)) != 0; });
}

Refusal against_policy(const std::string& ending) {
  return refuse("InvalidPasswordException",
                "Password did not conform with policy: Password " + ending);
}

std::map<std::string, std::string> named_attributes(const Json::Value& responses) {
  std::map<std::string, std::string> named;
  for (const std::string& member : responses.getMemberNames()) {
    if (!member.starts_with(kPrefix)) continue;
    named[member.substr(kPrefix.size())] = string_at(responses, member);
  }
  return named;
}

std::expected<void, ApiError> check_attributes(const PoolSettings& settings, const Client& client,
                                               const User& user,
                                               const std::map<std::string, std::string>& named) {
  for (const auto& [name, value] : named) {
    if (!may_write(client, name)) return unauthorized_attribute();
    if (contains(settings.required_attributes, name) && !user.attribute(name).empty()) {
      return not_authorized("Cannot modify an already provided " + name);
    }
  }
  for (const std::string& required : settings.required_attributes) {
    const auto given = named.find(required);
    if (user.attribute(required).empty() && (given == named.end() || given->second.empty())) {
      return invalid_parameter("Invalid attributes given, " + required + " is missing");
    }
  }
  return {};
}

void write_attributes(User& user, const std::map<std::string, std::string>& named) {
  for (const auto& [name, value] : named) user.set_attribute(name, value);
}

}  // namespace

std::expected<void, ApiError> check_new_password(const PoolSettings& settings, const User& user,
                                                 const std::string& password) {
  if (password.size() > kLongestPassword) {
    return invalid_parameter(
        "1 validation error detected: Value at 'password' failed to satisfy "
        "constraint: Member must have length less than or equal to 256");
  }
  if (static_cast<int64_t>(password.size()) < settings.password_min_length) {
    return against_policy("not long enough");
  }
  if (settings.password_uppercase && !any_of_class(password, std::isupper)) {
    return against_policy("must have uppercase characters");
  }
  if (settings.password_lowercase && !any_of_class(password, std::islower)) {
    return against_policy("must have lowercase characters");
  }
  if (settings.password_numbers && !any_of_class(password, std::isdigit)) {
    return against_policy("must have numeric characters");
  }
  if (settings.password_symbols && !any_of_class(password, std::ispunct)) {
    return against_policy("must have symbol characters");
  }
  if (settings.password_history <= 0) return {};
  bool known = equal_constant_time(password, user.password);
  const size_t earlier =
      std::min(static_cast<size_t>(settings.password_history) - 1, user.old_passwords.size());
  for (size_t i = 0; i < earlier; ++i) known = known || password == user.old_passwords[i];
  if (known) {
    return refuse("PasswordHistoryPolicyViolationException",
                  "Password has previously been used. Please choose a different password.");
  }
  return {};
}

ApiResult ask_new_password(ApiCall& call, const User& user, const Client& client, bool custom) {
  const PoolSettings& settings = call.pool.settings;
  if (call.pool.clock.life_ms() - user.password_born_ms >
      settings.temporary_password_days * kDayMs) {
    return not_authorized(
        settings.expired_password_text == "user_account"
            ? "User account has expired, it must be reset by an administrator."
            : "Temporary password has expired and must be reset by an administrator.");
  }
  Json::Value attributes(Json::objectValue);
  for (const auto& [name, value] : user.attributes) attributes[name] = value;
  Json::Value required(Json::arrayValue);
  for (const std::string& name : settings.required_attributes) {
    if (user.attribute(name).empty()) required.append(std::string(kPrefix) + name);
  }
  Json::Value parameters;
  parameters["userAttributes"] = to_text(attributes);
  parameters["requiredAttributes"] = to_text(required);
  Session session;
  session.custom = custom;
  return challenge_answer(call, user, client, "NEW_PASSWORD_REQUIRED", std::move(parameters),
                          std::move(session));
}

ApiResult answer_new_password(ApiCall& call, const Client& client, const Json::Value& responses) {
  const auto step = open_step(call, client, responses);
  if (!step) return std::unexpected(step.error());
  const std::string password = string_at(responses, "NEW_PASSWORD");
  if (password.empty()) return missing_parameter("NEW_PASSWORD");
  // An administrator may have given another password while the person was typing.
  if (step->user.status != "FORCE_CHANGE_PASSWORD") {
    return not_authorized("Invalid session for the user.");
  }
  const PoolSettings& settings = call.pool.settings;
  const auto named = named_attributes(responses);
  if (const auto good = check_attributes(settings, client, step->user, named); !good) {
    return std::unexpected(good.error());
  }
  if (const auto good = check_new_password(settings, step->user, password); !good) {
    return std::unexpected(good.error());
  }
  step->session.used = true;
  const bool custom = step->session.custom;
  write_attributes(step->user, named);
  step->user.set_password(password, call.pool.clock.life_ms());
  step->user.status = "CONFIRMED";
  call.pool.touch(step->user);
  return custom ? begin_custom_rounds(call, step->user, client)
                : ask_second_factor(call, step->user, client);
}

}  // namespace pamcognito::pool
