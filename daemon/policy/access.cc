#include "daemon/policy/access.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "daemon/policy/setting_names.h"

namespace pamcognito::policy {
namespace {

constexpr char kAllowUsers[] = "allow_users";
constexpr char kAllowGroups[] = "allow_groups";

// One of `groups` that is allowed; nullptr: there is none.
const std::string* first_shared(const std::vector<std::string>& allowed,
                                const std::vector<std::string>& groups) {
  const auto found = std::ranges::find_if(groups, [&](const std::string& group) {
    return std::ranges::find(allowed, group) != allowed.end();
  });
  return found == groups.end() ? nullptr : &*found;
}

// [access] alone.
AccessVerdict explain_admission(const AccessConfig& access, std::string_view user,
                                const std::vector<std::string>& groups) {
  const auto verdict = [](bool permitted, const char* key, std::string rule) {
    return AccessVerdict(permitted, "access", key, std::move(rule));
  };
  if (access.allow_all) return verdict(true, kAllowUsers, "allow_users of [access] is *");
  if (std::ranges::find(access.allow_users, user) != access.allow_users.end())
    return verdict(true, kAllowUsers, "allow_users of [access] has " + std::string(user));
  if (const std::string* const group = first_shared(access.allow_groups, groups))
    return verdict(true, kAllowGroups, "allow_groups of [access] has " + *group);
  if (access.allow_users.empty() && access.allow_groups.empty())
    return verdict(false, kAllowGroups,
                   "[access] allows nobody: allow_groups and allow_users are empty");
  return verdict(false, kAllowGroups,
                 "allow_users of [access] has not this user, allow_groups none of its groups");
}

const ServiceConfig* service_of(const Config& config, std::string_view service) {
  const auto found = config.services.find(service);
  return found == config.services.end() ? nullptr : &found->second;
}

}  // namespace

std::string cognito_username(const AccessConfig& access, std::string_view linux_name) {
  std::string name;
  for (std::size_t i = 0; i < access.cognito_username.size(); ++i) {
    const char c = access.cognito_username[i];
    if (c != '%' || i + 1 == access.cognito_username.size()) {
      name += c;
      continue;
    }
    ++i;
    if (access.cognito_username[i] == 'u') {
      name += linux_name;
    } else {
      name += access.cognito_username[i];
    }
  }
  return name;
}

AccessVerdict explain_access(const Config& config, std::string_view user, std::string_view service,
                             const std::vector<std::string>& groups) {
  AccessVerdict admission = explain_admission(config.access, user, groups);
  const ServiceConfig* const narrowed = service_of(config, service);
  if (!admission.permitted || narrowed == nullptr || narrowed->allow_groups.empty())
    return admission;
  const std::string section = section_of_service(service);
  const std::string place = "allow_groups of [" + section + "] has ";
  const std::string* const group = first_shared(narrowed->allow_groups, groups);
  if (group == nullptr) return {false, section, kAllowGroups, place + "none of the user's groups"};
  return {true, section, kAllowGroups, place + *group + ", and " + admission.rule};
}

bool access_permitted(const Config& config, std::string_view user, std::string_view service,
                      const std::vector<std::string>& groups) {
  return explain_access(config, user, service, groups).permitted;
}

}  // namespace pamcognito::policy
