#pragma once

#include <cstddef>
#include <string>

#include "accounts/keeper.h"
#include "common/secret.h"

// /etc/pam-cognito/fleet.key: 32 random bytes in hexadecimal digits, root's and 0600. Machines with
// the same key give a user the same uid.
namespace pamcognito::accounts {

inline constexpr char kFleetKeyPath[] = "/etc/pam-cognito/fleet.key";
inline constexpr std::size_t kFleetKeySize = 32;

// Makes the key if there is none; false: there was one. It is never replaced.
Result<bool> make_fleet_key(const std::string& root);
Result<Secret> read_fleet_key(const std::string& root);
// The first 16 hexadecimal digits of SHA-256 of the key, to compare machines.
Result<std::string> fleet_key_fingerprint(const std::string& root);

}  // namespace pamcognito::accounts
