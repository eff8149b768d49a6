#pragma once

#include <optional>
#include <string>

#include "daemon/policy/config.h"
#include "directory/user_page.h"

namespace pamcognito::directory {

// The Linux name with which the user of the pool can sign in, by the rule of a first sign-in:
// `cognito_username`, `identity` and `case_sensitive` of cognitod.conf, read backwards. nullopt:
// there is none.
std::optional<std::string> linux_name(const policy::AccessConfig& access, const PoolUser& user);

}  // namespace pamcognito::directory
