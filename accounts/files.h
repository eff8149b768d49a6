#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "accounts/keeper.h"
#include "common/fd.h"

// Files and directories that only root can write.
namespace pamcognito::accounts {

inline constexpr char kDatabaseDirectory[] = "/var/lib/pam-cognito-accounts-db";
inline constexpr char kDatabasePath[] = "/var/lib/pam-cognito-accounts-db/accounts.db";

std::unexpected<Error> refused(Refusal refusal, std::string text);
// "PATH: cannot be CALLED: No such file or directory.", from errno.
std::unexpected<Error> storage_failure(std::string_view path, std::string_view what);

// Opens a directory that must be root's, no symbolic link, and not writable by others. `mode`:
// makes it with this mode if it is absent; 0: an absent directory is Refusal::bad_configuration.
Result<Fd> open_directory(const std::string& path, mode_t mode);

// False and errno.
bool write_whole(int fd, std::string_view text) noexcept;

}  // namespace pamcognito::accounts
