#pragma once

#include <string>

#include "common/outcome.h"

namespace pamcognito::cli {

// A sentence for the outcome of a sign-in.
std::string outcome_text(Outcome outcome);

}  // namespace pamcognito::cli
