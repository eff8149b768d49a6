#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// Lower case only, so that each value has one text.
namespace pamcognito {

// Two digits for each byte, and no NUL.
void write_hexadecimal(std::span<const std::uint8_t> bytes, char* digits) noexcept;
std::string hexadecimal(std::span<const std::uint8_t> bytes);
// False: `digits` is not exactly two digits for each byte.
[[nodiscard]] bool read_hexadecimal(std::string_view digits,
                                    std::span<std::uint8_t> bytes) noexcept;

// The id that ties the lines of one PAM transaction together in the logs of module and daemon: 16
// digits.
inline constexpr std::size_t kLogIdSize = 16;
[[nodiscard]] bool is_log_id(std::string_view text) noexcept;

}  // namespace pamcognito
