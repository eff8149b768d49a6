#pragma once

#include <systemd/sd-bus.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

// Dictionaries of the bus (a{sv}), read with bounds and written. Errors are negative errno values.
namespace pamcognito::bus {

inline constexpr std::size_t kMaxKey = 64;

// The values of known keys. A value of another type, or a longer text, is an error.
std::expected<std::uint32_t, int> read_number(sd_bus_message* message);
std::expected<bool, int> read_bool(sd_bus_message* message);
std::expected<std::string, int> read_text(sd_bus_message* message);
// Skips a key of a newer caller if its value is a number or a short text. Any other value is an
// error, so that no caller makes the daemon keep more.
int skip_unknown(sd_bus_message* message);

// Calls `read_value` for each of at most 32 keys, of at most kMaxKey bytes; its negative result
// ends the reading.
int read_dictionary(sd_bus_message* message,
                    const std::function<int(sd_bus_message*, std::string_view key)>& read_value);

// One entry of an a{sv} that is open in `message`.
int append_text(sd_bus_message* message, const char* key, std::string_view value);
int append_bool(sd_bus_message* message, const char* key, bool value);
int append_u32(sd_bus_message* message, const char* key, std::uint64_t value);  // capped
int append_u64(sd_bus_message* message, const char* key, std::uint64_t value);

}  // namespace pamcognito::bus
