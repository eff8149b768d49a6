#pragma once

#include <chrono>
#include <string>

#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// Decides whether a local password may replace Cognito, by root's policy and window, which the
// module reads itself (common/break_glass.h). Each use and each refusal is logged at notice.

// Called before Cognito is asked. True if root has opened a window for this user and the user has a
// usable local password; the user has then been told. Also false if this process cannot tell,
// because it does not run as root.
[[nodiscard]] bool window_permits_local_password(const Handle& pam, const std::string& user,
                                                 bool silent);

// Called after `result`, which would be PAM_AUTHINFO_UNAVAIL. False if root does not permit a local
// password now; the user has then been told.
[[nodiscard]] bool permits_local_password(const Handle& pam, const std::string& user,
                                          const PhaseResult& result, bool silent);

// Tells a user without a local account that cognitod or the pool is unavailable.
void tell_no_local_password(const Handle& pam, bool silent);

// How long an outage is proof for the sign-in that has met it. LoginGraceTime of sshd is 2 minutes,
// and the timeout of login one minute.
inline constexpr std::chrono::seconds kPermissionTime = std::chrono::minutes(5);

// Called after pam_unix has accepted the local password: tells whether root still permits it,
// because a prompt can stay open for a long time. `by_window` means that
// window_permits_local_password() has permitted it. `permitted_at` is a time of CLOCK_BOOTTIME. A
// refusal is not explained to the user, because the password was right.
[[nodiscard]] bool still_permits_local_password(const Handle& pam, const std::string& user,
                                                bool by_window, std::chrono::seconds permitted_at);

}  // namespace pamcognito::pam
