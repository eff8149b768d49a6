#pragma once

#include <expected>
#include <string>
#include <vector>

namespace pamcognito::policy {

struct ConfigText {
  std::string path;
  std::string text;
};

// Reads `path`, then `path`.d/*.conf in the byte order of their names; other names there are not
// read, as in other drop-in directories. Files and directory belong to root, or to the user of this
// process (a daemon that is run for a test), and neither group nor others may write to them. A file
// is regular and has at most 256 KiB. The error names the file and what to do.
std::expected<std::vector<ConfigText>, std::string> read_config_files(const std::string& path);

}  // namespace pamcognito::policy
