#include "tests/pool/pool.h"

#include <chrono>
#include <cstdint>
#include <utility>

#include "tests/pool/json_reader.h"

namespace pamcognito::pool {

std::expected<void, std::string> Pool::load(const Json::Value& seed) {
  Json::Value pool_settings(Json::objectValue);
  Json::Value client_list(Json::arrayValue);
  Json::Value user_list(Json::arrayValue);
  Json::Value group_list(Json::arrayValue);
  Json::Value key_list(Json::arrayValue);
  JsonReader reader(seed, "seed");
  reader.read("pool", pool_settings)
      .read("clients", client_list)
      .read("users", user_list)
      .read("groups", group_list)
      .read("access_keys", key_list);
  if (const auto read = reader.finish(); !read) return read;
  for (const Json::Value* list : {&client_list, &user_list, &group_list, &key_list}) {
    if (list->isArray()) continue;
    return std::unexpected("seed: all but \"pool\" must be lists");
  }
  settings = PoolSettings{};
  if (const auto read = update(settings, pool_settings); !read) return read;
  clients.clear();
  for (const Json::Value& entry : client_list) {
    Client client;
    if (const auto read = update(client, entry); !read) return read;
    clients.push_back(std::move(client));
  }
  if (clients.empty()) clients.emplace_back();
  users.clear();
  groups.clear();
  for (const Json::Value& entry : group_list) {
    if (const auto put = groups.put(entry, clock.wall_ms()); !put) return put;
  }
  access_keys.clear();
  for (const Json::Value& entry : key_list) {
    if (const auto put = access_keys.put(entry); !put) return put;
  }
  for (const Json::Value& entry : user_list) {
    if (const auto put = put_user(entry, true); !put) return std::unexpected(put.error());
  }
  seed_ = seed;
  return {};
}

void Pool::reset() {
  sessions.clear();
  inbox.clear();
  grants.clear();
  faults.clear();
  log.clear();
  ghost_locks_.clear();
  ghost_codes_.clear();
  limits.clear();
  clock.reset();
  // A seed that was loaded once loads again.
  const Json::Value seed = seed_;
  (void)load(seed);
}

std::expected<User*, std::string> Pool::put_user(const Json::Value& from, bool create) {
  const auto user = users.put(from, create, clock.life_ms(), settings);
  if (!user) return user;
  touch(**user);
  for (const std::string& group : (*user)->groups) groups.ensure(group, clock.wall_ms());
  return user;
}

void Pool::touch(User& user) const {
  user.modified_ms = clock.wall_ms();
  if (user.created_ms == 0) user.created_ms = user.modified_ms;
}

Client* Pool::find_client(const std::string& id) {
  for (Client& client : clients) {
    if (client.id == id) return &client;
  }
  return nullptr;
}

void Pool::pause(std::unique_lock<std::mutex>& held, int64_t ms) {
  if (ms > 0) await(held, ms, [] { return false; });
}

void Pool::stop() {
  const std::lock_guard<std::mutex> held(mutex);
  stopping_ = true;
  changed_.notify_all();
}

}  // namespace pamcognito::pool
