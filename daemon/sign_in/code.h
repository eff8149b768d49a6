#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pamcognito::sign_in {

// The form of a code. Only an answer of this form is ever sent.
enum class CodeForm : std::uint8_t {
  message,  // SMS or e-mail: 4 to 10 digits
  totp,     // exactly six digits
};

// The code in `answer` without its blanks (common/blank.h): apps show "123 456", phones paste
// invisible characters. nullopt: not of that form.
std::optional<std::string> code_in(std::string_view answer, CodeForm form);

// Nothing but blanks.
bool is_blank(std::string_view answer);

// Text that a person can have typed and a pool can have stored, a password above all: UTF-8, not
// empty, without control bytes. sshd replaces the password of denied and unknown users by a decoy
// with control bytes.
bool is_typed_text(std::string_view answer);

}  // namespace pamcognito::sign_in
