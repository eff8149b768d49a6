#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <cstdint>
#include <expected>
#include <string>

#include "daemon/limits/origin.h"

namespace pamcognito::bus {

// What a module says of its host process. Believed of root's callers only.
struct Facts {
  Facts() = default;

  uid_t real_uid = static_cast<uid_t>(-1);  // -1: not said
  std::uint32_t login_uid = static_cast<std::uint32_t>(-1);
  std::uint32_t audit_session = static_cast<std::uint32_t>(-1);
  std::string tty;
  std::string remote_host;
  std::string remote_user;
  std::uint32_t pam_flags = 0;
};

// Reads an a{sv}. Unknown keys are skipped if their value is a number or a short text. Any other
// value, a known key of another type, an overlong text and more than 32 facts are errors (a
// negative errno).
std::expected<Facts, int> read_facts(sd_bus_message* message);

// A real uid that is not root's; else the remote host; else this machine.
limits::Origin origin_of(const Facts& facts);

}  // namespace pamcognito::bus
