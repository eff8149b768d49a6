#pragma once

#include <systemd/sd-bus.h>

#include "cli/failure.h"

namespace pamcognito::cli {

// Explains an error reply of cognitod, or of the bus on the way to it, to the user.
Failure failure_of_reply(const sd_bus_error& error);

// Explains a negative errno of libsystemd to the user.
Failure failure_of_errno(int error);

}  // namespace pamcognito::cli
