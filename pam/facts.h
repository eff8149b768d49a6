#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "pam/transaction.h"

namespace pamcognito::pam {

// What the module tells the daemon of where a sign-in comes from. The daemon believes it only of
// callers whose effective uid is 0. Texts are printable and short.
struct Facts {
  uid_t real_uid = 0;
  uid_t user_uid = 0;                      // of PAM_USER
  std::optional<std::uint32_t> login_uid;  // proc_pid_loginuid(5); 4294967295: not set
  // proc_pid_sessionid(5); the same. Not said by what runs under the user's service manager.
  std::optional<std::uint32_t> audit_session;
  std::string tty;
  std::string remote_host;
  std::string remote_user;
  std::uint32_t flags = 0;  // as PAM gave them
  std::string log_id;       // log_id.h

  // Whether this process belongs to a login of PAM_USER.
  [[nodiscard]] bool is_in_login_of_user() const noexcept;
  // Whether it is PAM_USER who has started it there: sudo, su to oneself.
  [[nodiscard]] bool is_of_user_in_own_login() const noexcept {
    return real_uid == user_uid && is_in_login_of_user();
  }
};

Facts gather_facts(const Handle& pam, uid_t user_uid, int flags);

}  // namespace pamcognito::pam
