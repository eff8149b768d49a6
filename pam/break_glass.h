#pragma once

#include <chrono>
#include <string>

#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// Whether a local password may do instead of Cognito: root's policy and root's window, which this
// module reads itself (common/break_glass.h). Each use and each refusal is one line at notice.

// Before Cognito is asked. True: root has opened a window for this user, and the user has a local
// password that can be right; the user has been told so. False also where this process cannot tell,
// because it is not root.
[[nodiscard]] bool window_permits_local_password(const Handle& pam, const std::string& user,
                                                 bool silent);

// After `result`, which is PAM_AUTHINFO_UNAVAIL by itself. False: root does not permit a local
// password now, and the user has been told so.
[[nodiscard]] bool permits_local_password(const Handle& pam, const std::string& user,
                                          const PhaseResult& result, bool silent);

// An outage is proof for the sign-in that met it, for this long: sshd's LoginGraceTime is 2
// minutes, login's timeout one.
inline constexpr std::chrono::seconds kPermissionTime = std::chrono::minutes(5);

// When pam_unix has accepted the local password: whether root still permits it. A prompt stays open
// as long as the caller likes. `by_window`: window_permits_local_password() had permitted it.
// `permitted_at` is a time of CLOCK_BOOTTIME. A refusal tells the user nothing, because the
// password was right.
[[nodiscard]] bool still_permits_local_password(const Handle& pam, const std::string& user,
                                                bool by_window, std::chrono::seconds permitted_at);

}  // namespace pamcognito::pam
