#pragma once

#include <limits.h>
#include <unistd.h>

#include <array>
#include <string>

namespace pamcognito::runtime {

// This machine's name, for the people and the triggers of the pool.
inline std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace pamcognito::runtime
