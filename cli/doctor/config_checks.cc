#include <memory>

#include "cli/auth_client.h"
#include "cli/doctor/checks.h"

namespace pamcognito::cli {

std::string_view to_string(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::warning:
      return "warning";
    case State::fault:
      return "fault";
    case State::skipped:
      return "skipped";
  }
  return "fault";
}

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
  result.config = std::make_unique<const policy::Config>(std::move(*config));
  return result;
}

Findings check_daemon(const System& system) {
  const Check running{"daemon-running", "cognitod answers on the system bus"};
  const Check configured{"daemon-configured", "cognitod took the configuration"};
  const Check version{"daemon-version", "cognitod and cognitoctl are of one version"};
  if (!system.is_this_machine()) return {running.skipped("not this machine")};
  auto client = AuthClient::connect();
  const auto state =
      client ? client->service_state() : Result<ServiceState>(std::unexpected(client.error()));
  if (!state)
    return {running.fault(state.error().message,
                          "systemctl status cognitod; journalctl -u cognitod -n 20")};
  Findings findings{running.ok("version " + state->version)};
  findings.push_back(
      state->configured
          ? configured.ok()
          : configured.fault("it runs without a valid configuration: nobody can sign in",
                             "correct it, then: systemctl reload cognitod"));
  findings.push_back(
      state->version == PAM_COGNITO_VERSION
          ? version.ok()
          : version.warning("cognitod " + state->version + ", cognitoctl " PAM_COGNITO_VERSION,
                            "systemctl restart cognitod"));
  return findings;
}

Findings check_name_service(const System& system) {
  const Check check{"nsswitch-passwd", "users and groups of this machine are looked up"};
  const auto text = system.read("/etc/nsswitch.conf");
  if (!text) return {check.ok("no /etc/nsswitch.conf: files are the default")};
  for (const char* database : {"passwd:", "group:"}) {
    for (const std::string& line : lines_of(*text)) {
      const auto words = words_of(line);
      if (words.empty() || words[0] != database) continue;
      bool local = false;
      for (const std::string& word : words)
        local = local || word == "files" || word == "compat" || word == "systemd";
      if (!local)
        return {check.fault("`" + line + "` in /etc/nsswitch.conf names no local source",
                            "put `files` first in that line")};
    }
  }
  return {check.ok()};
}

Findings check_all(const System& system) {
  Findings all;
  const auto add = [&](Findings some) {
    for (Finding& finding : some) all.push_back(std::move(finding));
  };
  ConfigCheck config = check_config(system);
  add(std::move(config.findings));
  if (config.config) {
    add(check_pool(*config.config));
  } else {
    all.push_back(Check{"pool-reachable", "the user pool can be reached"}.skipped(
        "there is no valid configuration"));
  }
  add(check_daemon(system));
  add(check_bus_policy(system));
  add(check_users(system));
  add(check_name_service(system));
  add(check_pam_module(system));
  add(check_pam(system));
  add(check_sshd(system, config.config.get()));
  add(check_permissions(system));
  add(check_unit(system));
  return all;
}

}  // namespace pamcognito::cli
