#pragma once

#include <expected>
#include <string>
#include <vector>

namespace pamcognito::policy {

struct ConfigText {
  std::string path;
  std::string text;
};

// `path`, then `path`.d/*.conf in the byte order of their names; other names there are not read, as
// everywhere on the system. Files and directory belong to root, or to the user that this process
// runs as (a daemon that somebody tries out), and neither group nor others may write to them. A
// file is regular and has at most 256 KiB. The error says which file, and what to do.
std::expected<std::vector<ConfigText>, std::string> read_config_files(const std::string& path);

}  // namespace pamcognito::policy
