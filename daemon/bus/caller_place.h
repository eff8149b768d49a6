#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <string>

#include "daemon/runtime/task.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::bus {

// The login that the sender of a message belongs to: the session of its process, by systemd-logind,
// if the session is a login of `uid` itself. cognitod sees no more of a process than the bus daemon
// tells; logind goes by the process's cgroup, which a user without root cannot choose. Whatever is
// not known (no session, another user's, one without a seat and without a remote host, no answer in
// time) is CallerPlace::Kind::unknown.
//
// The bus daemon gives the pid of the process that connected. A process that ended since, and whose
// number a process in another login of the same user has now, is taken for that one: whoever can
// bring that about already runs programs as this user, and needs the password all the same.
runtime::Task<sign_in::CallerPlace> place_of_sender(sd_bus* bus, std::string unique_name,
                                                    uid_t uid);

}  // namespace pamcognito::bus
