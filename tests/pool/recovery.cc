#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "tests/pool/json_reader.h"
#include "tests/pool/steps.h"

// ForgotPassword and ConfirmForgotPassword.
namespace pamcognito::pool {

namespace {

constexpr char kForgot[] = "ForgotPassword";

// The attribute that a reset code goes to, "" for none. An address that is itself a second factor
// does not count: it would be both factors at once.
std::string recovery_attribute(const PoolSettings& settings, const User& user) {
  for (const std::string& mechanism : settings.account_recovery) {
    const bool phone = mechanism == "verified_phone_number";
    if (!phone && mechanism != "verified_email") continue;
    const std::string attribute = phone ? "phone_number" : "email";
    const bool is_factor = contains(user.mfa_enabled, phone ? kSms : kEmail);
    if (!is_factor && !user.attribute(attribute).empty() &&
        user.has_true(attribute + "_verified")) {
      return attribute;
    }
  }
  return "";
}

// The user of a reset. A hidden disabled user is treated as an unknown one.
std::expected<NamedUser, ApiError> resettable_user(ApiCall& call) {
  auto named = named_user(call);
  if (!named || named->user == nullptr || named->user->enabled) return named;
  if (!named->client.hides_users()) return user_disabled();
  return NamedUser{named->client, named->typed, nullptr};
}

ApiResult simulate_forgot(ApiCall& call, const std::string& name) {
  SentCode& sent = call.pool.ghost_code(kForgot, name).emplace();
  sent.born_ms = call.pool.clock.life_ms();
  return simulated_delivery_details(name);
}

}  // namespace

bool send_reset_code(Pool& pool, User& user) {
  const std::string attribute = recovery_attribute(pool.settings, user);
  if (attribute.empty()) return false;
  user.reset_code = send_confirmation_code(pool, user, attribute, "Your password reset code is");
  return true;
}

ApiResult forgot_password(ApiCall& call) {
  Pool& pool = call.pool;
  const auto named = resettable_user(call);
  if (!named) return std::unexpected(named.error());
  if (!pool.limits.take(kForgot, named->counted_name(), pool.settings.forgot_password_limit,
                        pool.clock.life_ms())) {
    return limit_exceeded();
  }
  if (named->user == nullptr) return simulate_forgot(call, named->typed);
  User& user = *named->user;
  if (user.status == "FORCE_CHANGE_PASSWORD") {
    return not_authorized("User password cannot be reset in the current state.");
  }
  if (contains(pool.settings.account_recovery, "admin_only")) {
    return not_authorized("Contact administrator to reset password.");
  }
  if (!send_reset_code(pool, user)) {
    if (named->client.hides_users()) return simulate_forgot(call, named->typed);
    return invalid_parameter(
        "Cannot reset password for the user as there is no registered/verified email or "
        "phone_number");
  }
  return delivery_details(user, user.reset_code->attribute);
}

ApiResult confirm_forgot_password(ApiCall& call) {
  Pool& pool = call.pool;
  const std::string code = string_at(call.body, "ConfirmationCode");
  const std::string password = string_at(call.body, "Password");
  if (code.empty()) return null_member("confirmationCode");
  if (password.empty()) return null_member("password");
  const auto named = resettable_user(call);
  if (!named) return std::unexpected(named.error());
  const int64_t now = pool.clock.life_ms();
  if (!pool.limits.take("ConfirmForgotPassword", named->counted_name(),
                        pool.settings.confirm_forgot_password_limit, now)) {
    return limit_exceeded();
  }
  const bool simulated = named->user == nullptr || !named->user->reset_code;
  std::optional<SentCode>& sent =
      simulated ? pool.ghost_code(kForgot, named->typed) : named->user->reset_code;
  if (const auto right = check_counted_code(sent, code, pool.settings.reset_code_s, now,
                                            pool.settings.wrong_codes_limit);
      !right) {
    return std::unexpected(right.error());
  }
  User& user = *named->user;
  if (user.status == "UNCONFIRMED") {
    return refuse("UserNotConfirmedException", "User is not confirmed.");
  }
  // The code stays good when the password is refused.
  if (const auto good = check_new_password(pool.settings, user, password); !good) {
    return std::unexpected(good.error());
  }
  user.attributes[user.reset_code->attribute + "_verified"] = "true";
  user.reset_code.reset();
  user.set_password(password, now);
  user.status = "CONFIRMED";
  user.imported = false;
  user.password_lock.succeeded();
  pool.touch(user);
  return Json::Value(Json::objectValue);
}

}  // namespace pamcognito::pool
