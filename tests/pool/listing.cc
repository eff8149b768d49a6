#include <algorithm>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/pool/api_errors.h"
#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"

// The operations that list users and groups. Pages are in the order of names, and a token names the
// last entry of its page: an entry that is added or removed between two pages moves no other.
namespace pamcognito::pool {

namespace {

// Bounds of the service's model.
constexpr int64_t kMostOfPage = 60;
constexpr size_t kLongestFilter = 256;
constexpr size_t kLongestName = 128;
constexpr size_t kTokenMacBytes = 16;

// The page that a request asks for.
struct PageRequest {
  size_t limit = kMostOfPage;
  // The last name of the page before; "" for the first page.
  std::string after;
  // The parameters that must be the same for each page.
  std::string context;
};

std::string token_mac(const Pool& pool, const std::string& context, const std::string& last) {
  return hmac_sha256(pool.page_key(), context + '\0' + last).substr(0, kTokenMacBytes);
}

std::string make_token(const Pool& pool, const std::string& context, const std::string& last) {
  return base64_encode(token_mac(pool, context, last) + last);
}

// The name that a token holds; nullopt unless the pool made it for these parameters.
std::optional<std::string> read_token(const Pool& pool, const std::string& context,
                                      const std::string& token) {
  const std::optional<std::string> bytes = base64_decode(token);
  if (!bytes || bytes->size() <= kTokenMacBytes) return std::nullopt;
  const std::string last = bytes->substr(kTokenMacBytes);
  if (!equal_constant_time(bytes->substr(0, kTokenMacBytes), token_mac(pool, context, last))) {
    return std::nullopt;
  }
  return last;
}

Refusal bad_length(const std::string& member, const char* bound, size_t length) {
  return invalid_parameter("1 validation error detected: Value at '" + member +
                           "' failed to satisfy constraint: Member must have length " + bound +
                           " than or equal to " + std::to_string(length));
}

std::expected<void, ApiError> check_pool(const ApiCall& call) {
  if (!call.body.isMember("UserPoolId") || call.body["UserPoolId"].isNull()) {
    return null_member("userPoolId");
  }
  const std::string id = string_at(call.body, "UserPoolId");
  const size_t underscore = id.find('_');
  const auto is_plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  const bool fits = underscore != std::string::npos && underscore > 0 &&
                    underscore + 1 < id.size() &&
                    std::ranges::all_of(id.substr(underscore + 1), is_plain);
  if (!fits) {
    return constraint_violated(
        "'" + id + "'", "userPoolId",
        "Member must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+");
  }
  if (id != call.pool.settings.id) {
    return refuse("ResourceNotFoundException", "User pool " + id + " does not exist.");
  }
  return {};
}

// A name of 1 to 128 characters.
std::expected<std::string, ApiError> name_in(const ApiCall& call, const std::string& member,
                                             const std::string& described) {
  if (!call.body.isMember(member) || call.body[member].isNull()) return null_member(described);
  std::string name = string_at(call.body, member);
  if (name.empty()) return bad_length(described, "greater", 1);
  if (name.size() > kLongestName) return bad_length(described, "less", kLongestName);
  return name;
}

std::expected<PageRequest, ApiError> read_page(const ApiCall& call, const std::string& token_member,
                                               std::string context) {
  PageRequest page;
  page.context = std::move(context);
  const Json::Value limit = call.body.get("Limit", Json::Value());
  if (!limit.isNull()) {
    if (!limit.isInt()) return refuse("SerializationException", "NUMBER_VALUE expected");
    const std::string shown = "'" + std::to_string(limit.asInt()) + "'";
    if (limit.asInt() < 0) {
      return constraint_violated(shown, "limit",
                                 "Member must have value greater than or equal to 0");
    }
    if (limit.asInt() > kMostOfPage) {
      return constraint_violated(shown, "limit", "Member must have value less than or equal to 60");
    }
    if (limit.asInt() > 0) page.limit = static_cast<size_t>(limit.asInt());
  }
  const Json::Value token = call.body.get(token_member, Json::Value());
  if (token.isNull()) return page;
  if (!token.isString()) return refuse("SerializationException", "STRING_VALUE expected");
  const auto after = read_token(call.pool, page.context, token.asString());
  if (!after) return invalid_parameter("Paging Marker is Invalid for Request");
  page.after = *after;
  return page;
}

// The entries of one page, and its token if there are more. `wanted` selects, `show` describes.
// `scanned`: the limit counts entries that were looked at.
template <typename Map, typename Wanted, typename Show>
Json::Value list_page(const Pool& pool, const PageRequest& page, const Map& entries,
                      const char* list_member, const char* token_member, bool scanned,
                      Wanted wanted, Show show) {
  Json::Value answer;
  answer[list_member] = Json::arrayValue;
  size_t counted = 0;
  std::string last = page.after;
  const auto start = page.after.empty() ? entries.begin() : entries.upper_bound(page.after);
  for (auto entry = start; entry != entries.end(); ++entry) {
    const bool fits = wanted(entry->second);
    if (!fits && !scanned) continue;
    if (counted == page.limit) {
      answer[token_member] = make_token(pool, page.context, last);
      break;
    }
    ++counted;
    last = entry->first;
    if (fits) answer[list_member].append(show(entry->second));
  }
  return answer;
}

double seconds(int64_t ms) {
  return static_cast<double>(ms) / 1000.0;
}

// A user as the lists show it; `attributes`: only these, empty for all.
Json::Value show_user(const User& user, const std::vector<std::string>& attributes) {
  const auto pair = [](const std::string& name, const std::string& value) {
    Json::Value attribute;
    attribute["Name"] = name;
    attribute["Value"] = value;
    return attribute;
  };
  Json::Value out;
  out["Username"] = user.username;
  out["Attributes"] = Json::arrayValue;
  if (attributes.empty()) out["Attributes"].append(pair("sub", user.sub));
  for (const auto& [name, value] : user.attributes) {
    if (attributes.empty() || contains(attributes, name)) {
      out["Attributes"].append(pair(name, value));
    }
  }
  out["UserCreateDate"] = seconds(user.created_ms);
  out["UserLastModifiedDate"] = seconds(user.modified_ms);
  out["Enabled"] = user.enabled;
  out["UserStatus"] = user.status;
  return out;
}

Json::Value show_group(const Group& group, const std::string& pool_id) {
  Json::Value out;
  out["GroupName"] = group.name;
  out["UserPoolId"] = pool_id;
  if (!group.description.empty()) out["Description"] = group.description;
  if (!group.role_arn.empty()) out["RoleArn"] = group.role_arn;
  if (group.precedence) out["Precedence"] = Json::Int64{*group.precedence};
  out["CreationDate"] = seconds(group.created_ms);
  out["LastModifiedDate"] = seconds(group.modified_ms);
  return out;
}

// The Filter of ListUsers.
struct UserFilter {
  std::string attribute;
  std::string value;
  bool prefix = false;
};

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// A text in quotation marks, which are escaped inside it.
std::optional<std::string> unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return std::nullopt;
    if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
    out += text[i];
  }
  return out;
}

// `NAME = "VALUE"` or `NAME ^= "VALUE"`; nullopt for a filter that is empty.
std::expected<std::optional<UserFilter>, ApiError> read_filter(const ApiCall& call) {
  const std::string text = string_at(call.body, "Filter");
  if (text.empty()) return std::nullopt;
  if (text.size() > kLongestFilter) return bad_length("filter", "less", kLongestFilter);
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return invalid_parameter("Error while parsing filter.");
  UserFilter filter;
  std::string_view name = std::string_view(text).substr(0, equals);
  filter.prefix = name.ends_with('^');
  if (filter.prefix) name.remove_suffix(1);
  filter.attribute = without_blanks(name);
  const auto value = unquoted(without_blanks(std::string_view(text).substr(equals + 1)));
  if (filter.attribute.empty() || !value) return invalid_parameter("Error while parsing filter.");
  filter.value = *value;
  static const std::vector<std::string> kSearchable = {
      "username",   "email",       "phone_number",       "name",
      "given_name", "family_name", "preferred_username", "cognito:user_status",
      "status",     "sub"};
  if (!contains(kSearchable, filter.attribute)) {
    return invalid_parameter("Invalid search attribute: " + filter.attribute);
  }
  return filter;
}

std::string in_lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool fits(const std::optional<UserFilter>& filter, const User& user) {
  if (!filter) return true;
  std::string value = user.attribute(filter->attribute);
  std::string wanted = filter->value;
  if (filter->attribute == "username") value = user.username;
  if (filter->attribute == "sub") value = user.sub;
  if (filter->attribute == "status") value = user.enabled ? "Enabled" : "Disabled";
  if (filter->attribute == "cognito:user_status") {
    value = in_lower_case(user.status);
    wanted = in_lower_case(wanted);
  }
  return filter->prefix ? value.starts_with(wanted) : value == wanted;
}

std::expected<std::vector<std::string>, ApiError> attributes_to_get(const ApiCall& call) {
  std::vector<std::string> names;
  const Json::Value given = call.body.get("AttributesToGet", Json::Value());
  if (given.isNull()) return names;
  if (!given.isArray()) return refuse("SerializationException", "Start of list expected");
  for (const Json::Value& name : given) {
    if (!name.isString()) return refuse("SerializationException", "STRING_VALUE expected");
    // `sub` comes with each whole answer and cannot be asked for.
    if (name == "sub") return invalid_parameter("Input fails to satisfy the constraints.");
    names.push_back(name.asString());
  }
  return names;
}

}  // namespace

ApiResult list_users(ApiCall& call) {
  if (const auto good = check_pool(call); !good) return std::unexpected(good.error());
  const auto filter = read_filter(call);
  if (!filter) return std::unexpected(filter.error());
  const auto names = attributes_to_get(call);
  if (!names) return std::unexpected(names.error());
  const auto page =
      read_page(call, "PaginationToken",
                "ListUsers " + string_at(call.body, "Filter") + '\0' + to_text(to_json(*names)));
  if (!page) return std::unexpected(page.error());
  bool all_have_them = true;
  const auto show = [&](const User& user) {
    all_have_them = all_have_them && std::ranges::all_of(*names, [&](const std::string& name) {
                      return user.attributes.contains(name);
                    });
    return show_user(user, *names);
  };
  Json::Value answer = list_page(
      call.pool, *page, call.pool.users.all(), "Users", "PaginationToken",
      call.pool.settings.list_limit_counts == "scanned",
      [&](const User& user) { return fits(*filter, user); }, show);
  if (!all_have_them) return invalid_parameter("One or more requested attributes do not exist.");
  return answer;
}

ApiResult list_users_in_group(ApiCall& call) {
  if (const auto good = check_pool(call); !good) return std::unexpected(good.error());
  const auto group = name_in(call, "GroupName", "groupName");
  if (!group) return std::unexpected(group.error());
  const auto page = read_page(call, "NextToken", "ListUsersInGroup " + *group);
  if (!page) return std::unexpected(page.error());
  if (call.pool.groups.find(*group) == nullptr) {
    return refuse("ResourceNotFoundException", "Group not found.");
  }
  return list_page(
      call.pool, *page, call.pool.users.all(), "Users", "NextToken",
      call.pool.settings.list_limit_counts == "scanned",
      [&](const User& user) { return contains(user.groups, *group); },
      [](const User& user) { return show_user(user, {}); });
}

ApiResult list_groups(ApiCall& call) {
  if (const auto good = check_pool(call); !good) return std::unexpected(good.error());
  const auto page = read_page(call, "NextToken", "ListGroups");
  if (!page) return std::unexpected(page.error());
  return list_page(
      call.pool, *page, call.pool.groups.all(), "Groups", "NextToken", false,
      [](const Group& /*group*/) { return true; },
      [&](const Group& group) { return show_group(group, call.pool.settings.id); });
}

ApiResult admin_list_groups_for_user(ApiCall& call) {
  if (const auto good = check_pool(call); !good) return std::unexpected(good.error());
  const auto name = name_in(call, "Username", "username");
  if (!name) return std::unexpected(name.error());
  const auto page = read_page(call, "NextToken", "AdminListGroupsForUser " + *name);
  if (!page) return std::unexpected(page.error());
  // An administrator may name the user by its sub or by an alias, too.
  const User* user = call.pool.users.resolve(*name, call.pool.settings);
  for (const auto& [username, other] : call.pool.users.all()) {
    if (user == nullptr && other.sub == *name) user = &other;
  }
  if (user == nullptr) return user_not_found();
  return list_page(
      call.pool, *page, call.pool.groups.all(), "Groups", "NextToken", false,
      [&](const Group& group) { return contains(user->groups, group.name); },
      [&](const Group& group) { return show_group(group, call.pool.settings.id); });
}

}  // namespace pamcognito::pool
