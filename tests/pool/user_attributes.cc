#include <algorithm>
#include <cstdint>
#include <expected>
#include <map>
#include <string>

#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

// Calls of signed-in users on their own attributes.
namespace pamcognito::pool {

namespace {

constexpr char kCodeText[] = "Your verification code is";

bool is_address(const std::string& attribute) {
  return attribute == "email" || attribute == "phone_number";
}

std::expected<std::string, ApiError> named_address(const ApiCall& call) {
  const std::string attribute = string_at(call.body, "AttributeName");
  if (attribute.empty()) return null_member("attributeName");
  if (!is_address(attribute)) {
    return invalid_parameter("Invalid attribute name: " + attribute + " cannot be verified.");
  }
  return attribute;
}

Refusal no_value(const std::string& attribute) {
  return invalid_parameter("User does not have " + attribute + " registered.");
}

// Users may write their own preferred_username, but not one that another user has.
bool is_taken_alias(Pool& pool, const User& user, const std::string& attribute,
                    const std::string& value) {
  if (attribute != "preferred_username" || !contains(pool.settings.alias_attributes, attribute)) {
    return false;
  }
  return std::ranges::any_of(pool.users.all(), [&](const auto& entry) {
    return &entry.second != &user && entry.second.attribute(attribute) == value;
  });
}

std::expected<void, ApiError> check_changes(Pool& pool, const SignedIn& who,
                                            const std::map<std::string, std::string>& changes) {
  for (const auto& [name, value] : changes) {
    if (!may_write(who.client, name)) return unauthorized_attribute();
    if (value.empty() && contains(pool.settings.required_attributes, name)) {
      return invalid_parameter("Cannot delete required attribute " + name);
    }
    if (!value.empty() && is_taken_alias(pool, who.user, name, value)) return alias_exists(name);
  }
  return {};
}

// A blank value deletes.
void remove_attribute(User& user, const std::string& name) {
  user.attributes.erase(name);
  user.attributes.erase(name + "_verified");
  user.attribute_codes.erase(name);
}

}  // namespace

ApiResult update_user_attributes(ApiCall& call) {
  Pool& pool = call.pool;
  if (!call.body.isMember("UserAttributes")) return null_member("userAttributes");
  const auto changes = attribute_list(call.body);
  if (!changes) return std::unexpected(changes.error());
  const auto who = signed_in(call);
  if (!who) return std::unexpected(who.error());
  if (const auto good = check_changes(pool, *who, *changes); !good) {
    return std::unexpected(good.error());
  }
  User& user = who->user;
  pool.touch(user);
  Json::Value answer(Json::objectValue);
  for (const auto& [name, given] : *changes) {
    const std::string value = stored_value(name, given, pool.settings);
    const bool changed = user.attribute(name) != value;
    if (value.empty()) {
      remove_attribute(user, name);
      continue;
    }
    user.set_attribute(name, value);
    if (changed && is_address(name) && contains(pool.settings.auto_verified_attributes, name)) {
      user.attribute_codes[name] = send_confirmation_code(pool, user, name, kCodeText);
      answer["CodeDeliveryDetailsList"].append(delivery_details(user, name)["CodeDeliveryDetails"]);
    }
  }
  return answer;
}

ApiResult get_user_attribute_verification_code(ApiCall& call) {
  Pool& pool = call.pool;
  const auto attribute = named_address(call);
  if (!attribute) return std::unexpected(attribute.error());
  const auto who = signed_in(call);
  if (!who) return std::unexpected(who.error());
  User& user = who->user;
  if (!pool.limits.take("GetUserAttributeVerificationCode", user.username,
                        pool.settings.attribute_code_limit, pool.clock.life_ms())) {
    return limit_exceeded();
  }
  if (user.attribute(*attribute).empty()) return no_value(*attribute);
  user.attribute_codes[*attribute] = send_confirmation_code(pool, user, *attribute, kCodeText);
  return delivery_details(user, *attribute);
}

ApiResult verify_user_attribute(ApiCall& call) {
  Pool& pool = call.pool;
  const auto attribute = named_address(call);
  if (!attribute) return std::unexpected(attribute.error());
  const std::string code = string_at(call.body, "Code");
  if (code.empty()) return null_member("code");
  const auto who = signed_in(call);
  if (!who) return std::unexpected(who.error());
  User& user = who->user;
  const int64_t now = pool.clock.life_ms();
  if (!pool.limits.take("VerifyUserAttribute", user.username, pool.settings.verify_attribute_limit,
                        now)) {
    return limit_exceeded();
  }
  const auto sent = user.attribute_codes.find(*attribute);
  if (sent == user.attribute_codes.end()) return stale_verification_code();
  if (const auto right = check_code(sent->second, code, pool.settings.attribute_code_s, now);
      !right) {
    return std::unexpected(right.error());
  }
  if (other_owner(pool, user, *attribute) != nullptr) return alias_exists(*attribute);
  user.attribute_codes.erase(sent);
  user.attributes[*attribute + "_verified"] = "true";
  pool.touch(user);
  return Json::Value(Json::objectValue);
}

}  // namespace pamcognito::pool
