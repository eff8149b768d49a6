#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "pam/conversation.h"
#include "pam/handle.h"

namespace pamcognito::pam {

// A change of the password between libpam's two calls, in PAM data: its conversation waits for the
// answer to its first question for a new password. If the second call never comes, pam_end() closes
// the conversation's socket, and the daemon gives up.

// False: libpam refused; then the conversation is closed. Replaces what is there.
[[nodiscard]] bool store_password_change(const Handle& pam, std::string user,
                                         std::unique_ptr<Conversation> conversation);
void forget_password_change(const Handle& pam) noexcept;
// Takes it out. Null where nothing was stored for this user; what was stored for another is closed.
std::unique_ptr<Conversation> take_password_change(const Handle& pam,
                                                   std::string_view user) noexcept;

}  // namespace pamcognito::pam
