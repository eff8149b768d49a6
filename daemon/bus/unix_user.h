#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <expected>
#include <string>

#include "daemon/runtime/task.h"

namespace pamcognito::bus {

// The effective uid behind a connection, as the bus daemon knows it. Asked without blocking the
// loop; a negative errno if the connection is gone or the bus daemon does not answer in 2 s.
runtime::Task<std::expected<uid_t, int>> unix_user_of(sd_bus* bus, std::string unique_name);

// The local name of a uid; empty: there is none, or NSS failed. Blocks as NSS blocks: for the
// worker.
std::string user_with_uid(uid_t uid);

// The local name of a uid that belongs to a Cognito user (users.conf, NSS). Empty: a local user, or
// unknown. Blocks as NSS blocks: for the worker.
std::string cognito_user_with_uid(uid_t uid);

}  // namespace pamcognito::bus
