#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/json.h"

namespace pamcognito::cli {
namespace {

constexpr char kNotConfigured[] = "no: Cognito sign-in is off; local passwords work";

void print_next(const Output& out) {
  out.line(
      "Next: cognitoctl setup connects a user pool. If there is a configuration already, "
      "cognitoctl doctor shows its faults.");
}

void print_state(const Context& context, const ServiceState& state) {
  const Output& out = context.out;
  print_pairs(out, {{"cognitod", state.version},
                    {"configured", state.configured ? "yes" : kNotConfigured}});
  if (!state.configured) print_next(out);
}

std::string sessions_text(const Dictionary& status) {
  return std::to_string(number_of(status, "sessions")) +
         (flag_of(status, "sessions_survive")
              ? ", kept over a restart of cognitod"
              : ", lost when cognitod ends: it runs without systemd's store");
}

std::string pool_text(const Dictionary& status) {
  const std::string state = text_of(status, "pool_state");
  const std::uint64_t addresses = number_of(status, "pool_addresses");
  const std::uint64_t fresh = number_of(status, "pool_addresses_fresh");
  const std::uint64_t changed = number_of(status, "pool_state_changed_at");
  // 0: cognitod has just started, and its first round of probes goes on.
  const std::string since = changed == 0 ? std::string() : " since " + time_text(changed);
  const std::string known =
      ", " + std::to_string(addresses) + " known addresses" +
      (fresh < addresses ? ", " + std::to_string(fresh) + " of them fresh" : std::string());
  if (state == "reachable") return state + known;
  if (state == "in-doubt") return "in doubt" + since + known;
  if (state == "unreachable") return state + since + known;
  if (state == "by-proxy") return "by a proxy: never proved unreachable";
  return {};
}

void print_status(const Context& context, const Dictionary& status) {
  const Output& out = context.out;
  const std::string since =
      text_of(status, "version") + ", since " + time_text(number_of(status, "started_at"));
  if (!flag_of(status, "configured")) {
    // Identities belong to a user pool. Without one there are none to show.
    print_pairs(out, {{"cognitod", since}, {"configured", kNotConfigured}});
    print_next(out);
    return;
  }
  std::vector<std::pair<std::string, std::string>> pairs{
      {"cognitod", since},
      {"configured", "yes"},
      {"user pool", text_of(status, "user_pool_id")},
      {"pool", pool_text(status)},
      {"open sign-ins", std::to_string(number_of(status, "sign_ins_open"))},
      {"sessions", sessions_text(status)}};
  if (const std::uint64_t not_kept = number_of(status, "sessions_not_kept"); not_kept > 0)
    pairs.emplace_back("not kept",
                       std::to_string(not_kept) + " users' latest sign-ins, see cognitoctl doctor");
  pairs.emplace_back(
      "identities",
      std::to_string(number_of(status, "identities")) +
          (flag_of(status, "identities_writable")
               ? std::string()
               : ", and none can be added: is the disk full or read-only? cognitoctl doctor"));
  print_pairs(out, pairs);
}

}  // namespace

ExitCode show_status(const Context& context) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto state = client->service_state();
  if (!state) return out.fail(state.error());
  const auto status = client->status();
  if (!status && status.error().word != "not-permitted") return out.fail(status.error());
  if (!status) {
    // The caller is not root: the state that all users may read.
    Json::Value object;
    object["version"] = state->version;
    object["configured"] = state->configured;
    out.object(object);
    print_state(context, *state);
    return state->configured ? ExitCode::ok : ExitCode::failed;
  }
  out.object(to_json(*status));
  print_status(context, *status);
  return flag_of(*status, "configured") ? ExitCode::ok : ExitCode::failed;
}

}  // namespace pamcognito::cli
