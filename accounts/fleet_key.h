#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "accounts/keeper.h"
#include "common/secret.h"
#include "nss/accounts_conf.h"

// /etc/pam-cognito/fleet.key: 32 random bytes in hexadecimal digits, root's and 0600. Machines with
// the same key give a user the same uid.
namespace pamcognito::accounts {

// Makes the key if there is none; false: there was one. It is never replaced.
Result<bool> make_fleet_key(const std::string& root);
Result<Secret> read_fleet_key(const std::string& root);
// The first 16 hexadecimal digits of SHA-256 of the key, to compare machines.
Result<std::string> fleet_key_fingerprint(const std::string& root);

// The uid of a name by the rule of docs/decisions/0030: first + HMAC-SHA-256(fleet key, pool, 0,
// name) mod size. Pure.
[[nodiscard]] uid_t uid_of(std::string_view fleet_key, std::string_view pool, std::string_view name,
                           uid_t first, uid_t last);

}  // namespace pamcognito::accounts
