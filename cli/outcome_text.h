#pragma once

#include <string>

#include "cli/failure.h"
#include "common/outcome.h"

namespace pamcognito::cli {

// A sentence for the outcome of a sign-in.
std::string outcome_text(Outcome outcome);
// The exit status of a command whose sign-in ended so.
ExitCode exit_code_of(Outcome outcome);

}  // namespace pamcognito::cli
