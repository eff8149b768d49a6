#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pamcognito {

// /etc/pam-cognito/users.conf, in which root states who the Cognito users are. The module reads it
// for every user; cognitod reads it for callers that are not root.
//
//   group=cognito-users       a Unix group, which counts as a primary group too; without this line,
//                             and with an empty value, no group
//   users=alice bob           names, separated by spaces
//   uid_range=10000-20000     inclusive
//   exclude=admin             overrides every other key
//   min_uid=1000              users below it are never Cognito users; at least 1000
struct UsersConf {
  std::string group;
  // Keys are set, but no `group`: version 0.2.0 counted the group kFormerGroup then.
  bool lacks_group_line = false;
  std::vector<std::string> users;
  bool has_uid_range = false;
  uid_t uid_range_first = 0;
  uid_t uid_range_last = 0;
  std::vector<std::string> exclude;
  uid_t min_uid = 1000;
};

inline constexpr char kFormerGroup[] = "cognito-users";

// The reason why a file must not be used. The well-formed exclude= lines of a malformed file still
// apply, so that one bad line cannot lock the administrator out. Nothing in a file applies that
// does not belong to root or that others can write to, because an attacker could have added
// exclude=.
struct UsersConfError {
  std::string reason;  // for the log: the file, the line, and what is wrong
  std::vector<std::string> exclude;
};

inline constexpr char kUsersConfPath[] = "/etc/pam-cognito/users.conf";

// Parses the whole file. Unknown keys, repeated keys, names outside the grammar and empty ranges
// are errors.
std::expected<UsersConf, UsersConfError> parse_users_conf(std::string_view text);

struct UsersConfFile {
  bool absent = false;  // ENOENT and no other error
  UsersConf conf;
};

// Reads the file with the checks of read_root_file(). It may have at most 64 KiB.
std::expected<UsersConfFile, UsersConfError> read_users_conf(const char* path);

// True for uids below min_uid or 1000, 61184 to 65519, 65534, 65535 and 4294967295, whatever
// users.conf says.
[[nodiscard]] bool is_never_cognito_uid(uid_t uid, uid_t min_uid) noexcept;

}  // namespace pamcognito
