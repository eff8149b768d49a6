#include "common/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace pamcognito {
namespace {

// Returns the length of the well-formed UTF-8 character at the front of `text`, or 0. The ranges
// are those of table 3-7 of the Unicode standard, which excludes overlong forms, surrogates and
// values above U+10FFFF.
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

// Decodes a well-formed character.
char32_t code_point(std::string_view character) noexcept {
  // The lead byte of n bytes holds 7 - n bits; of one byte, 7.
  constexpr std::array<std::uint8_t, 5> lead_bits = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t value = static_cast<std::uint8_t>(character[0]) & lead_bits[character.size()];
  for (const char next : character.substr(1))
    value = (value << 6U) | (static_cast<std::uint8_t>(next) & 0x3FU);
  return value;
}

struct Range {
  char32_t first;
  char32_t last;
};

// Control characters, and invisible characters that change how the text around them is read: the
// bidirectional controls (Unicode annex 9), the separators of lines and paragraphs, and the format
// characters of the general category Cf that have no width. The joiners U+200C and U+200D are not
// among them, because Persian, Hindi and emoji need them.
constexpr std::array kUnprintable = {
    Range{0x0000, 0x0009},   Range{0x000B, 0x001F},  // C0 except newline
    Range{0x007F, 0x009F},                           // DEL, C1 (U+0085 is "next line")
    Range{0x00AD, 0x00AD},                           // soft hyphen
    Range{0x061C, 0x061C},                           // Arabic letter mark
    Range{0x180E, 0x180E},                           // Mongolian vowel separator
    Range{0x200B, 0x200B},                           // zero width space
    Range{0x200E, 0x200F},                           // left-to-right and right-to-left mark
    Range{0x2028, 0x202E},                           // separators, embeddings, overrides
    Range{0x2060, 0x206F},                           // word joiner, isolates, deprecated ones
    Range{0xFEFF, 0xFEFF},                           // zero width no-break space
    Range{0xFFF9, 0xFFFB},                           // interlinear annotation
    Range{0xE0000, 0xE007F},                         // tags
};

bool is_unprintable(std::string_view character) noexcept {
  const char32_t value = code_point(character);
  return std::ranges::any_of(kUnprintable, [value](const Range& range) {
    return range.first <= value && value <= range.last;
  });
}

}  // namespace

std::size_t make_printable(std::string_view text, std::span<char> out) noexcept {
  std::size_t written = 0;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::size_t consumed = std::max<std::size_t>(length, 1);
    std::string_view character = text.substr(0, consumed);
    if (length == 0 || is_unprintable(character)) character = "?";
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
