#include "daemon/sign_in/code.h"

#include <cstddef>

#include "common/ascii.h"
#include "common/blank.h"

namespace pamcognito::sign_in {
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

std::optional<std::string> code_in(std::string_view answer, CodeForm form) {
  const std::size_t fewest = form == CodeForm::totp ? 6 : 4;
  const std::size_t most = form == CodeForm::totp ? 6 : 10;
  std::string code;
  code.reserve(most);
  while (!answer.empty()) {
    const std::size_t blank = blank_at_front(answer);
    if (blank == 0) {
      if (!ascii::is_digit(answer.front()) || code.size() == most) return std::nullopt;
      code += answer.front();
    }
    answer.remove_prefix(blank == 0 ? 1 : blank);
  }
  if (code.size() < fewest) return std::nullopt;
  return code;
}

bool is_blank(std::string_view answer) {
  while (!answer.empty()) {
    const std::size_t blank = blank_at_front(answer);
    if (blank == 0) return false;
    answer.remove_prefix(blank);
  }
  return true;
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

}  // namespace pamcognito::sign_in
