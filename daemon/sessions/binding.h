#pragma once

#include <cstdint>

namespace pamcognito::sessions {

// The login that a session belongs to, by the kernel's audit ids (proc_pid_loginuid(5),
// proc_pid_sessionid(5)), which no process of a user can change. A factor is used again only from
// the same login. Sessions do not outlive a boot, so the boot id is the store's.
struct Binding {
  static constexpr std::uint32_t kUnset = 0xffffffff;

  std::uint32_t login_uid = kUnset;
  std::uint32_t audit_session = kUnset;

  [[nodiscard]] bool is_set() const noexcept {
    return login_uid != kUnset && audit_session != kUnset;
  }
  // The same login; what is unset is the same as nothing.
  [[nodiscard]] bool is_same_login(const Binding& other) const noexcept {
    return is_set() && login_uid == other.login_uid && audit_session == other.audit_session;
  }
};

}  // namespace pamcognito::sessions
