#pragma once

#include <string_view>

#include "pam/handle.h"

namespace pamcognito::pam {

// That this transaction's account phase said the pool wants a new password, in PAM data: the host
// answers with a change of an expired password, which is ours then, and otherwise a local one's.

// False: libpam refused.
[[nodiscard]] bool store_reset_demand(const Handle& pam, std::string_view user);
void forget_reset_demand(const Handle& pam) noexcept;
[[nodiscard]] bool has_reset_demand(const Handle& pam, std::string_view user) noexcept;

}  // namespace pamcognito::pam
