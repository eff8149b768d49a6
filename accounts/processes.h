#pragma once

#include <sys/types.h>

#include <string>

#include "accounts/keeper.h"

namespace pamcognito::accounts {

// Refusal::in_use if a process below ROOT/proc has the uid as one of its four uids. Another root
// without /proc has no processes.
Result<void> check_no_process(const std::string& root, const std::string& name, uid_t uid);

}  // namespace pamcognito::accounts
