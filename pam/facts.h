#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "pam/handle.h"

namespace pamcognito::pam {

// What the module tells the daemon of where a sign-in comes from. The daemon believes it only of
// callers whose effective uid is 0. Texts are printable and short.
struct Facts {
  uid_t real_uid = 0;
  std::optional<std::uint32_t> login_uid;      // proc_pid_loginuid(5); 4294967295: not set
  std::optional<std::uint32_t> audit_session;  // proc_pid_sessionid(5); the same
  std::string tty;
  std::string remote_host;
  std::string remote_user;
  std::uint32_t flags = 0;  // as PAM gave them
};

Facts gather_facts(const Handle& pam, int flags);

}  // namespace pamcognito::pam
