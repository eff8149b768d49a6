#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nss/accounts_conf.h"
#include "nss/reader.h"

// The first login of a user who has no account yet: which names may have one, and the uid that the
// account will have. Source of the rules: docs/decisions/0030 and 0034.
namespace pamcognito::accounts {

// Tells whether `names` of accounts.conf matches, and the name has a '.', or one of the prefixes or
// suffixes: no package of the archive makes such a user.
[[nodiscard]] bool permits_first_login(const Conf& conf, std::string_view name) noexcept;

// first + HMAC-SHA-256(fleet key, pool, 0, name) mod size, for a key of kFleetKeySize bytes.
[[nodiscard]] std::uint32_t uid_of_name(const std::uint8_t (&fleet_key)[kFleetKeySize],
                                        const Conf& conf, std::string_view name) noexcept;

// Sets `uid` to the uid of the account that a first sign-in of `name` would make. Absent: the name
// has an account, or accounts.conf does not permit one, or the uid has an account. Only an intact
// accounts file proves that the name has none. Reads the fleet key, so it needs root.
[[nodiscard]] Result first_login_uid(const Conf& conf, const AccountsFile& file,
                                     std::string_view name, std::uint32_t& uid) noexcept;

// Tells whether this process is root's sshd: started by root, without the rights of a set-uid file,
// and its program is one of `sshd` of accounts.conf. Its name and arguments do not count, because a
// user chooses those of a set-uid program. Without /proc: no.
[[nodiscard]] bool is_roots_sshd(const Conf& conf) noexcept;

}  // namespace pamcognito::accounts
