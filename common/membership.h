#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/stored_account.h"
#include "common/users_conf.h"

// The rule that decides whether a user is a Cognito user: users.conf names the user, or the uid is
// in the range of accounts.conf. The name service supplies uid and group; that the accounts file
// has a record of the name makes nobody a Cognito user. A look-up that fails never makes a user a
// local one.
//
// A user in the range has no local file. The stored record is read at each question, and nothing
// excludes the user: without an active record the user is refused, whether or not cognitod runs.
namespace pamcognito {

enum class Membership : std::uint8_t {
  cognito_user,
  not_cognito_user,
  denied,  // in the set, but the name is outside the grammar or differs from pw_name; or exclude=
           // names a user in the range
  malformed,  // users.conf cannot be trusted and does not exclude the user, or accounts.conf cannot
              // be trusted and could have the uid in its range
  unknown,    // NSS has failed, or does not find the group of users.conf
  local_fault,  // this process lacks descriptors or memory; its caller may have set the limits
  // For a uid in the range:
  no_account,  // there is no record of this name with this uid
  locked,      // the record is locked
  damaged,     // the accounts file is absent, damaged, or not root's
};

// The part of the rule that needs no look-up: users.conf, an account's name and its uid decide, or
// leave the decision to the group that users.conf names (conf.group, then not empty). cognitoctl
// doctor uses it with accounts of its own.
enum class InSet : std::uint8_t { no, yes, by_group };
InSet is_in_set(const UsersConf& conf, const AccountsRange& range, std::string_view name,
                uid_t uid);

struct CognitoUser {
  uid_t uid = 0;
  bool in_range = false;  // of accounts.conf: no local password ever counts
  // In the range, and the accounts file proves that there is no record yet.
  bool is_first_login = false;
};

// Whether a user without an account is admitted, because this sign-in may make the account. Only
// the authentication of a program that root has started asks for it.
enum class FirstLogin : std::uint8_t {
  no,
  with_entry,     // only in sshd, to which the name service has answered the user already
  without_entry,  // a console or a greeter, which looks the user up after the sign-in
};

// Classifies a user by users.conf, accounts.conf, the accounts file and NSS (getpwnam_r,
// getgrnam_r), and blocks as long as NSS does. `reason`, if given, receives a sentence for the log
// if the result is neither cognito_user nor not_cognito_user. `user`, if given, is set if the
// result is cognito_user. A user in the set whose pw_name is not `name`, byte for byte, is denied.
Membership classify_user(const char* users_conf_path, const char* name, std::string* reason,
                         CognitoUser* user = nullptr, FirstLogin first_login = FirstLogin::no);

// The part of the rule for a user whose uid is known: cognito_user if the uid is outside the range,
// or inside and the record is active; otherwise malformed, local_fault, no_account, locked or
// damaged. `in_range`, if given, is set in any case.
Membership check_stored_account(std::string_view name, uid_t uid, std::string* reason,
                                bool* in_range = nullptr);

}  // namespace pamcognito
