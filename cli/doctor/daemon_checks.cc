#include <cstdint>
#include <expected>
#include <string>

#include "cli/auth_client.h"
#include "cli/doctor/checks.h"

namespace pamcognito::cli {

Finding check_sessions_kept(const Dictionary& status) {
  const Check check{"sessions-kept", "cognitod keeps a session of each sign-in"};
  const std::uint64_t not_kept = number_of(status, "sessions_not_kept");
  if (not_kept == 0) return check.ok();
  return check.warning(
      std::to_string(not_kept) +
          " sign-ins since its start were not kept because memory was short; those users are " +
          "asked for everything again",
      "see what uses the memory: free -m; systemctl show cognitod -p MemoryMax -p LimitMEMLOCK");
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
  if (const auto status = client->status()) findings.push_back(check_sessions_kept(*status));
  return findings;
}

}  // namespace pamcognito::cli
