#pragma once

#include <systemd/sd-bus.h>

#include "cli/failure.h"

namespace pamcognito::cli {

// What an error reply of the daemon, or of the bus on its way there, means for the person.
Failure failure_of_reply(const sd_bus_error& error);

// What a negative errno of libsystemd means.
Failure failure_of_errno(int error);

}  // namespace pamcognito::cli
