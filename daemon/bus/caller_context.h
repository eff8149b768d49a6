#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <cstdint>
#include <expected>
#include <string>

#include "daemon/limits/origin.h"
#include "daemon/sessions/binding.h"

namespace pamcognito::bus {

inline constexpr uid_t kNoUid = static_cast<uid_t>(-1);

// The statements of a module about its host process. Believed of root's callers only.
struct CallerContext {
  CallerContext() = default;

  uid_t real_uid = kNoUid;  // kNoUid: not said
  uid_t user_uid = kNoUid;  // of the user, as the module resolved it
  std::uint32_t login_uid = sessions::Binding::kUnset;
  std::uint32_t audit_session = sessions::Binding::kUnset;
  std::string tty;
  std::string remote_host;
  std::uint32_t pam_flags = 0;
  std::string log_id;      // 16 hexadecimal digits, or empty
  std::uint32_t test = 0;  // not 0: a success is not to be kept
};

// Reads an a{sv}. Unknown keys are skipped if their value is a number or a short text. Any other
// value, a known key of another type, an overlong text or key and more than 32 entries are errors
// (a negative errno).
std::expected<CallerContext, int> read_caller_context(sd_bus_message* message);

// A real uid that is not root's; else the remote host; else a terminal of this machine; else
// unknown.
limits::Origin origin_of(const CallerContext& context);

// The user's own login that the host process belongs to: its login uid is the user's. Unset if the
// process belongs to another user's login or to none.
sessions::Binding binding_of_login(const CallerContext& context);
// The same for a sign-in. The user must also have started the program: su to alice in bob's
// session, or by root in alice's, reuses nothing.
sessions::Binding binding_for_reuse(const CallerContext& context);

}  // namespace pamcognito::bus
