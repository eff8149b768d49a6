#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/auth_client.h"
#include "cli/doctor/finding.h"
#include "cli/doctor/system.h"
#include "common/users_conf.h"
#include "daemon/policy/config.h"

// The doctor's checks. Each looks at one thing and says what it found; none changes anything.
namespace pamcognito::cli {

using Findings = std::vector<Finding>;

// The configuration as far as it is valid; null otherwise.
struct ConfigCheck {
  Findings findings;
  std::unique_ptr<const policy::Config> config;
};
ConfigCheck check_config(const System& system);

// users.conf: the Cognito users, and whether an administrator is left who can repair the machine.
Findings check_users(const System& system);
// The same for the content of a users.conf that has a setting.
Findings check_users_of(const System& system, const UsersConf& conf);
// The members of the group that version 0.2.0 counted without a `group` line, if this file has none
// and they do not sign in with Cognito by another line; a text with what to do. Empty: nobody.
std::string missing_group_line(const System& system, const UsersConf& conf);
// The answer about that administrator in `users`, the findings of check_users().
bool is_administrator_left(const Findings& users);
// Is the account a Cognito user, or a refused one, by this users.conf? As common/membership.cc
// decides, for a System's users.
bool is_ours(const System& system, const UsersConf& conf, const Account& account);

Findings check_daemon(const System& system);
// Judges what GetStatus (org.pamcognito.Auth1) reports.
Finding check_sessions_kept(const Result<Dictionary>& status);
Findings check_bus_policy(const System& system);
Findings check_pool(const policy::Config& config);
Findings check_pam(const System& system);
Findings check_pam_module(const System& system);
Findings check_services(const System& system, const policy::Config* config);
Findings check_sshd(const System& system, const policy::Config* config);
Findings check_name_service(const System& system);
// Users whom no local file names; one finding if accounts.conf does not exist.
Findings check_accounts(const System& system);
// The lists of cognitod-directory; nothing if accounts.conf names no groups for them.
Findings check_directory(const System& system);
// When local passwords count, and whether that leaves a way in. `users`: the findings of
// check_users().
Findings check_break_glass(const System& system, const Findings& users);
Findings check_permissions(const System& system);
Findings check_unit(const System& system);

// All of them, in the order in which a person should read them.
Findings check_all(const System& system);

}  // namespace pamcognito::cli
