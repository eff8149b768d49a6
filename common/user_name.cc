#include "common/user_name.h"

#include <algorithm>

#include "common/ascii.h"

namespace pamcognito {

bool is_valid_user_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 32) return false;
  if (!ascii::is_letter(name.front()) && name.front() != '_') return false;
  return std::ranges::all_of(
      name, [](char c) { return ascii::is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

}  // namespace pamcognito
