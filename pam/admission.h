#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "pam/result.h"
#include "pam/transaction.h"

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

// What all phases begin and end with.

[[nodiscard]] bool has_flag(int flags, unsigned flag) noexcept;

// Whether a change of a password (with the flags that libpam gave) is root's own, and so one of the
// local password: passwd, chpasswd and adduser as root, with no pool and no daemon. A login program
// runs as root too, but asks for a change of an expired password only.
[[nodiscard]] bool is_change_by_root(int flags) noexcept;

// Whether the daemon is to be asked about this user; then the user's uid. The error is the PAM code
// if not. A wrong module option is a fault of the service's file: our users get no further,
// everybody else is not affected. `what` begins the log's line.
std::expected<uid_t, int> admit(const Handle& pam, const Options& options, Phase phase,
                                std::string_view what, const std::string& user);

}  // namespace pamcognito::pam
