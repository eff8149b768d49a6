#include <algorithm>

#include "daemon/policy/config.h"

namespace pamcognito::policy {
namespace {

bool share_one(const std::vector<std::string>& allowed, const std::vector<std::string>& groups) {
  return std::ranges::any_of(groups, [&](const std::string& group) {
    return std::ranges::find(allowed, group) != allowed.end();
  });
}

UnknownAccount built_in_unknown(std::string_view service) {
  if (service == "systemd-user" || service == "cron" || service == "atd") {
    return UnknownAccount::allow;
  }
  if (service == "su" || service == "su-l") return UnknownAccount::allow_root;
  return UnknownAccount::deny;
}

}  // namespace

std::string cognito_username(const AccessConfig& access, std::string_view linux_name) {
  std::string name;
  for (std::size_t i = 0; i < access.username.size(); ++i) {
    const char c = access.username[i];
    if (c != '%' || i + 1 == access.username.size()) {
      name += c;
      continue;
    }
    ++i;
    if (access.username[i] == 'u') {
      name += linux_name;
    } else {
      name += access.username[i];
    }
  }
  return name;
}

bool access_permitted(const Config& config, std::string_view user, std::string_view service,
                      const std::vector<std::string>& groups) {
  const AccessConfig& access = config.access;
  const bool admitted = access.allow_all ||
                        std::ranges::find(access.allow_users, user) != access.allow_users.end() ||
                        share_one(access.allow_groups, groups);
  if (!admitted) return false;
  const auto narrowed = config.services.find(service);
  return narrowed == config.services.end() || narrowed->second.allow_groups.empty() ||
         share_one(narrowed->second.allow_groups, groups);
}

UnknownAccount unknown_account(const Config* config, std::string_view service) {
  if (config != nullptr) {
    const auto found = config->services.find(service);
    if (found != config->services.end() && found->second.unknown) return *found->second.unknown;
  }
  return built_in_unknown(service);
}

}  // namespace pamcognito::policy
