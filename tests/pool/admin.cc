#include "tests/pool/admin.h"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

namespace pamcognito::pool {

namespace {

constexpr int64_t kLongestWaitMs = 60'000;

using AdminResult = std::expected<Json::Value, std::string>;

struct AdminCall {
  Pool& pool;
  const Json::Value& in;
  // For calls that wait.
  std::unique_lock<std::mutex>& held;
};

Json::Value nothing() {
  return {Json::objectValue};
}

std::expected<User*, std::string> named_user(AdminCall& call) {
  const std::string name = string_at(call.in, "username");
  User* user = call.pool.users.by_username(name, call.pool.settings.case_sensitive);
  if (user == nullptr) return std::unexpected("user \"" + name + "\" does not exist");
  return user;
}

// The verified addresses of the user are its own from now on, and nobody else's.
void take_aliases(Pool& pool, const User& user) {
  for (const char* attribute : {"email", "phone_number"}) {
    if (!user.has_true(std::string(attribute) + "_verified")) continue;
    while (User* other = other_owner(pool, user, attribute)) {
      other->attributes[std::string(attribute) + "_verified"] = "false";
    }
  }
}

AdminResult put_user(AdminCall& call, bool create) {
  Json::Value in = call.in;
  const bool force = in.get("force_alias_creation", false) == Json::Value(true);
  in.removeMember("force_alias_creation");
  const auto user = call.pool.put_user(in, create);
  if (!user) return std::unexpected(user.error());
  if (force) take_aliases(call.pool, **user);
  return to_json(**user, call.pool.clock.life_ms());
}

AdminResult users_create(AdminCall& call) {
  return put_user(call, true);
}

AdminResult users_update(AdminCall& call) {
  return put_user(call, false);
}

AdminResult users_get(AdminCall& call) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  return to_json(**user, call.pool.clock.life_ms());
}

AdminResult users_list(AdminCall& call) {
  Json::Value out;
  out["users"] = Json::arrayValue;
  for (const auto& [name, user] : call.pool.users.all()) {
    out["users"].append(to_json(user, call.pool.clock.life_ms()));
  }
  return out;
}

AdminResult users_delete(AdminCall& call) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  const std::string name = (*user)->username;
  (void)call.pool.users.remove(name);
  return nothing();
}

AdminResult switch_user(AdminCall& call, bool enabled) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  (*user)->enabled = enabled;
  call.pool.touch(**user);
  return nothing();
}

AdminResult users_enable(AdminCall& call) {
  return switch_user(call, true);
}

AdminResult users_disable(AdminCall& call) {
  return switch_user(call, false);
}

AdminResult users_sign_out(AdminCall& call) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  call.pool.grants.revoke_user((*user)->username);
  return nothing();
}

AdminResult users_set_password(AdminCall& call) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  std::string username;
  std::string password;
  bool permanent = true;
  JsonReader reader(call.in, "users/set-password");
  reader.read("username", username).read("password", password).read("permanent", permanent);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  (*user)->set_password(password, call.pool.clock.life_ms());
  (*user)->status = permanent ? "CONFIRMED" : "FORCE_CHANGE_PASSWORD";
  (*user)->imported = false;
  call.pool.touch(**user);
  return nothing();
}

AdminResult users_reset_password(AdminCall& call) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  if (!send_reset_code(call.pool, **user)) {
    return std::unexpected("the user has no verified address that may be used");
  }
  (*user)->status = "RESET_REQUIRED";
  call.pool.touch(**user);
  return nothing();
}

AdminResult users_unlock(AdminCall& call) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  (*user)->password_lock.succeeded();
  (*user)->code_lock.succeeded();
  call.pool.limits.forget((*user)->username);
  if ((*user)->authenticator) (*user)->authenticator->forget_used();
  return nothing();
}

AdminResult users_totp_code(AdminCall& call) {
  const auto user = named_user(call);
  if (!user) return std::unexpected(user.error());
  std::string username;
  int64_t step = 0;
  JsonReader reader(call.in, "users/totp-code");
  reader.read("username", username).read("step", step);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (!(*user)->authenticator) return std::unexpected("user has no authenticator");
  Json::Value out;
  out["code"] =
      totp_code((*user)->authenticator->secret(), totp_step(call.pool.clock.totp_ms()) + step);
  return out;
}

AdminResult groups_list(AdminCall& call) {
  Json::Value out;
  out["groups"] = Json::arrayValue;
  for (const auto& [name, group] : call.pool.groups.all()) out["groups"].append(to_json(group));
  return out;
}

AdminResult groups_set(AdminCall& call) {
  if (const auto done = call.pool.groups.put(call.in, call.pool.clock.wall_ms()); !done) {
    return std::unexpected(done.error());
  }
  return groups_list(call);
}

AdminResult groups_delete(AdminCall& call) {
  const std::string name = string_at(call.in, "name");
  if (!call.pool.groups.remove(name)) {
    return std::unexpected("group \"" + name + "\" does not exist");
  }
  for (auto& [username, user] : call.pool.users.all()) std::erase(user.groups, name);
  return nothing();
}

AdminResult access_keys_list(AdminCall& call) {
  Json::Value out;
  out["access_keys"] = call.pool.access_keys.list();
  return out;
}

AdminResult access_keys_set(AdminCall& call) {
  if (const auto done = call.pool.access_keys.put(call.in); !done) {
    return std::unexpected(done.error());
  }
  return access_keys_list(call);
}

AdminResult access_keys_delete(AdminCall& call) {
  const std::string id = string_at(call.in, "access_key_id");
  if (!call.pool.access_keys.remove(id)) {
    return std::unexpected("access key \"" + id + "\" does not exist");
  }
  return nothing();
}

AdminResult inbox_next(AdminCall& call) {
  std::string username;
  int64_t wait_ms = 0;
  JsonReader reader(call.in, "inbox/next");
  reader.read("username", username).read("wait_ms", wait_ms);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  std::optional<Inbox::Message> message;
  call.pool.await(call.held, std::clamp<int64_t>(wait_ms, 0, kLongestWaitMs), [&] {
    message = call.pool.inbox.next(username);
    return message.has_value();
  });
  Json::Value out;
  out["message"] = message ? to_json(*message) : Json::Value();
  return out;
}

AdminResult inbox_list(AdminCall& call) {
  const std::string username = string_at(call.in, "username");
  Json::Value out;
  out["messages"] = Json::arrayValue;
  for (const Inbox::Message& message : call.pool.inbox.all()) {
    if (username.empty() || message.username == username) out["messages"].append(to_json(message));
  }
  return out;
}

AdminResult inbox_clear(AdminCall& call) {
  call.pool.inbox.clear();
  return nothing();
}

AdminResult settings_get(AdminCall& call) {
  return to_json(call.pool.settings);
}

AdminResult settings_set(AdminCall& call) {
  if (call.in.isMember("id")) return std::unexpected("the pool's id is fixed at its start");
  if (const auto done = update(call.pool.settings, call.in); !done) {
    return std::unexpected(done.error());
  }
  return to_json(call.pool.settings);
}

AdminResult clients_list(AdminCall& call) {
  Json::Value out;
  out["clients"] = Json::arrayValue;
  for (const Client& client : call.pool.clients) out["clients"].append(to_json(client));
  return out;
}

AdminResult clients_set(AdminCall& call) {
  const std::string id = string_at(call.in, "client_id");
  if (id.empty()) return std::unexpected("client: \"client_id\" is missing");
  Client* existing = call.pool.find_client(id);
  Client client = existing != nullptr ? *existing : Client{};
  if (const auto done = update(client, call.in); !done) return std::unexpected(done.error());
  if (existing != nullptr) {
    *existing = client;
  } else {
    call.pool.clients.push_back(client);
  }
  return clients_list(call);
}

AdminResult log_list(AdminCall& call) {
  RequestLog::Filter filter;
  bool bodies = false;
  JsonReader reader(call.in, "log/list");
  reader.read("operation", filter.operation)
      .read("name", filter.name)
      .read("username", filter.username)
      .read("bodies", bodies);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  Json::Value out;
  out["requests"] = call.pool.log.list(filter, bodies);
  out["counts"] = call.pool.log.counts(filter);
  return out;
}

AdminResult log_wait(AdminCall& call) {
  RequestLog::Filter filter;
  int64_t count = 1;
  int64_t wait_ms = 5000;
  bool answered = false;
  JsonReader reader(call.in, "log/wait");
  reader.read("operation", filter.operation)
      .read("name", filter.name)
      .read("username", filter.username)
      .read("count", count)
      .read("wait_ms", wait_ms)
      .read("answered", answered);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  call.pool.await(call.held, std::clamp<int64_t>(wait_ms, 0, kLongestWaitMs),
                  [&] { return call.pool.log.count(filter, answered) >= count; });
  Json::Value out;
  out["count"] = Json::Int64{call.pool.log.count(filter, answered)};
  return out;
}

AdminResult log_reset(AdminCall& call) {
  call.pool.log.clear();
  return nothing();
}

AdminResult clock_advance(AdminCall& call) {
  int64_t life_ms = 0;
  int64_t totp_ms = 0;
  int64_t wall_ms = 0;
  JsonReader reader(call.in, "clock/advance");
  reader.read_seconds("life_s", life_ms)
      .read_seconds("totp_s", totp_ms)
      .read_seconds("wall_s", wall_ms);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  PoolClock& clock = call.pool.clock;
  clock.advance_life(life_ms);
  clock.advance_totp(totp_ms);
  clock.advance_wall(wall_ms);
  Json::Value out;
  out["life_s"] = static_cast<double>(clock.life_ms()) / 1000.0;
  out["totp_s"] = static_cast<double>(clock.totp_ms()) / 1000.0;
  out["wall_s"] = static_cast<double>(clock.wall_ms()) / 1000.0;
  return out;
}

AdminResult keys_rotate(AdminCall& call) {
  bool keep_old = true;
  JsonReader reader(call.in, "keys/rotate");
  reader.read("keep_old", keep_old);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  call.pool.tokens.rotate(keep_old);
  Json::Value out;
  out["kids"] = to_json(call.pool.tokens.kids());
  return out;
}

AdminResult faults_add(AdminCall& call) {
  const auto id = call.pool.faults.add(call.in);
  if (!id) return std::unexpected(id.error());
  Json::Value out;
  out["id"] = Json::Int64{*id};
  return out;
}

AdminResult faults_list(AdminCall& call) {
  Json::Value out;
  out["faults"] = call.pool.faults.list();
  return out;
}

AdminResult faults_clear(AdminCall& call) {
  call.pool.faults.clear();
  return nothing();
}

AdminResult reset(AdminCall& call) {
  call.pool.reset();
  return nothing();
}

using AdminFunction = AdminResult (*)(AdminCall& call);

const std::map<std::string, AdminFunction> kFunctions = {
    {"users/create", users_create},
    {"users/update", users_update},
    {"users/get", users_get},
    {"users/list", users_list},
    {"users/delete", users_delete},
    {"users/enable", users_enable},
    {"users/disable", users_disable},
    {"users/sign-out", users_sign_out},
    {"users/set-password", users_set_password},
    {"users/reset-password", users_reset_password},
    {"users/unlock", users_unlock},
    {"users/totp-code", users_totp_code},
    {"groups/list", groups_list},
    {"groups/set", groups_set},
    {"groups/delete", groups_delete},
    {"access-keys/list", access_keys_list},
    {"access-keys/set", access_keys_set},
    {"access-keys/delete", access_keys_delete},
    {"inbox/next", inbox_next},
    {"inbox/list", inbox_list},
    {"inbox/clear", inbox_clear},
    {"settings/get", settings_get},
    {"settings/set", settings_set},
    {"clients/list", clients_list},
    {"clients/set", clients_set},
    {"log/list", log_list},
    {"log/wait", log_wait},
    {"log/reset", log_reset},
    {"clock/advance", clock_advance},
    {"keys/rotate", keys_rotate},
    {"faults/add", faults_add},
    {"faults/list", faults_list},
    {"faults/clear", faults_clear},
    {"reset", reset}};

HttpAnswer complaint(const std::string& why) {
  Json::Value out;
  out["error"] = why;
  HttpAnswer answer;
  answer.status = 400;
  answer.content_type = "application/json";
  answer.body = to_text(out) + "\n";
  return answer;
}

}  // namespace

HttpAnswer answer_admin(Pool& pool, const HttpRequest& request) {
  const auto function = kFunctions.find(request.path.substr(sizeof kAdminPath - 1));
  if (function == kFunctions.end()) return complaint("no such call: " + request.path);
  const auto in = parse_json(request.body.empty() ? "{}" : request.body);
  if (!in || !in->isObject()) return complaint("the body must be a JSON object");
  std::unique_lock<std::mutex> held(pool.mutex);
  AdminCall call{pool, *in, held};
  const AdminResult result = function->second(call);
  if (!result) return complaint(result.error());
  HttpAnswer answer;
  answer.content_type = "application/json";
  answer.body = to_text(*result) + "\n";
  return answer;
}

}  // namespace pamcognito::pool
