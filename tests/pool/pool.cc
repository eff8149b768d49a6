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
  JsonReader reader(seed, "seed");
  reader.read("pool", pool_settings).read("clients", client_list).read("users", user_list);
  if (const auto read = reader.finish(); !read) return read;
  if (!client_list.isArray() || !user_list.isArray()) {
    return std::unexpected("seed: \"clients\" and \"users\" must be lists");
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
  for (const Json::Value& entry : user_list) {
    if (const auto put = users.put(entry, true, clock.life_ms(), settings); !put)
      return std::unexpected(put.error());
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
