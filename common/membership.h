#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace pamcognito {

enum class Membership : std::uint8_t {
  ours,
  not_ours,
  denied,       // in the set, but the name is outside the grammar, or not the account's own
  malformed,    // users.conf cannot be trusted, and the user is not exempt from that
  unknown,      // NSS failed, or does not find the group of users.conf
  local_fault,  // this process lacks descriptors or memory; its caller may have set the limits
};

// A user's place, decided from users.conf and NSS (getpwnam_r, getgrnam_r). Blocks as NSS
// blocks. `reason`, if given, receives a sentence for the log when the answer is denied,
// malformed, unknown or local_fault; `uid` the account's where the answer is ours. A user in the
// set whose pw_name is not `name`, byte for byte, is denied.
Membership classify_user(const char* users_conf_path, const char* name, std::string* reason,
                         uid_t* uid = nullptr);

}  // namespace pamcognito
