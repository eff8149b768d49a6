#pragma once

#include <optional>
#include <string>

#include "common/frame.h"
#include "pam/handle.h"

namespace pamcognito::pam {

// What authentication leaves for open_session, which sshd calls in another process: PAM data does
// not cross, the PAM environment does. It names the sign-in, and the transaction's id for the log.
//
// It is no secret to keep from the person: nobody but root may open a login on the bus, and the
// daemon compares the sign-in's user with the login's, and takes each sign-in once. So whoever can
// set variables here (pam_env reads a file of the user's in some stacks) can at most lose their own
// login's binding. It is removed all the same before the host hands the environment to a shell.
// A host that never opens a session (a greeter's unlock) never hands the environment to anybody.
struct Ticket {
  SignInId sign_in{};
  std::string log_id;
};

// False: libpam refused.
[[nodiscard]] bool leave_ticket(const Handle& pam, const SignInId& sign_in);
// Removes it, whatever it holds. nullopt: there was none, or it is malformed.
std::optional<Ticket> take_ticket(const Handle& pam);

}  // namespace pamcognito::pam
