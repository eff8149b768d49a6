#pragma once

#include <security/pam_modules.h>

namespace pamcognito::pam {

// The id of this PAM transaction, 16 hexadecimal digits: it ties the module's lines to the
// daemon's. Made when it is first asked for, and kept in PAM data. No secret. Empty where there is
// no memory or no randomness; valid until adopt_log_id() or the transaction's end.
[[nodiscard]] const char* log_id(pam_handle_t* pamh) noexcept;

// Takes over the id of the process that authenticated (sshd opens the session in another one).
// `digits`: exactly 16 bytes of 0-9a-f.
void adopt_log_id(pam_handle_t* pamh, const char* digits) noexcept;

}  // namespace pamcognito::pam
