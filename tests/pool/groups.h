#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>

namespace pamcognito::pool {

struct Group {
  std::string name;
  std::string description;
  std::string role_arn;
  std::optional<int64_t> precedence;
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
};

// The pool's groups. Each user holds the names of the groups it is in.
class GroupStore {
 public:
  // A new group, or changes to one, in the form of README.md; tells what is wrong.
  std::expected<void, std::string> put(const Json::Value& from, int64_t wall_ms);
  // Makes the group unless it exists.
  void ensure(const std::string& name, int64_t wall_ms);
  bool remove(const std::string& name) { return groups_.erase(name) > 0; }
  void clear() { groups_.clear(); }
  [[nodiscard]] const Group* find(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, Group>& all() const { return groups_; }

 private:
  std::map<std::string, Group> groups_;
};

// In the seed's form.
[[nodiscard]] Json::Value to_json(const Group& group);

}  // namespace pamcognito::pool
