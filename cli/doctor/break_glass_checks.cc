#include <chrono>
#include <ctime>
#include <string>
#include <thread>

#include "cli/auth_client.h"
#include "cli/doctor/checks.h"
#include "common/break_glass.h"

namespace pamcognito::cli {
namespace {

using break_glass::Policy;

Finding check_policy(const System& system, const Findings& users) {
  const Check check{"break-glass-policy", "the break glass leaves a way in"};
  const break_glass::PolicyInForce policy =
      break_glass::read_policy(system.path(break_glass::kPolicyPath).c_str());
  if (!policy.fault.empty())
    return check.fault(policy.fault + ": no local password is accepted",
                       "correct it; chown root, chmod 0644");
  const std::string word(break_glass::to_string(policy.policy));
  if (policy.policy == Policy::when_unreachable || is_administrator_left(users))
    return check.ok(word + (policy.is_default ? ", the default" : ""));
  return check.fault(
      "local_password is " + word +
          ", and nobody is left who becomes root without Cognito: an outage locks this machine",
      "keep one local administrator: a line exclude=NAME in users.conf; or set "
      "local_password = when-unreachable");
}

Finding check_window(const System& system) {
  const Check check{"break-glass-window", "no window for local passwords is open"};
  const break_glass::Now now = break_glass::now();
  const auto window = break_glass::read_window(now, system.path(break_glass::kWindowDirectory));
  if (!window)
    return check.warning(window.error() + ": it does not count", "cognitoctl break-glass close");
  if (!*window) return check.ok();
  return check.warning(
      "local passwords of " +
          ((*window)->all ? std::string("all Cognito users")
                          : std::to_string((*window)->users.size()) + " Cognito users") +
          " are accepted for " + std::to_string(((*window)->end - now.boot_time).count() / 60 + 1) +
          " minutes more",
      "cognitoctl break-glass close, once it is not needed");
}

// A cognitod that has just started is still on its first round of probes, which takes 2.5 s at
// most.
Result<Dictionary> status_after_first_round(AuthClient& client) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  auto status = client.status();
  while (status && text_of(*status, "pool_state") == "in-doubt" &&
         number_of(*status, "pool_state_changed_at") == 0 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(100ms);
    status = client.status();
  }
  return status;
}

// Old addresses prove nothing: an outage would be a refusal for everybody.
Finding check_addresses(const System& system) {
  const Check check{"pool-addresses", "the user pool's addresses are verified"};
  if (!system.is_this_machine()) return check.skipped("not this machine");
  auto client = AuthClient::connect();
  if (!client) return check.skipped(client.error().message);
  const auto status = status_after_first_round(*client);
  if (!status) return check.skipped(status.error().message);
  const std::string state = text_of(*status, "pool_state");
  if (state.empty() || state == "unknown") return check.skipped("cognitod does not say");
  if (state == "by-proxy")
    return check.ok("behind a proxy there are none; only a window opens the break glass");
  if (number_of(*status, "pool_addresses_fresh") > 0) return check.ok();
  return check.warning(
      number_of(*status, "pool_addresses") == 0
          ? "none is known: an outage could not be told from a failure of this machine"
          : "none was verified within 48 hours on this network: their failure proves nothing",
      "see whether this machine reaches the user pool: cognitoctl status");
}

}  // namespace

Findings check_break_glass(const System& system, const Findings& users) {
  return {check_policy(system, users), check_window(system), check_addresses(system)};
}

}  // namespace pamcognito::cli
