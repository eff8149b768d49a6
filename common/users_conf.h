#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pamcognito {

// /etc/pam-cognito/users.conf: root's statement of whose sign-ins are ours. The only file that the
// module reads; the daemon reads it too for callers that are not root.
//
//   group=cognito-users       local Unix group; primary group included. The default, once any key
//                             is set; empty: no group
//   users=alice bob           names, separated by spaces
//   uid_range=10000-20000     inclusive
//   exclude=admin             always wins
//   min_uid=1000              never below; at least 1000
struct UsersConf {
  std::string group = "cognito-users";
  std::vector<std::string> users;
  bool has_uid_range = false;
  uid_t uid_range_first = 0;
  uid_t uid_range_last = 0;
  std::vector<std::string> exclude;
  uid_t min_uid = 1000;
};

// A file that must not be used. What is on the well-formed exclude= lines of a malformed file still
// counts, so that one bad line cannot lock the administrator out. Nothing counts of a file that is
// not root's, or that others may write to: there, an exclude= line could be the attack.
struct UsersConfError {
  std::string reason;  // for the log: file, line, what is wrong
  std::vector<std::string> exclude;
};

inline constexpr char kUsersConfPath[] = "/etc/pam-cognito/users.conf";

// `text` is the whole file. Unknown or repeated keys, names outside the grammar and ranges that
// make no sense are errors.
std::expected<UsersConf, UsersConfError> parse_users_conf(std::string_view text);

struct UsersConfFile {
  bool absent = false;  // ENOENT, and only ENOENT
  UsersConf conf;
};

// Opens without following a symbolic link in the last place; the file is regular, root's, not
// group- or world-writable, at most 64 KiB.
std::expected<UsersConfFile, UsersConfError> read_users_conf(const char* path);

// uid 0, below min_uid (never less than 1000), 61184 to 65519, 65534, 65535: never ours.
[[nodiscard]] bool uid_is_never_ours(uid_t uid, uid_t min_uid) noexcept;

}  // namespace pamcognito
