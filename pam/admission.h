#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>

#include "pam/bus_client.h"
#include "pam/options.h"
#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// What all phases begin and end with.

[[nodiscard]] bool has_flag(int flags, unsigned flag) noexcept;

// Whether a change of a password (with the flags that libpam gave) is root's own, and so one of the
// local password: passwd, chpasswd and adduser as root, with no pool and no daemon. A login program
// runs as root too, but asks for a change of an expired password only.
[[nodiscard]] bool is_of_root(int flags) noexcept;

// Whether the daemon is to be asked about this user; then the user's uid. The error is the PAM code
// if not. A wrong module option is a fault of the service's file: our users get no further,
// everybody else is not affected. `what` begins the log's line.
std::expected<uid_t, int> admit(const Handle& pam, const Options& options, Phase phase,
                                std::string_view what, const std::string& user);

// `uid`: the user's.
Request make_request(const Handle& pam, const std::string& user, uid_t uid, int flags);

// " name=value": a field of a log line. What is foreign in it forges no other field.
std::string log_field(std::string_view name, std::string_view value);

// The one line of an ending.
void log_ending(const Handle& pam, std::string_view what, const Ending& ending,
                const std::string& user);

// Has libpam delay a refusal. What the person could guess at costs time; a daemon that is down does
// not.
void delay_refusal(const Handle& pam, int code) noexcept;

}  // namespace pamcognito::pam
