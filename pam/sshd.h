#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/stored_account.h"

// sshd looks a user up before the sign-in: it keeps the uid, and evaluates Match, AllowGroups and
// DenyGroups (sshd_config(5)) by the groups that the user has then.
namespace pamcognito::pam {

inline constexpr char kSshdConfigPath[] = "/etc/ssh/sshd_config";

// Tells whether sshd used another uid of the user than the account has now, or other groups in a
// configuration that decides by groups. Such a login must begin anew. The library's answer in this
// process counts. Without one, as with nscd or an sshd that accounts.conf does not name, `before`
// counts: the account before this sign-in, if there was one.
bool sshd_used_other_account(std::string_view service, const std::string& user,
                             const AccountRecord& record,
                             const std::optional<AccountRecord>& before);

// Tells whether the file, or a file that it includes, may decide by groups. True also if a file
// cannot be read, is too large, or is included too deeply. Options of sshd's command line are not
// seen.
bool sshd_decides_by_groups(const std::string& path);

}  // namespace pamcognito::pam
