#pragma once

#include <optional>
#include <string_view>

namespace pamcognito {

// The answer to the only prompt of a host that can show no second one: the password, a '+', and six
// digits at the end, with or without blanks (blank.h) before, between and after the digits. The
// module and cognitod must split it alike, or they would disagree about the password.
struct PasswordAndCode {
  std::string_view password;  // not empty
  std::string_view code;      // as typed, with blanks
};

// Splits `answer` into views of it. nullopt if it has another form.
[[nodiscard]] std::optional<PasswordAndCode> split_password_and_code(
    std::string_view answer) noexcept;

}  // namespace pamcognito
