#include "directory/linux_name.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "common/ascii.h"
#include "daemon/policy/access.h"
#include "nss/accounts_format.h"

namespace pamcognito::directory {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return ascii::lower(c); });
  return result;
}

}  // namespace

std::optional<std::string> linux_name(const policy::AccessConfig& access, const PoolUser& user) {
  std::string claim = user.username;
  if (access.identity == policy::Identity::pinned) return std::nullopt;
  if (access.identity == policy::Identity::email) claim = user.email_verified ? user.email : "";
  if (!access.case_sensitive) claim = lower(claim);
  // The template with an empty name, and with a name of one character: the difference is the number
  // of times that it has the name.
  const auto made = [&](std::string_view name) {
    const std::string text = policy::cognito_username(access, name);
    return access.case_sensitive ? text : lower(text);
  };
  const std::string_view rest = access.cognito_username;
  const std::size_t fixed = made("").size();
  const std::size_t times = made("x").size() - fixed;
  if (times == 0 || claim.size() <= fixed || (claim.size() - fixed) % times != 0)
    return std::nullopt;
  // The text before the first %u, in which %% is one character.
  std::size_t before = 0;
  for (std::size_t i = 0; i < rest.size() && !rest.substr(i).starts_with("%u"); ++before)
    i += rest[i] == '%' ? 2U : 1U;
  const std::size_t size = (claim.size() - fixed) / times;
  if (before > claim.size()) return std::nullopt;
  std::string name = claim.substr(before, size);
  if (!accounts::is_account_name(name.data(), name.size()) || made(name) != claim)
    return std::nullopt;
  return name;
}

}  // namespace pamcognito::directory
