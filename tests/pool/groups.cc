#include "tests/pool/groups.h"

#include <utility>

#include "tests/pool/json_reader.h"

namespace pamcognito::pool {

std::expected<void, std::string> GroupStore::put(const Json::Value& from, int64_t wall_ms) {
  const std::string name = string_at(from, "name");
  if (name.empty()) return std::unexpected("group: \"name\" is missing");
  const Group* known = find(name);
  Group group = known != nullptr ? *known : Group{};
  if (known == nullptr) group.created_ms = wall_ms;
  group.modified_ms = wall_ms;
  int64_t precedence = group.precedence.value_or(-1);
  JsonReader reader(from, "group " + name);
  reader.read("name", group.name)
      .read("description", group.description)
      .read("role_arn", group.role_arn)
      .read("precedence", precedence);
  if (const auto read = reader.finish(); !read) return read;
  if (precedence >= 0) group.precedence = precedence;
  groups_[name] = std::move(group);
  return {};
}

void GroupStore::ensure(const std::string& name, int64_t wall_ms) {
  const auto [entry, is_new] = groups_.try_emplace(name);
  if (!is_new) return;
  entry->second.name = name;
  entry->second.created_ms = wall_ms;
  entry->second.modified_ms = wall_ms;
}

const Group* GroupStore::find(const std::string& name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

Json::Value to_json(const Group& group) {
  Json::Value out;
  out["name"] = group.name;
  out["description"] = group.description;
  out["role_arn"] = group.role_arn;
  if (group.precedence) out["precedence"] = Json::Int64{*group.precedence};
  return out;
}

}  // namespace pamcognito::pool
