#pragma once

#include <string_view>

namespace pamcognito {

// Tells whether a name matches [A-Za-z_][A-Za-z0-9_.-]{0,31}. No other name reaches cognitod. The
// grammar is stricter than useradd's NAME_REGEX, which permits a '$' at the end.
[[nodiscard]] bool is_valid_user_name(std::string_view name) noexcept;

}  // namespace pamcognito
