#include "common/user_name.h"

#include <algorithm>

namespace pamcognito {
namespace {

// Not isalpha(): the host process's locale must not widen the grammar.
constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

bool is_valid_user_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 32) return false;
  if (!is_letter(name.front()) && name.front() != '_') return false;
  return std::ranges::all_of(
      name, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; });
}

}  // namespace pamcognito
