#pragma once

#include <cstddef>
#include <string_view>

// Blank characters. Authenticator apps show codes with them, and phones add invisible ones when a
// user copies a code. cognitod and pam_cognito ignore them in codes only, never in a password.
namespace pamcognito {

// Returns the length in bytes of the blank character at the front of `text`, or 0 if there is none.
// Blank are the characters with the property White_Space of the Unicode character database (space,
// tab, line ends, U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000)
// and characters without width: U+200B to U+200F, U+202A to U+202E, U+2060 to U+2064, U+2066 to
// U+2069, U+FEFF.
[[nodiscard]] std::size_t blank_at_front(std::string_view text) noexcept;

}  // namespace pamcognito
