#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pamcognito::cognito {

// RFC 4648 section 4, with padding.
std::string base64_encode(std::span<const unsigned char> bytes);

// RFC 4648 section 5 as JWTs have it (RFC 7515 section 2): no padding, no other character, and no
// bits set that belong to no byte. nullopt otherwise.
std::optional<std::string> base64url_decode(std::string_view text);

// Either alphabet, with or without padding: what clients accept as SECRET_BLOCK.
std::optional<std::string> base64_decode_lenient(std::string_view text);

}  // namespace pamcognito::cognito
