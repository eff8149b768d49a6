#include "daemon/flows/code.h"

#include <algorithm>
#include <cstddef>

#include "common/ascii.h"
#include "common/text.h"

namespace pamcognito::flows {
namespace {

// The length of the well-formed UTF-8 sequence (RFC 3629) at the front of `text`; 0: malformed.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned char second_low = 0x80;
  unsigned char second_high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) second_low = 0xA0;   // overlong
    if (first == 0xED) second_high = 0x9F;  // surrogates
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) second_low = 0x90;   // overlong
    if (first == 0xF4) second_high = 0x8F;  // beyond U+10FFFF
  }
  if (length == 0 || text.size() < length) return 0;
  if (byte(1) < second_low || byte(1) > second_high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return length;
}

}  // namespace

std::optional<std::string_view> code_in(std::string_view answer, CodeForm form) {
  const std::string_view code = trimmed(answer);
  const bool length_fits =
      form == CodeForm::totp ? code.size() == 6 : code.size() >= 4 && code.size() <= 10;
  if (!length_fits || !std::ranges::all_of(code, ascii::is_digit)) return std::nullopt;
  return code;
}

bool is_blank(std::string_view answer) {
  return trimmed(answer).empty();
}

bool is_typed_text(std::string_view answer) {
  if (answer.empty()) return false;
  while (!answer.empty()) {
    const auto first = static_cast<unsigned char>(answer.front());
    if (first < 0x20 || first == 0x7F) return false;
    const std::size_t length = utf8_sequence(answer);
    if (length == 0) return false;
    answer.remove_prefix(length);
  }
  return true;
}

}  // namespace pamcognito::flows
