#pragma once

#include <optional>
#include <string_view>

#include "daemon/policy/config.h"

namespace pamcognito::bus {

// The stable word of a second factor, for the log and the bus; "none": none was given.
std::string_view factor_word(const std::optional<policy::Method>& factor);

}  // namespace pamcognito::bus
