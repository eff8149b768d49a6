#include "directory/user_page.h"

#include <json/value.h>

#include <algorithm>
#include <utility>

#include "common/ascii.h"
#include "daemon/cognito/bounds.h"
#include "daemon/cognito/json.h"

namespace pamcognito::directory {
namespace {

using Fault = std::unexpected<std::string>;

constexpr std::size_t kMaxSub = 128;         // UsernameType; Cognito's are UUIDs
constexpr std::size_t kMaxAttributes = 128;  // 70 (quotas)

std::expected<void, std::string> read_attributes(const Json::Value& list,
                                                 const std::string& uid_attribute, PoolUser& user) {
  for (const Json::Value& attribute : list) {
    if (!attribute.isObject()) return Fault("an attribute is no object");
    const auto name = cognito::required_string(attribute, "Name", cognito::kMaxAttribute);
    if (!name) return Fault(name.error());
    const auto value = cognito::optional_string(attribute, "Value", cognito::kMaxAttribute);
    if (!value) return Fault(value.error());
    const std::string text = value->value_or("");
    if (*name == "sub") user.sub = text;
    if (*name == "email") user.email = text;
    if (*name == "email_verified") user.email_verified = text == "true";
    if (!uid_attribute.empty() && *name == uid_attribute) user.uid = text;
  }
  return {};
}

std::expected<PoolUser, std::string> read_user(const Json::Value& value,
                                               const std::string& uid_attribute) {
  if (!value.isObject()) return Fault("a user is no object");
  PoolUser user;
  auto username = cognito::required_string(value, "Username", cognito::kMaxName);
  if (!username) return Fault(std::move(username.error()));
  user.username = std::move(*username);
  const Json::Value& enabled = value["Enabled"];
  if (!enabled.isBool()) return Fault("Enabled is missing or no boolean");
  user.enabled = enabled.asBool();
  const auto attributes = cognito::optional_array(value, "Attributes", kMaxAttributes);
  if (!attributes) return Fault(attributes.error());
  if (*attributes != nullptr)
    if (const auto read = read_attributes(**attributes, uid_attribute, user); !read)
      return Fault(read.error());
  if (user.sub.empty() || user.sub.size() > kMaxSub ||
      !std::ranges::all_of(user.sub, [](char c) { return c > ' ' && c <= '~'; }))
    return Fault("a user has no sub, or a malformed one");
  return user;
}

}  // namespace

std::expected<UserPage, std::string> parse_page(std::string_view json,
                                                const std::string& uid_attribute) {
  const auto document = cognito::parse_json_object(json);
  if (!document) return Fault(document.error());
  const Json::Value& root = document->root();
  const auto users = cognito::optional_array(root, "Users", kPageUsers);
  if (!users) return Fault(users.error());
  if (*users == nullptr) return Fault("Users is missing");
  UserPage page;
  for (const Json::Value& value : **users) {
    auto user = read_user(value, uid_attribute);
    if (!user) return Fault(std::move(user.error()));
    page.users.push_back(std::move(*user));
  }
  auto token = cognito::optional_string(root, "NextToken", kMaxNextToken);
  if (!token) return Fault(std::move(token.error()));
  page.next_token = token->value_or("");
  return page;
}

std::string error_name(std::string_view json) {
  const auto document = cognito::parse_json_object(json);
  if (!document) return {};
  const auto type = cognito::optional_string(document->root(), "__type", cognito::kMaxErrorName);
  if (!type || !*type) return {};
  const std::string& text = **type;
  const std::size_t begin = text.find('#') == std::string::npos ? 0 : text.find('#') + 1;
  const std::string name = text.substr(begin, text.find(':', begin) - begin);
  return std::ranges::all_of(name, [](char c) { return ascii::is_alphanumeric(c); })
             ? name
             : std::string();
}

}  // namespace pamcognito::directory
