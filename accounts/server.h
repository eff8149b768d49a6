#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "common/fd.h"

// The services of cognitod-accounts on the socket that systemd has opened: changes of cognitod, and
// the lists of cognitod-directory. Each has a process of its own.
namespace pamcognito::accounts {

struct ServerSettings {
  std::string root;  // prefix of the accounts' paths; empty on a machine
  uid_t peer = 0;    // the uid that may connect besides root's
  std::chrono::seconds idle = std::chrono::seconds(60);  // without a connection: the end
};

// Runs until nobody has connected for `idle`. Returns the exit status.
int serve(Fd listener, const ServerSettings& settings);
int serve_lists(Fd listener, const ServerSettings& settings);

// Levels of the journal (sd-daemon(3)).
inline constexpr char kError[] = "<3>";
inline constexpr char kWarning[] = "<4>";
inline constexpr char kNotice[] = "<5>";
inline constexpr char kInfo[] = "<6>";
inline constexpr char kDebug[] = "<7>";

// Writes one line, whatever a peer has sent.
void log(const char* level, std::string_view text);

// Tells whether root or `peer` has connected. Another uid is logged.
bool is_permitted(int socket, uid_t peer);

}  // namespace pamcognito::accounts
