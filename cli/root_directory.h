#pragma once

#include <optional>
#include <string>

#include "cli/failure.h"

namespace pamcognito::cli {

// The fault of `--root DIR`: a symbolic link leads from one of its directories to a place outside,
// such as the absolute link DIR/var/lib -> /var/lib. A command would change this machine then.
// nullopt: there is no such link, or `root` is empty.
std::optional<Failure> find_root_fault(const std::string& root);

}  // namespace pamcognito::cli
