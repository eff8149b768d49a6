#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

// AWS credentials that the pool accepts.
namespace pamcognito::pool {

struct AccessKey {
  std::string id;
  std::string secret;
  // "": a long-term key; requests with it carry no token.
  std::string session_token;
  // As the metadata service has it, such as 2026-12-03T18:00:00Z; "": it does not expire.
  std::string expiration;
  std::optional<int64_t> expires_s;
  bool active = true;
  // The actions that the policy allows; a `*` at the end stands for every rest.
  std::vector<std::string> actions = {"cognito-idp:ListUsers", "cognito-idp:ListUsersInGroup",
                                      "cognito-idp:ListGroups",
                                      "cognito-idp:AdminListGroupsForUser"};
  // A refusal names it.
  std::string arn = "arn:aws:sts::123456789012:assumed-role/linux-directory/i-0123456789abcdef0";

  [[nodiscard]] bool allows(const std::string& action) const;
};

class AccessKeys {
 public:
  // A new key, or changes to one, in the form of README.md; tells what is wrong.
  std::expected<void, std::string> put(const Json::Value& from);
  bool remove(const std::string& id) { return keys_.erase(id) > 0; }
  void clear() { keys_.clear(); }
  [[nodiscard]] const AccessKey* find(const std::string& id) const;
  [[nodiscard]] Json::Value list() const;

 private:
  std::map<std::string, AccessKey> keys_;
};

// Unix seconds of a time such as 2026-12-03T18:00:00Z.
[[nodiscard]] std::optional<int64_t> parse_iso_time(const std::string& text);

}  // namespace pamcognito::pool
