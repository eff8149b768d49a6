#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

namespace pamcognito::pool {

// nullopt when the file cannot be read.
[[nodiscard]] std::optional<std::string> read_file(const std::string& path);
// Replaces the file at once, by a rename, so that no reader sees half of it.
[[nodiscard]] std::expected<void, std::string> write_file(const std::string& path,
                                                          const std::string& contents, mode_t mode);

}  // namespace pamcognito::pool
