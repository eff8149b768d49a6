#include <expected>
#include <map>
#include <set>
#include <string>

#include "tests/pool/json_reader.h"
#include "tests/pool/steps.h"

// The rules of attributes: who may write which one, and to which user an address belongs.
namespace pamcognito::pool {

namespace {

constexpr size_t kLongestValue = 2048;

// The standard attributes that users can write (OpenID Connect Core 1.0, section 5.1).
const std::set<std::string> kStandard = {"address",
                                         "birthdate",
                                         "email",
                                         "family_name",
                                         "gender",
                                         "given_name",
                                         "locale",
                                         "middle_name",
                                         "name",
                                         "nickname",
                                         "picture",
                                         "phone_number",
                                         "preferred_username",
                                         "profile",
                                         "website",
                                         "zoneinfo",
                                         "updated_at"};

}  // namespace

bool may_write(const Client& client, const std::string& attribute) {
  // The service and administrators write these.
  if (attribute == "sub" || attribute.ends_with("_verified")) return false;
  return client.write_attributes.empty() ? kStandard.contains(attribute)
                                         : contains(client.write_attributes, attribute);
}

std::expected<std::map<std::string, std::string>, ApiError> attribute_list(
    const Json::Value& body) {
  std::map<std::string, std::string> given;
  const Json::Value list = body.get("UserAttributes", Json::Value());
  if (list.isNull()) return given;
  if (!list.isArray()) return refuse("SerializationException", "Start of list expected");
  for (const Json::Value& entry : list) {
    const std::string name = string_at(entry, "Name");
    if (name.empty()) return null_member("userAttributes.name");
    const std::string value = string_at(entry, "Value");
    if (value.size() > kLongestValue) {
      return constraint_violated("'" + value + "'", "userAttributes.value",
                                 "Member must have length less than or equal to 2048");
    }
    given[name] = value;
  }
  return given;
}

User* other_owner(Pool& pool, const User& user, const std::string& attribute) {
  if (!contains(pool.settings.alias_attributes, attribute)) return nullptr;
  for (auto& [name, other] : pool.users.all()) {
    if (&other != &user && other.attribute(attribute) == user.attribute(attribute) &&
        other.has_true(attribute + "_verified")) {
      return &other;
    }
  }
  return nullptr;
}

}  // namespace pamcognito::pool
