#include <expected>

#include "cli/auth_client.h"
#include "cli/doctor/checks.h"

namespace pamcognito::cli {

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

}  // namespace pamcognito::cli
