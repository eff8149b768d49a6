#pragma once

#include "common/fd.h"

namespace pamcognito::sessions {

// systemd's descriptor store (sd_pid_notify_with_fds(3), FileDescriptorStoreMax=): what is put
// there comes back to the next daemon of the unit, after SIGKILL, a restart or an upgrade; not
// after stop.
//
// Empty: nothing was kept, or no systemd started this process. Call it once, early: it also closes
// all other descriptors that systemd passed, and removes their variables from the environment.
Fd take_kept_descriptor(const char* name);
// Puts the descriptor there in place of one of that name; does nothing if it is the one that came
// from there. False: there is no store, and the sessions end with this process. A unit without
// FileDescriptorStoreMax= drops it without a message.
bool keep_descriptor(const char* name, int fd);

}  // namespace pamcognito::sessions
