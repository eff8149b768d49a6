#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// Hexadecimal digits, lower case only, so that each value has exactly one text.
namespace pamcognito {

// Writes two digits for each byte and no NUL.
void write_hexadecimal(std::span<const std::uint8_t> bytes, char* digits) noexcept;
std::string hexadecimal(std::span<const std::uint8_t> bytes);
// Returns false if `digits` is not exactly two digits for each byte.
[[nodiscard]] bool read_hexadecimal(std::string_view digits,
                                    std::span<std::uint8_t> bytes) noexcept;

// The digits of a log id, which connects the log lines of the module and of cognitod that belong to
// one PAM transaction.
inline constexpr std::size_t kLogIdSize = 16;
[[nodiscard]] bool is_log_id(std::string_view text) noexcept;

}  // namespace pamcognito
