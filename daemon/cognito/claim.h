#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pamcognito::cognito {

// A claim of a token whose signature and claims were checked. nullopt: absent, no text, or longer.
std::optional<std::string> text_claim(std::string_view token, const std::string& name,
                                      std::size_t max_bytes);

}  // namespace pamcognito::cognito
