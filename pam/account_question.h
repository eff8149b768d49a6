#pragma once

#include <optional>

#include "common/deadline.h"
#include "pam/result.h"

namespace pamcognito::pam {

// Asks the daemon about the account on a sign-in's socket, after its acknowledgement and once: a
// host that authenticates and asks for the account (sudo) needs one connection to the bus then.
// nullopt: it is not answered there (the daemon was restarted, or is an older one); ask on the bus.
// The deadline's passing is an answer: a failure.
std::optional<Ending> ask_account(int socket, Deadline deadline);

}  // namespace pamcognito::pam
