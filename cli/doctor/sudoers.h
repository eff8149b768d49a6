#pragma once

#include <string>
#include <vector>

#include "cli/doctor/system.h"

namespace pamcognito::cli {

// Whom the local policy of sudo (sudoers(5)) lets run every command as root.
struct Sudoers {
  bool readable = false;            // /etc/sudoers could be read; else the rest is empty
  bool everybody = false;           // ALL
  std::vector<std::string> users;   // names and #UIDs
  std::vector<std::string> groups;  // names, without '%'
};

// Reads /etc/sudoers, what it includes, and its User_Aliases. Exceptions (!NAME), host names, other
// aliases, netgroups, groups by number and rules from LDAP are not looked at.
Sudoers read_sudoers(const System& system);

}  // namespace pamcognito::cli
