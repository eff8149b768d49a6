#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace pamcognito {

// Reads a small file that only root can have written: the module's configuration.
//
// The last component is not followed if it is a symbolic link. The file is regular, root's, not
// group- or world-writable, at most max_bytes long. nullopt: ENOENT, and only ENOENT. The error
// says what is wrong with it, and begins with the path.
std::expected<std::optional<std::string>, std::string> read_root_file(const char* path,
                                                                      std::size_t max_bytes);

// A line's key and value: "key = value" with blanks around each. nullopt: there is no '='.
struct KeyValue {
  std::string_view key;
  std::string_view value;
};
std::optional<KeyValue> split_key_value(std::string_view line) noexcept;

}  // namespace pamcognito
