#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cognito/pool_config.h"
#include "daemon/policy/config.h"

namespace pamcognito::policy {

// A configuration while its files are read. Values that depend on several keys are derived at the
// end.
struct Draft {
  Config config;
  cognito::EndpointSettings endpoint;
};

// The reason why there is no section of that name, or empty. "service sudo" is one.
std::string check_section(std::string_view section);

// Puts one setting into the draft. The error goes on from the key's name: "is not yes or no". Every
// key is a row of the table in settings.cc.
std::expected<void, std::string> apply_setting(Draft& draft, std::string_view section,
                                               std::string_view key, std::string_view value);

// A key of the table in settings.cc, except client_secret, which no file may have.
struct KnownSetting {
  std::string_view section;  // "service" stands for each [service NAME]
  std::string_view key;
  std::string_view standard;  // the default, as a file would have it; empty: none, or a derived one
};
std::vector<KnownSetting> known_settings();

}  // namespace pamcognito::policy
