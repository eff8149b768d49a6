#include "common/hexadecimal.h"

namespace pamcognito {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

void write_hexadecimal(std::span<const std::uint8_t> bytes, char* digits) noexcept {
  for (const std::uint8_t byte : bytes) {
    *digits++ = kDigits[byte >> 4];
    *digits++ = kDigits[byte & 0x0f];
  }
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  std::string text(2 * bytes.size(), '0');
  write_hexadecimal(bytes, text.data());
  return text;
}

bool read_hexadecimal(std::string_view digits, std::span<std::uint8_t> bytes) noexcept {
  if (digits.size() != bytes.size() * 2) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t high = kDigits.find(digits[2 * i]);
    const std::size_t low = kDigits.find(digits[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

bool is_log_id(std::string_view text) noexcept {
  return text.size() == kLogIdSize && text.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace pamcognito
