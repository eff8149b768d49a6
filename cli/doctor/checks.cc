#include "cli/doctor/checks.h"

#include <string_view>
#include <utility>

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
  const Findings users = check_users(system);
  add(users);
  add(check_name_service(system));
  add(check_accounts(system));
  add(check_directory(system));
  add(check_pam_module(system));
  add(check_pam(system));
  add(check_services(system, config.config.get()));
  add(check_sshd(system, config.config.get()));
  add(check_break_glass(system, users));
  add(check_permissions(system));
  add(check_unit(system));
  return all;
}

}  // namespace pamcognito::cli
