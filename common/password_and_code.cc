#include "common/password_and_code.h"

namespace pamcognito {

std::optional<PasswordAndCode> split_password_and_code(std::string_view answer) noexcept {
  constexpr std::size_t suffix = sizeof("+123456") - 1;
  if (answer.size() <= suffix) return std::nullopt;
  const std::string_view end = answer.substr(answer.size() - suffix);
  const std::string_view code = end.substr(1);
  if (end.front() != '+' || code.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return PasswordAndCode{answer.substr(0, answer.size() - suffix), code};
}

}  // namespace pamcognito
