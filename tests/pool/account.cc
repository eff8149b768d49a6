#include <algorithm>
#include <array>
#include <expected>
#include <string>
#include <vector>

#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

// Operations that carry an access token.
namespace pamcognito::pool {

namespace {

// One member of SetUserMFAPreference; absent and null mean "leave it".
struct FactorChange {
  const char* factor;
  const char* member;
  bool named = false;
  bool enabled = false;
  bool preferred = false;
};

std::expected<void, ApiError> read_change(FactorChange& change, const Json::Value& body) {
  if (!body.isMember(change.member) || body[change.member].isNull()) return {};
  JsonReader reader(body[change.member], change.member);
  reader.read("Enabled", change.enabled).read("PreferredMfa", change.preferred);
  if (const auto read = reader.finish(); !read) {
    return refuse("SerializationException", read.error());
  }
  change.named = true;
  return {};
}

bool may_switch_off_unset(const PoolSettings& settings, const std::string& factor) {
  return settings.disable_unset_factor == "all" ||
         (settings.disable_unset_factor == "messages" && factor != kTotp);
}

std::expected<void, ApiError> check_change(const PoolSettings& settings, const FactorChange& change,
                                           const User& user) {
  if (!change.named) return {};
  const std::string factor = change.factor;
  if (!change.enabled && change.preferred) {
    return invalid_parameter("Invalid MFA preference: " + factor + " is preferred but not enabled");
  }
  if (user.can_receive(factor)) return {};
  if (change.enabled) {
    return invalid_parameter("User does not have delivery config set to turn on " + factor);
  }
  if (may_switch_off_unset(settings, factor)) return {};
  if (factor != kTotp) return invalid_parameter("User has not set up " + factor);
  return invalid_parameter(user.pending_secret ? "User has not verified software token mfa"
                                               : "User has not set up software token mfa");
}

void apply_change(const FactorChange& change, User& user) {
  if (!change.named) return;
  std::erase(user.mfa_enabled, change.factor);
  // Enabling without PreferredMfa takes an earlier preference away, as clients have found.
  if (user.mfa_preferred == change.factor) user.mfa_preferred.reset();
  if (change.enabled) user.mfa_enabled.emplace_back(change.factor);
  if (change.preferred) user.mfa_preferred = change.factor;
}

}  // namespace

std::expected<SignedIn, ApiError> signed_in(ApiCall& call) {
  Pool& pool = call.pool;
  const std::string jwt = string_at(call.body, "AccessToken");
  if (jwt.empty()) return null_member("accessToken");
  const auto claims = pool.tokens.verify_access(jwt, pool.clock.wall_s());
  if (!claims) return not_authorized(claims.error());
  if (pool.grants.is_revoked(string_at(*claims, "origin_jti"))) {
    return not_authorized("Access Token has been revoked");
  }
  if (string_at(*claims, "scope").find("aws.cognito.signin.user.admin") == std::string::npos) {
    return not_authorized("Access Token does not have required scopes");
  }
  User* user = pool.users.find(string_at(*claims, "username"));
  if (user == nullptr || user->sub != string_at(*claims, "sub")) return user_not_found();
  if (const auto fit = check_status(*user); !fit) return std::unexpected(fit.error());
  const Client* client = pool.find_client(string_at(*claims, "client_id"));
  if (client == nullptr) return not_authorized("Invalid Access Token");
  return SignedIn{*user, *client};
}

std::expected<User*, ApiError> signed_in_user(ApiCall& call) {
  const auto found = signed_in(call);
  if (!found) return std::unexpected(found.error());
  return &found->user;
}

ApiResult get_user(ApiCall& call) {
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  const auto pair = [](const std::string& name, const std::string& value) {
    Json::Value attribute;
    attribute["Name"] = name;
    attribute["Value"] = value;
    return attribute;
  };
  Json::Value answer;
  answer["Username"] = (*user)->username;
  answer["UserAttributes"].append(pair("sub", (*user)->sub));
  for (const auto& [name, value] : (*user)->attributes) {
    answer["UserAttributes"].append(pair(name, value));
  }
  if (!(*user)->mfa_enabled.empty()) answer["UserMFASettingList"] = to_json((*user)->mfa_enabled);
  if ((*user)->mfa_preferred) answer["PreferredMfaSetting"] = *(*user)->mfa_preferred;
  return answer;
}

ApiResult global_sign_out(ApiCall& call) {
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  call.pool.grants.revoke_user((*user)->username);
  return Json::Value(Json::objectValue);
}

ApiResult set_user_mfa_preference(ApiCall& call) {
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  std::array<FactorChange, 3> changes = {{{kSms, "SMSMfaSettings"},
                                          {kTotp, "SoftwareTokenMfaSettings"},
                                          {kEmail, "EmailMfaSettings"}}};
  int preferred = 0;
  for (FactorChange& change : changes) {
    if (const auto read = read_change(change, call.body); !read) {
      return std::unexpected(read.error());
    }
    if (const auto checked = check_change(call.pool.settings, change, **user); !checked) {
      return std::unexpected(checked.error());
    }
    if (change.preferred) ++preferred;
  }
  if (preferred > 1) return invalid_parameter("Only one MFA method can be preferred");
  for (const FactorChange& change : changes) apply_change(change, **user);
  return Json::Value(Json::objectValue);
}

ApiResult change_password(ApiCall& call) {
  Pool& pool = call.pool;
  const std::string proposed = string_at(call.body, "ProposedPassword");
  if (proposed.empty()) return null_member("proposedPassword");
  const auto user = signed_in_user(call);
  if (!user) return std::unexpected(user.error());
  if (!pool.limits.take("ChangePassword", (*user)->username, pool.settings.change_password_limit,
                        pool.clock.life_ms())) {
    return limit_exceeded();
  }
  if (!equal_constant_time(string_at(call.body, "PreviousPassword"), (*user)->password)) {
    return wrong_password();
  }
  if (const auto good = check_new_password(pool.settings, **user, proposed); !good) {
    return std::unexpected(good.error());
  }
  (*user)->set_password(proposed, pool.clock.life_ms());
  pool.touch(**user);
  return Json::Value(Json::objectValue);
}

}  // namespace pamcognito::pool
