#pragma once

#include <string>
#include <string_view>

// Letters, digits and control characters of ASCII. <cctype> is not used, because the locale of the
// host process could widen a grammar.
namespace pamcognito::ascii {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}

constexpr bool is_letter(char c) noexcept {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}

constexpr bool is_alphanumeric(char c) noexcept {
  return is_letter(c) || is_digit(c);
}

constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Changes ASCII letters only.
inline std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = lower(c);
  return lowered;
}

}  // namespace pamcognito::ascii
