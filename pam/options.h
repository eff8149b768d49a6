#pragma once

#include <cstdint>
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

// The task of one line of a PAM stack.
enum class Task : std::uint8_t {
  decide,     // sign in, check the account, change the password
  route,      // say whether the user is a Cognito user, and nothing else (route.h)
  emergency,  // note that pam_unix has accepted the local password (route.h)
};

// The module's arguments in the PAM service file. Paths are fixed, so that no service can have
// users, a bus or a daemon of its own.
struct Options {
  FirstPass first_pass = FirstPass::ignore;
  Task task = Task::decide;
  bool debug = false;
  std::string unknown;  // the first argument that is none of ours; then nothing must succeed
};

// `route` and `emergency` exclude each other: the second of them counts as unknown.
Options parse_options(std::span<const char* const> arguments);

}  // namespace pamcognito::pam
