#include <cstdint>
#include <expected>
#include <string>

#include "cli/auth_client.h"
#include "cli/doctor/checks.h"

namespace pamcognito::cli {

Finding check_sessions_kept(const Result<Dictionary>& status) {
  constexpr char kMember[] = "sessions_not_kept";
  const Check check{"sessions-kept", "cognitod keeps a session of each sign-in"};
  if (!status) return check.skipped(status.error().message);
  if (!status->contains(kMember)) return check.skipped("this cognitod does not report it");
  const std::uint64_t users = number_of(*status, kMember);
  if (users == 0) return check.ok();
  return check.warning("the latest sign-ins of " + std::to_string(users) +
                           " users could not be stored: sudo asks them for everything",
                       "journalctl -u cognitod -g 'not kept as a session'");
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
  findings.push_back(check_sessions_kept(client->status()));
  return findings;
}

}  // namespace pamcognito::cli
