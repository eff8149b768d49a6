#include "common/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace pamcognito {
namespace {

// The bytes of the well-formed UTF-8 character at the front of `text`, or 0. The ranges are those
// of table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t character_length(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto continues = [byte](std::size_t i, std::uint8_t low = 0x80, std::uint8_t high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return continues(1) ? 2 : 0;
  if (lead < 0xF0) {
    const std::uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
    const std::uint8_t high = lead == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  const std::uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
  return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
}

bool is_control(std::string_view character) noexcept {
  const auto first = static_cast<std::uint8_t>(character[0]);
  if (first < 0x20) return first != '\n';
  if (first == 0x7F) return true;
  return first == 0xC2 && static_cast<std::uint8_t>(character[1]) < 0xA0;  // U+0080 to U+009F
}

}  // namespace

std::size_t make_printable(std::string_view text, std::span<char> out) noexcept {
  std::size_t written = 0;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::size_t consumed = std::max<std::size_t>(length, 1);
    std::string_view character = text.substr(0, consumed);
    if (length == 0 || is_control(character)) character = "?";
    if (character.size() > out.size() - written) break;
    std::ranges::copy(character, out.begin() + static_cast<std::ptrdiff_t>(written));
    written += character.size();
    text.remove_prefix(consumed);
  }
  return written;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string clean(std::min(text.size(), max_bytes), '\0');
  clean.resize(make_printable(text, clean));
  return clean;
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view errno_name(int error_number) noexcept {
  const char* name = ::strerrorname_np(error_number);
  return name != nullptr ? name : "unknown errno";
}

std::string describe_errno(int error_number) {
  const char* const text = ::strerrordesc_np(error_number);
  return text != nullptr ? text : "error " + std::to_string(error_number);
}

}  // namespace pamcognito
