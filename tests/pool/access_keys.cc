#include "tests/pool/access_keys.h"

#include <algorithm>
#include <utility>

#include "tests/pool/json_reader.h"
#include "tests/pool/sigv4.h"

namespace pamcognito::pool {

bool AccessKey::allows(const std::string& action) const {
  return std::ranges::any_of(actions, [&](const std::string& allowed) {
    return allowed == action ||
           (allowed.ends_with('*') && action.starts_with(allowed.substr(0, allowed.size() - 1)));
  });
}

std::optional<int64_t> parse_iso_time(const std::string& text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  return parse_amz_date(text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 5) +
                        text.substr(14, 2) + text.substr(17, 3));
}

std::expected<void, std::string> AccessKeys::put(const Json::Value& from) {
  const std::string id = string_at(from, "access_key_id");
  if (id.empty()) return std::unexpected("access key: \"access_key_id\" is missing");
  const AccessKey* known = find(id);
  AccessKey key = known != nullptr ? *known : AccessKey{};
  JsonReader reader(from, "access key " + id);
  reader.read("access_key_id", key.id)
      .read("secret_access_key", key.secret)
      .read("session_token", key.session_token)
      .read("expiration", key.expiration)
      .read("active", key.active)
      .read("actions", key.actions)
      .read("arn", key.arn);
  if (const auto read = reader.finish(); !read) return read;
  if (key.secret.empty()) return std::unexpected("access key: \"secret_access_key\" is missing");
  key.expires_s = parse_iso_time(key.expiration);
  if (!key.expiration.empty() && !key.expires_s) {
    return std::unexpected("access key: \"expiration\" must look like 2026-12-03T18:00:00Z");
  }
  keys_[id] = std::move(key);
  return {};
}

const AccessKey* AccessKeys::find(const std::string& id) const {
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : &found->second;
}

Json::Value AccessKeys::list() const {
  Json::Value out(Json::arrayValue);
  for (const auto& [id, key] : keys_) {
    Json::Value entry;
    entry["access_key_id"] = key.id;
    entry["secret_access_key"] = key.secret;
    entry["session_token"] = key.session_token;
    entry["expiration"] = key.expiration;
    entry["active"] = key.active;
    entry["actions"] = to_json(key.actions);
    entry["arn"] = key.arn;
    out.append(entry);
  }
  return out;
}

}  // namespace pamcognito::pool
