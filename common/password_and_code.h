#pragma once

#include <optional>
#include <string_view>

namespace pamcognito {

// The answer to a caller's only prompt: the password, a literal '+', six digits at the very end,
// with blanks (blank.h) between, before and behind the digits or without. Module and daemon split
// it alike, or they would hold two passwords for the right one.
struct PasswordAndCode {
  std::string_view password;  // not empty
  std::string_view code;      // as typed, with its blanks
};

// Into views of `answer`. nullopt: it has another form.
[[nodiscard]] std::optional<PasswordAndCode> split_password_and_code(
    std::string_view answer) noexcept;

}  // namespace pamcognito
