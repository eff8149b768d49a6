#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace pamcognito {

// Reads a small file that only root can have written, such as the module's configuration.
//
// The file must be a regular file of root's, neither group- nor world-writable, and at most
// max_bytes long; a symbolic link in the last component is refused. Returns nullopt for ENOENT and
// for no other error. The error begins with the path and says what is wrong.
std::expected<std::optional<std::string>, std::string> read_root_file(const char* path,
                                                                      std::size_t max_bytes);

// The key and the value of a line "key = value", without blanks around them.
struct KeyValue {
  std::string_view key;
  std::string_view value;
};
// nullopt if the line has no '='.
std::optional<KeyValue> split_key_value(std::string_view line) noexcept;

}  // namespace pamcognito
