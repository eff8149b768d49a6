#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pamcognito::pam {

// Two lower-case digits for each byte, and no NUL.
void write_hexadecimal(std::span<const std::uint8_t> bytes, char* digits) noexcept;
// False: `digits` is not exactly two lower-case digits for each byte.
[[nodiscard]] bool read_hexadecimal(std::string_view digits,
                                    std::span<std::uint8_t> bytes) noexcept;

}  // namespace pamcognito::pam
