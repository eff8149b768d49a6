#include "common/password_and_code.h"

#include <cstddef>

#include "common/blank.h"

namespace pamcognito {
namespace {

// True for six digits with any number of blanks.
bool is_a_code(std::string_view text) noexcept {
  constexpr unsigned digits_of_a_code = 6;
  unsigned digits = 0;
  while (!text.empty()) {
    const std::size_t blank = blank_at_front(text);
    if (blank == 0 && (text.front() < '0' || text.front() > '9')) return false;
    if (blank == 0) ++digits;
    text.remove_prefix(blank == 0 ? 1 : blank);
  }
  return digits == digits_of_a_code;
}

}  // namespace

std::optional<PasswordAndCode> split_password_and_code(std::string_view answer) noexcept {
  const std::size_t plus = answer.rfind('+');
  if (plus == std::string_view::npos || plus == 0) return std::nullopt;
  const std::string_view code = answer.substr(plus + 1);
  if (!is_a_code(code)) return std::nullopt;
  return PasswordAndCode{answer.substr(0, plus), code};
}

}  // namespace pamcognito
