#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "accounts/settings.h"
#include "cli/doctor/checks.h"

namespace pamcognito::cli {

// The home directories of users whom no local file names, and the file of last logins. `users`:
// names and uids of the accounts file; null if it cannot be read.
Findings check_accounts_homes(const System& system, const accounts::Settings& settings,
                              const std::map<std::string, uid_t>* users);

}  // namespace pamcognito::cli
