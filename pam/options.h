#pragma once

#include <span>
#include <string>

namespace pamcognito::pam {

// How an earlier module's password is used for the first question about a password.
enum class FirstPass : unsigned char {
  ignore,  // ask
  must,    // use_first_pass: take PAM_AUTHTOK; without one the sign-in is refused
  may,     // try_first_pass: take PAM_AUTHTOK; without one ask
  spent,   // use_first_pass, and the password was given: another is not asked for
};

// The module's arguments in the PAM service file. Paths are fixed, so that no service can have
// users, a bus or a daemon of its own.
struct Options {
  FirstPass first_pass = FirstPass::ignore;
  bool debug = false;
  std::string unknown;  // the first argument that is none of ours; then nothing must succeed
};

Options parse_options(std::span<const char* const> arguments);

}  // namespace pamcognito::pam
