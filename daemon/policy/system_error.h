#pragma once

#include <cstring>
#include <string>

namespace pamcognito::policy {

// "No such file or directory" for ENOENT, whatever the locale, and from any thread.
inline std::string describe_errno(int error) {
  const char* const text = ::strerrordesc_np(error);
  return text != nullptr ? text : "error " + std::to_string(error);
}

}  // namespace pamcognito::policy
