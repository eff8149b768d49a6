#pragma once

#include <string>

#include "common/outcome.h"

namespace pamcognito::cli {

// How a sign-in ended, as a person says it.
std::string outcome_text(Outcome outcome);

}  // namespace pamcognito::cli
