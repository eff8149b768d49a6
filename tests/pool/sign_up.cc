#include "tests/pool/json_reader.h"
#include "tests/pool/steps.h"

// ResendConfirmationCode and ConfirmSignUp, for users that have signed up and not confirmed yet.
namespace pamcognito::pool {

namespace {

constexpr char kResend[] = "ResendConfirmationCode";

// Another user who has proved the same address, or null.
User* other_owner(Pool& pool, const User& user, const std::string& attribute) {
  if (!contains(pool.settings.alias_attributes, attribute)) return nullptr;
  for (auto& [name, other] : pool.users.all()) {
    if (&other != &user && other.attribute(attribute) == user.attribute(attribute) &&
        other.has_true(attribute + "_verified")) {
      return &other;
    }
  }
  return nullptr;
}

}  // namespace

ApiResult resend_confirmation_code(ApiCall& call) {
  Pool& pool = call.pool;
  const auto named = named_user(call);
  if (!named) return std::unexpected(named.error());
  const int64_t now = pool.clock.life_ms();
  if (!pool.limits.take(kResend, named->counted_name(), pool.settings.resend_limit, now)) {
    return limit_exceeded();
  }
  if (named->user == nullptr) {
    pool.ghost_code(kResend, named->typed).emplace().born_ms = now;
    return simulated_delivery_details(named->typed);
  }
  User& user = *named->user;
  if (user.status != "UNCONFIRMED") return invalid_parameter("User is already confirmed.");
  const std::string attribute = user.attribute("email").empty() ? "phone_number" : "email";
  if (user.attribute(attribute).empty()) {
    return invalid_parameter("Auto verification not turned on.");
  }
  user.sign_up_code = send_confirmation_code(pool, user, attribute, "Your confirmation code is");
  return delivery_details(user, attribute);
}

ApiResult confirm_sign_up(ApiCall& call) {
  Pool& pool = call.pool;
  const std::string code = string_at(call.body, "ConfirmationCode");
  if (code.empty()) return null_member("confirmationCode");
  const auto named = named_user(call);
  if (!named) return std::unexpected(named.error());
  const int64_t now = pool.clock.life_ms();
  if (!pool.limits.take("ConfirmSignUp", named->counted_name(), pool.settings.confirm_sign_up_limit,
                        now)) {
    return limit_exceeded();
  }
  if (named->user != nullptr && named->user->status != "UNCONFIRMED") {
    return not_authorized("User cannot be confirmed. Current status is " + named->user->status);
  }
  const std::optional<SentCode>& sent =
      named->user == nullptr ? pool.ghost_code(kResend, named->typed) : named->user->sign_up_code;
  if (const auto right = check_code(sent, code, pool.settings.sign_up_code_s, now); !right) {
    return std::unexpected(right.error());
  }
  User& user = *named->user;
  const std::string proved = user.sign_up_code->attribute;
  if (User* other = other_owner(pool, user, proved); other != nullptr) {
    const Json::Value force = call.body.get("ForceAliasCreation", false);
    if (!force.isBool() || !force.asBool()) {
      return refuse("AliasExistsException",
                    "An account with the given " + proved + " already exists.");
    }
    other->attributes[proved + "_verified"] = "false";
  }
  user.attributes[proved + "_verified"] = "true";
  user.sign_up_code.reset();
  user.status = "CONFIRMED";
  return Json::Value(Json::objectValue);
}

}  // namespace pamcognito::pool
