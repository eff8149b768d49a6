#include <cstdint>
#include <expected>
#include <string>

#include "tests/pool/api_errors.h"
#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"

namespace pamcognito::pool {

std::expected<Client*, ApiError> required_client(ApiCall& call) {
  const std::string id = string_at(call.body, "ClientId");
  if (id.empty()) return null_member("clientId");
  Client* client = call.pool.find_client(id);
  if (client == nullptr) {
    return refuse("ResourceNotFoundException", "User pool client " + id + " does not exist.");
  }
  return client;
}

std::expected<void, ApiError> check_secret_hash(const Client& client, const std::string& username,
                                                const std::string& hash) {
  if (!client.secret) return {};
  if (hash.empty()) {
    return not_authorized("Client " + client.id +
                          " is configured with secret but SECRET_HASH was not received");
  }
  const std::string right = base64_encode(hmac_sha256(*client.secret, username + client.id));
  if (!equal_constant_time(hash, right)) {
    return not_authorized("Unable to verify secret hash for client " + client.id);
  }
  return {};
}

std::expected<Json::Value, ApiError> text_map(const Json::Value& body, const std::string& member) {
  if (!body.isMember(member) || body[member].isNull()) return Json::Value(Json::objectValue);
  Json::Value map = body[member];
  // Clients write null for a value that they do not have.
  if (map.isObject()) {
    for (const std::string& name : map.getMemberNames()) {
      if (map[name].isNull()) map.removeMember(name);
    }
  }
  bool all_text = map.isObject();
  if (all_text) {
    for (const Json::Value& value : map) all_text = all_text && value.isString();
  }
  if (!all_text) return refuse("SerializationException", "STRING_VALUE expected in " + member);
  return map;
}

bool may_try(ApiCall& call, User& user) {
  if (!call.pool.settings.lockout) return true;
  const int64_t now = call.pool.clock.life_ms();
  // Both are asked, because each records the attempt.
  const bool by_password = user.password_lock.attempt(now);
  const bool by_code = user.code_lock.attempt(now);
  return by_password && by_code;
}

}  // namespace pamcognito::pool
