#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "common/membership.h"
#include "pam/result.h"
#include "pam/transaction.h"

// The beginning of every phase: the arguments of the line, and whether cognitod is asked about the
// user at all.
namespace pamcognito::pam {

// How the first question for a password uses the password that an earlier module has stored.
enum class FirstPass : unsigned char {
  ignore,  // ask the user
  must,    // use_first_pass: use PAM_AUTHTOK; without one, refuse
  may,     // try_first_pass: use PAM_AUTHTOK; without one, ask
  spent,   // use_first_pass, after the password was used: ask for no other
};

// The task of one line of a PAM stack.
enum class Task : std::uint8_t {
  decide,     // sign in, check the account, change the password
  route,      // say whether the user is a Cognito user, and nothing else
  emergency,  // note that pam_unix has accepted the local password
};

// The arguments of a line in a PAM service file. There are none for paths, so no service can use
// its own users.conf, bus or cognitod.
struct Options {
  FirstPass first_pass = FirstPass::ignore;
  Task task = Task::decide;
  bool debug = false;
  std::string unknown;  // the first unknown argument; if there is one, nothing succeeds
};

// A line has one task: a second task counts as an unknown argument.
Options parse_options(std::span<const char* const> arguments);

[[nodiscard]] bool has_flag(int flags, unsigned flag) noexcept;

// Tells, by the flags from libpam, whether root changes a password: passwd, chpasswd or adduser as
// root. Such a password is the local one, and neither the pool nor cognitod is needed. A login
// program runs as root too, but asks only for a change of an expired password.
[[nodiscard]] bool is_change_by_root(int flags) noexcept;

// Tells whether a sign-in here may make the account of a user who has none: root's program asks,
// started by root. A console or a greeter names a terminal and no remote host.
[[nodiscard]] FirstLogin first_login_of(const Handle& pam);

// Decides whether cognitod is asked about this user. Returns the user, or the PAM code if cognitod
// is not asked. A wrong module option refuses Cognito users and does not affect other users. `what`
// is the beginning of the log line. A user in the range of accounts.conf is admitted only with an
// active record, in each phase, also after a sign-in. The exception is `first_login`, for the
// authentication alone.
std::expected<CognitoUser, int> admit(const Handle& pam, const Options& options, Phase phase,
                                      std::string_view what, const std::string& user,
                                      FirstLogin first_login = FirstLogin::no);

}  // namespace pamcognito::pam
