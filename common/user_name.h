#pragma once

#include <string_view>

namespace pamcognito {

// The only user names that ever reach the daemon: [A-Za-z_][A-Za-z0-9_.-]{0,31}. Stricter than
// useradd's NAME_REGEX where that lets a '$' end a name.
[[nodiscard]] bool is_valid_user_name(std::string_view name) noexcept;

}  // namespace pamcognito
