#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "common/fd.h"

// Takes changes from cognitod on the socket that systemd has opened, and makes them.
namespace pamcognito::accounts {

struct ServerSettings {
  std::string root;    // prefix of the accounts' paths; empty on a machine
  uid_t cognitod = 0;  // the uid that may connect besides root's
  std::chrono::seconds idle = std::chrono::seconds(60);  // without a connection: the end
};

// Runs until nobody has connected for `idle`. Returns the exit status.
int serve(Fd listener, const ServerSettings& settings);

}  // namespace pamcognito::accounts
