#include "tests/pool/users.h"

#include <strings.h>

#include <algorithm>
#include <cstdint>

#include "tests/pool/json_reader.h"

namespace pamcognito::pool {

namespace {

bool same(const std::string& a, const std::string& b, bool case_sensitive) {
  return case_sensitive ? a == b : strcasecmp(a.c_str(), b.c_str()) == 0;
}

std::expected<void, std::string> merge_attributes(User& user, const Json::Value& from) {
  if (from.isNull()) return {};
  if (!from.isObject()) return std::unexpected("user: \"attributes\" must be an object");
  for (const std::string& name : from.getMemberNames()) {
    const Json::Value& value = from[name];
    if (value.isNull()) {
      user.attributes.erase(name);
    } else if (value.isBool()) {
      user.attributes[name] = value.asBool() ? "true" : "false";
    } else if (value.isString()) {
      user.attributes[name] = value.asString();
    } else {
      return std::unexpected("user: attribute \"" + name + "\" must be text");
    }
  }
  return {};
}

std::expected<void, std::string> read_mfa(User& user, const Json::Value& from) {
  if (from.isNull()) return {};
  std::optional<std::string> secret;
  JsonReader reader(from, "user's mfa");
  reader.read("enabled", user.mfa_enabled)
      .read("preferred", user.mfa_preferred)
      .read("totp_secret", secret);
  if (const auto read = reader.finish(); !read) return read;
  if (from.isMember("totp_secret")) user.authenticator.reset();
  if (secret) {
    const auto bytes = base32_decode(*secret);
    if (!bytes) return std::unexpected("user's mfa: \"totp_secret\" must be base32");
    user.authenticator.emplace(*bytes);
  }
  for (const std::string& factor : user.mfa_enabled) {
    if (factor != kSms && factor != kEmail && factor != kTotp) {
      return std::unexpected("user's mfa: \"" + factor + "\" is no factor");
    }
    if (!user.can_receive(factor)) {
      return std::unexpected("user's mfa: " + factor +
                             " needs a phone_number, an email or a totp_secret");
    }
  }
  if (user.mfa_preferred && !contains(user.mfa_enabled, *user.mfa_preferred)) {
    return std::unexpected("user's mfa: the preferred factor must be enabled");
  }
  return {};
}

}  // namespace

std::string User::attribute(const std::string& name) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? "" : found->second;
}

bool User::has_true(const std::string& attribute_name) const {
  return attribute(attribute_name) == "true";
}

void User::set_attribute(const std::string& name, const std::string& value) {
  if (attribute(name) == value) return;
  attributes[name] = value;
  if (name != "email" && name != "phone_number") return;
  attributes[name + "_verified"] = "false";
  attribute_codes.erase(name);
}

void User::set_password(std::string new_password, int64_t now_ms) {
  // As many as Cognito can be told to remember.
  constexpr size_t kLongestHistory = 24;
  if (!password.empty()) old_passwords.insert(old_passwords.begin(), password);
  if (old_passwords.size() > kLongestHistory) old_passwords.resize(kLongestHistory);
  password_born_ms = now_ms;
  password = std::move(new_password);
  verifier_.reset();
}

const SrpVerifier& User::verifier(const std::string& pool_name) {
  if (!verifier_) {
    verifier_ = make_verifier(pool_name, username, password, random_bytes(16));
  }
  return *verifier_;
}

std::string stored_value(const std::string& attribute, std::string value,
                         const PoolSettings& settings) {
  if (settings.case_sensitive || settings.stored_case == "kept") return value;
  const bool an_alias = attribute == "email" || attribute == "preferred_username";
  if (attribute.empty() || (an_alias && settings.stored_case == "lower")) {
    for (char& c : value) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return value;
}

bool User::can_receive(const std::string& factor) const {
  if (factor == kSms) return !attribute("phone_number").empty();
  if (factor == kEmail) return !attribute("email").empty();
  return factor == kTotp && authenticator.has_value();
}

std::expected<User*, std::string> UserStore::put(const Json::Value& from, bool create,
                                                 int64_t now_ms) {
  const std::string username = string_at(from, "username");
  if (username.empty()) return std::unexpected("user: \"username\" is missing");
  User* existing = find(username);
  if (create && existing != nullptr) return std::unexpected("user " + username + " exists");
  if (!create && existing == nullptr)
    return std::unexpected("user " + username + " does not exist");

  // Changes are made to a description of the user first, so that a bad one changes nothing.
  User draft;
  draft.sub = random_uuid();
  if (existing != nullptr) {
    draft.sub = existing->sub;
    draft.status = existing->status;
    draft.enabled = existing->enabled;
    draft.attributes = existing->attributes;
    draft.groups = existing->groups;
    draft.mfa_enabled = existing->mfa_enabled;
    draft.mfa_preferred = existing->mfa_preferred;
    draft.authenticator = existing->authenticator;
    draft.custom = existing->custom;
    draft.pre_authentication_refusal = existing->pre_authentication_refusal;
    draft.blocked_by_risk = existing->blocked_by_risk;
    draft.imported = existing->imported;
    draft.roles = existing->roles;
  }
  std::optional<std::string> password;
  Json::Value attributes;
  Json::Value mfa;
  Json::Value custom;
  JsonReader reader(from, "user " + username);
  reader.read("username", draft.username)
      .read("sub", draft.sub)
      .read("password", password)
      .read_word("status", draft.status,
                 {"CONFIRMED", "UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"})
      .read("enabled", draft.enabled)
      .read("attributes", attributes)
      .read("groups", draft.groups)
      .read("mfa", mfa)
      .read("custom", custom)
      .read("pre_authentication_refusal", draft.pre_authentication_refusal)
      .read("blocked_by_risk", draft.blocked_by_risk)
      .read("imported", draft.imported)
      .read("roles", draft.roles);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (draft.imported && from.isMember("imported") && !from.isMember("status")) {
    draft.status = "RESET_REQUIRED";
  }
  if (const auto read = merge_attributes(draft, attributes); !read) {
    return std::unexpected(read.error());
  }
  if (const auto read = read_mfa(draft, mfa); !read) return std::unexpected(read.error());
  if (from.isMember("custom")) draft.custom.reset();
  if (!custom.isNull()) {
    auto script = read_script(custom);
    if (!script) return std::unexpected(script.error());
    draft.custom = std::move(*script);
  }

  User& user = users_[username];
  user.username = username;
  user.sub = draft.sub;
  user.status = draft.status;
  user.enabled = draft.enabled;
  user.attributes = std::move(draft.attributes);
  user.groups = std::move(draft.groups);
  user.mfa_enabled = std::move(draft.mfa_enabled);
  user.mfa_preferred = std::move(draft.mfa_preferred);
  user.authenticator = std::move(draft.authenticator);
  user.custom = std::move(draft.custom);
  user.pre_authentication_refusal = std::move(draft.pre_authentication_refusal);
  user.blocked_by_risk = draft.blocked_by_risk;
  user.imported = draft.imported;
  user.roles = std::move(draft.roles);
  if (password) user.set_password(*password, now_ms);
  return &user;
}

std::expected<User*, std::string> UserStore::put(const Json::Value& from, bool create,
                                                 int64_t now_ms, const PoolSettings& settings) {
  const std::string typed = string_at(from, "username");
  if (typed.empty()) return put(from, create, now_ms);
  Json::Value kept = from;
  const User* known = by_username(typed, settings.case_sensitive);
  kept["username"] = known != nullptr ? known->username : stored_value("", typed, settings);
  if (from["attributes"].isObject()) {
    for (const std::string& name : from["attributes"].getMemberNames()) {
      Json::Value& value = kept["attributes"][name];
      if (value.isString()) value = stored_value(name, value.asString(), settings);
    }
  }
  return put(kept, create, now_ms);
}

bool UserStore::remove(const std::string& username) {
  return users_.erase(username) > 0;
}

User* UserStore::find(const std::string& username) {
  const auto found = users_.find(username);
  return found == users_.end() ? nullptr : &found->second;
}

User* UserStore::by_username(const std::string& name, bool case_sensitive) {
  if (User* user = find(name); user != nullptr || case_sensitive) return user;
  for (auto& [username, user] : users_) {
    if (same(username, name, false)) return &user;
  }
  return nullptr;
}

User* UserStore::by_alias(const std::string& name, const PoolSettings& settings) {
  const auto owns = [&](const User& user, const std::string& alias) {
    if (!contains(settings.alias_attributes, alias) ||
        !same(user.attribute(alias), name, settings.case_sensitive)) {
      return false;
    }
    // Anybody may write their own preferred_username; an address must have been proved.
    return alias == "preferred_username" || user.has_true(alias + "_verified");
  };
  if (name.empty()) return nullptr;
  for (auto& [username, user] : users_) {
    for (const char* alias : {"email", "phone_number", "preferred_username"}) {
      if (owns(user, alias)) return &user;
    }
  }
  return nullptr;
}

User* UserStore::resolve(const std::string& name, const PoolSettings& settings) {
  if (settings.alias_before_username) {
    if (User* user = by_alias(name, settings); user != nullptr) return user;
    return by_username(name, settings.case_sensitive);
  }
  if (User* user = by_username(name, settings.case_sensitive); user != nullptr) return user;
  return by_alias(name, settings);
}

Json::Value to_json(const User& user, int64_t life_ms) {
  Json::Value out;
  out["username"] = user.username;
  out["sub"] = user.sub;
  out["password"] = user.password;
  out["status"] = user.status;
  out["enabled"] = user.enabled;
  out["attributes"] = Json::objectValue;
  for (const auto& [name, value] : user.attributes) out["attributes"][name] = value;
  out["groups"] = to_json(user.groups);
  out["mfa"]["enabled"] = to_json(user.mfa_enabled);
  out["mfa"]["preferred"] = user.mfa_preferred ? Json::Value(*user.mfa_preferred) : Json::Value();
  out["mfa"]["totp_secret"] =
      user.authenticator ? Json::Value(base32_encode(user.authenticator->secret())) : Json::Value();
  out["custom"] = user.custom ? to_json(*user.custom) : Json::Value();
  out["pre_authentication_refusal"] = user.pre_authentication_refusal;
  out["blocked_by_risk"] = user.blocked_by_risk;
  out["imported"] = user.imported;
  out["roles"] = to_json(user.roles);
  out["devices"] = Json::arrayValue;
  for (const auto& [key, device] : user.devices) {
    Json::Value entry;
    entry["key"] = key;
    entry["name"] = device.name;
    entry["confirmed"] = device.confirmed;
    entry["remembered"] = device.remembered;
    out["devices"].append(entry);
  }
  out["failed_passwords"] = user.password_lock.failures();
  out["failed_codes"] = user.code_lock.failures();
  out["locked_ms"] = Json::Int64{
      std::max(user.password_lock.locked_for_ms(life_ms), user.code_lock.locked_for_ms(life_ms))};
  return out;
}

}  // namespace pamcognito::pool
