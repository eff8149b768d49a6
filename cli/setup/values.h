#pragma once

#include <string>

#include "cli/commands/commands.h"
#include "cli/doctor/checks.h"
#include "cli/failure.h"

namespace pamcognito::cli {

// The pool, judged with these values and with the other settings of this machine, such as a proxy.
// The error: the values are no configuration, or another file has a fault. Nothing is left behind,
// whatever ends the process.
Result<Findings> check_values(const std::string& root, const SetUpOptions& options);

// The text with the names of setup's options instead of those of cognitod.conf:
// "`client_id` of [pool]" becomes "--client".
std::string with_option_names(std::string text);

// The app client needs a secret, and this machine has none.
bool lacks_secret(const std::string& root, const Findings& findings);

}  // namespace pamcognito::cli
