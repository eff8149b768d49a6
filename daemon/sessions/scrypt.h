#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pamcognito::sessions {

// scrypt's cost parameters, as RFC 7914 names them. The memory is 128 * N * r bytes: 32 MiB here.
struct ScryptCost {
  std::uint64_t n = 1U << 15U;
  std::uint64_t r = 8;
  std::uint64_t p = 1;
};

// Fills `hash`. Any thread. False: no memory.
bool scrypt(std::string_view password, std::span<const std::uint8_t> salt, const ScryptCost& cost,
            std::span<std::uint8_t> hash) noexcept;

}  // namespace pamcognito::sessions
