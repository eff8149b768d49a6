#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>

#include "tests/pool/json_reader.h"
#include "tests/pool/steps.h"

// SignUp, ResendConfirmationCode and ConfirmSignUp.
namespace pamcognito::pool {

namespace {

constexpr char kResend[] = "ResendConfirmationCode";
constexpr size_t kLongestUsername = 128;

bool looks_like_email(const std::string& name) {
  return name.find('@') != std::string::npos;
}

bool looks_like_phone_number(const std::string& name) {
  return name.starts_with('+') && name.find_first_not_of("0123456789", 1) == std::string::npos;
}

// In a pool with aliases no user name may look like one.
std::expected<void, ApiError> check_username(const PoolSettings& settings,
                                             const std::string& name) {
  if (name.size() > kLongestUsername) {
    return constraint_violated("'" + name + "'", "username",
                               "Member must have length less than or equal to 128");
  }
  const auto refused = [](const std::string& form, const std::string& alias) {
    return invalid_parameter("Username cannot be of " + form +
                             " format, since user pool is configured for " + alias + " alias.");
  };
  if (contains(settings.alias_attributes, "email") && looks_like_email(name)) {
    return refused("email", "email");
  }
  if (contains(settings.alias_attributes, "phone_number") && looks_like_phone_number(name)) {
    return refused("phone number", "phone number");
  }
  return {};
}

std::expected<void, ApiError> check_sign_up_attributes(
    const PoolSettings& settings, const Client& client,
    const std::map<std::string, std::string>& given) {
  for (const auto& [name, value] : given) {
    if (!may_write(client, name)) return unauthorized_attribute();
  }
  for (const std::string& required : settings.required_attributes) {
    const auto found = given.find(required);
    if (found == given.end() || found->second.empty()) {
      return invalid_parameter("Attributes did not conform to the schema: " + required +
                               ": The attribute is required");
    }
  }
  return {};
}

// The attribute whose address gets the sign-up code; "" for none.
std::string confirmed_by(const PoolSettings& settings, const User& user) {
  for (const char* attribute : {"email", "phone_number"}) {
    if (contains(settings.auto_verified_attributes, attribute) &&
        !user.attribute(attribute).empty()) {
      return attribute;
    }
  }
  return "";
}

void send_sign_up_code(Pool& pool, User& user, const std::string& attribute) {
  user.sign_up_code = send_confirmation_code(pool, user, attribute, "Your confirmation code is");
}

}  // namespace

ApiResult sign_up(ApiCall& call) {
  Pool& pool = call.pool;
  const auto client = required_client(call);
  if (!client) return std::unexpected(client.error());
  const std::string name = string_at(call.body, "Username");
  if (name.empty()) return null_member("username");
  const std::string password = string_at(call.body, "Password");
  if (password.empty()) return null_member("password");
  if (const auto hash = check_secret_hash(**client, name, string_at(call.body, "SecretHash"));
      !hash) {
    return std::unexpected(hash.error());
  }
  if (pool.settings.admin_create_user_only) {
    return not_authorized("SignUp is not permitted for this user pool");
  }
  if (const auto good = check_username(pool.settings, name); !good) {
    return std::unexpected(good.error());
  }
  const auto given = attribute_list(call.body);
  if (!given) return std::unexpected(given.error());
  if (const auto good = check_sign_up_attributes(pool.settings, **client, *given); !good) {
    return std::unexpected(good.error());
  }
  if (const auto good = check_new_password(pool.settings, User{}, password); !good) {
    return std::unexpected(good.error());
  }
  Json::Value user;
  user["username"] = name;
  user["password"] = password;
  user["status"] = "UNCONFIRMED";
  const User* known = pool.users.by_username(name, pool.settings.case_sensitive);
  const auto created = known != nullptr
                           ? std::unexpected(std::string("exists"))
                           : pool.users.put(user, true, pool.clock.life_ms(), pool.settings);
  if (!created) return refuse("UsernameExistsException", "User already exists");
  for (const auto& [attribute_name, value] : *given) {
    (*created)->set_attribute(attribute_name, stored_value(attribute_name, value, pool.settings));
  }
  pool.touch(**created);
  Json::Value answer(Json::objectValue);
  const std::string attribute = confirmed_by(pool.settings, **created);
  if (!attribute.empty()) {
    send_sign_up_code(pool, **created, attribute);
    answer = delivery_details(**created, attribute);
  }
  answer["UserConfirmed"] = false;
  answer["UserSub"] = (*created)->sub;
  return answer;
}

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
  const std::string attribute = confirmed_by(pool.settings, user);
  if (attribute.empty()) return invalid_parameter("Auto verification not turned on.");
  send_sign_up_code(pool, user, attribute);
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
  std::optional<SentCode>& sent =
      named->user == nullptr ? pool.ghost_code(kResend, named->typed) : named->user->sign_up_code;
  if (const auto right = check_counted_code(sent, code, pool.settings.sign_up_code_s, now,
                                            pool.settings.wrong_codes_limit);
      !right) {
    return std::unexpected(right.error());
  }
  User& user = *named->user;
  const std::string proved = user.sign_up_code->attribute;
  while (User* other = other_owner(pool, user, proved)) {
    const Json::Value force = call.body.get("ForceAliasCreation", false);
    if (!force.isBool() || !force.asBool()) {
      return alias_exists(proved);
    }
    other->attributes[proved + "_verified"] = "false";
  }
  user.attributes[proved + "_verified"] = "true";
  user.sign_up_code.reset();
  user.status = "CONFIRMED";
  pool.touch(user);
  return Json::Value(Json::objectValue);
}

}  // namespace pamcognito::pool
