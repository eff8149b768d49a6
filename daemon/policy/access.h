#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/policy/config.h"

namespace pamcognito::policy {

// "%u" becomes the Linux name, "%%" a per cent sign.
std::string cognito_username(const AccessConfig& access, std::string_view linux_name);

// May a member of `groups`, named `user`, sign in to `service`? [access] and the service's
// narrowing must both hold.
bool access_permitted(const Config& config, std::string_view user, std::string_view service,
                      const std::vector<std::string>& groups);

// The same, and which rule decided: the one that lets in (of a service that narrows: that
// service's), or the one that no group or name fulfils.
struct AccessVerdict {
  bool permitted = false;
  std::string section;  // of the setting that decided
  std::string key;
  std::string rule;  // for people

  AccessVerdict() = default;
  AccessVerdict(bool permitted_, std::string section_, std::string key_, std::string rule_)
      : permitted(permitted_),
        section(std::move(section_)),
        key(std::move(key_)),
        rule(std::move(rule_)) {}
};
AccessVerdict explain_access(const Config& config, std::string_view user, std::string_view service,
                             const std::vector<std::string>& groups);

}  // namespace pamcognito::policy
