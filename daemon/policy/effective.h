#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/policy/config.h"

// The settings of a configuration as a person reads them: `cognitoctl config show` and `config
// get`. No secret is among them: cognitod.conf holds none.
namespace pamcognito::policy {

struct EffectiveSetting {
  std::string section;
  std::string key;
  std::string value;   // as a file would have it; may be empty
  std::string origin;  // "/etc/pam-cognito/cognitod.conf:7", or "default"
};

inline constexpr std::string_view kDefaultOrigin = "default";

// Each setting by section and key, in the order of the manual page, with those of each
// [service NAME] that the files have.
std::vector<EffectiveSetting> effective_settings(const Config& config);

// One setting; also of a [service NAME] that no file has. Old names count too. nullopt: there is no
// such setting.
std::optional<EffectiveSetting> effective_setting(const Config& config, std::string_view section,
                                                  std::string_view key);

}  // namespace pamcognito::policy
