#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <string>

#include "daemon/runtime/task.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::bus {

// Finds the login that the sender of a message belongs to: the systemd-logind session of its
// process, if that session is a login of `uid` itself. cognitod sees no more of a process than the
// bus daemon tells; logind goes by the process's cgroup, which a user without root cannot choose.
// The result is CallerPlace::Kind::unknown if there is no session, if it is another user's, if it
// has neither a seat nor a remote host, or if logind does not answer in time.
//
// The bus daemon gives the pid of the process that connected. If that process has ended and its
// number belongs to a process in another login of the same user, that login is taken. A user who
// can arrange that already runs programs as this user, and still needs the password.
runtime::Task<sign_in::CallerPlace> place_of_sender(sd_bus* bus, std::string unique_name,
                                                    uid_t uid);

}  // namespace pamcognito::bus
