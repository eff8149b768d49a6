#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/frame.h"

namespace pamcognito::bus {

std::string hexadecimal(std::span<const std::uint8_t> bytes);
// 32 hexadecimal digits; nullopt: not of that form.
std::optional<SignInId> session_id_in(std::string_view text);

}  // namespace pamcognito::bus
