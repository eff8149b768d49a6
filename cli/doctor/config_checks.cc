#include <memory>
#include <string>
#include <utility>

#include "cli/doctor/checks.h"

namespace pamcognito::cli {

ConfigCheck check_config(const System& system) {
  const Check check{"config-valid", "cognitod's configuration is valid"};
  ConfigCheck result;
  auto config = policy::load_config(system.path(policy::kConfigPath));
  if (!config) {
    result.findings.push_back(
        check.fault(config.error(),
                    "correct it, or write it anew: cognitoctl setup. Then: systemctl reload "
                    "cognitod"));
    return result;
  }
  result.findings.push_back(check.ok("user pool " + config->pool.user_pool_id));
  const Check advice{"config-advice", "nothing in the configuration is unwise"};
  for (const std::string& warning : config->warnings)
    result.findings.push_back(advice.warning(warning, "change it, unless you mean it"));
  if (config->warnings.empty()) result.findings.push_back(advice.ok());
  const Check names{"config-names", "the configuration uses present names of settings"};
  for (const std::string& name : config->old_names)
    result.findings.push_back(
        names.warning(name, "change the name: the next version refuses the old one"));
  if (config->old_names.empty()) result.findings.push_back(names.ok());
  result.config = std::make_unique<const policy::Config>(std::move(*config));
  return result;
}

}  // namespace pamcognito::cli
