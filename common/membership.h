#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/users_conf.h"

// The rule that decides whether a user is a Cognito user. users.conf describes the set; NSS
// supplies the account and the group. A look-up that fails never makes a user a local one.
namespace pamcognito {

enum class Membership : std::uint8_t {
  cognito_user,
  not_cognito_user,
  denied,       // in the set, but the name is outside the grammar or differs from pw_name
  malformed,    // users.conf cannot be trusted and does not exclude the user
  unknown,      // NSS has failed, or does not find the group of users.conf
  local_fault,  // this process lacks descriptors or memory; its caller may have set the limits
};

// The part of the rule that needs no look-up: users.conf, an account's name and its uid decide, or
// leave the decision to the group that users.conf names (conf.group, then not empty). cognitoctl
// doctor uses it with accounts of its own.
enum class InSet : std::uint8_t { no, yes, by_group };
InSet is_in_set(const UsersConf& conf, std::string_view name, uid_t uid);

// Classifies a user by users.conf and NSS (getpwnam_r, getgrnam_r), and blocks as long as NSS does.
// `reason`, if given, receives a sentence for the log if the result is denied, malformed, unknown
// or local_fault. `uid`, if given, receives the account's uid if the result is cognito_user. A user
// in the set whose pw_name is not `name`, byte for byte, is denied.
Membership classify_user(const char* users_conf_path, const char* name, std::string* reason,
                         uid_t* uid = nullptr);

}  // namespace pamcognito
