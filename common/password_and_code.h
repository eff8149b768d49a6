#pragma once

#include <optional>
#include <string_view>

namespace pamcognito {

// The answer to a caller's only prompt: the password, a literal '+', six digits at the very end.
// Module and daemon split it alike, or they would hold two passwords for the right one.
struct PasswordAndCode {
  std::string_view password;  // not empty
  std::string_view code;
};

// Into views of `answer`. nullopt: it has another form.
[[nodiscard]] std::optional<PasswordAndCode> split_password_and_code(
    std::string_view answer) noexcept;

}  // namespace pamcognito
