#include "common/blank.h"

#include <cstdint>

namespace pamcognito {
namespace {

// Decodes a three-byte UTF-8 character at the front of `text`; 0 if there is none.
std::uint32_t character_of_three(std::string_view text) noexcept {
  if (text.size() < 3) return 0;
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const bool has_form =
      (byte(0) & 0xF0U) == 0xE0 && (byte(1) & 0xC0U) == 0x80 && (byte(2) & 0xC0U) == 0x80;
  if (!has_form) return 0;
  return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
}

bool is_blank_of_three(std::uint32_t character) noexcept {
  return character == 0x1680 || (character >= 0x2000 && character <= 0x200F) ||
         (character >= 0x2028 && character <= 0x202F) ||
         (character >= 0x205F && character <= 0x2064) ||
         (character >= 0x2066 && character <= 0x2069) || character == 0x3000 || character == 0xFEFF;
}

}  // namespace

std::size_t blank_at_front(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const char first = text.front();
  if (first == ' ' || (first >= '\t' && first <= '\r')) return 1;
  if (text.starts_with("\xC2\x85") || text.starts_with("\xC2\xA0")) return 2;
  return is_blank_of_three(character_of_three(text)) ? 3 : 0;
}

}  // namespace pamcognito
