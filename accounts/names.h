#pragma once

#include <string_view>

#include "accounts/keeper.h"
#include "accounts/local_files.h"
#include "accounts/settings.h"

// Which names may get an account.
namespace pamcognito::accounts {

[[nodiscard]] bool is_name(std::string_view name) noexcept;
// The characters of names, '*' and '?'.
[[nodiscard]] bool is_glob(std::string_view text) noexcept;
// '*': any characters, also none; '?': one. The whole name must match.
[[nodiscard]] bool matches(std::string_view glob, std::string_view name) noexcept;

// `any_name`: an administrator has chosen the name, so it needs neither `names` nor '.', prefix or
// suffix.
Result<void> check_new_name(const Settings& settings, const LocalFiles& local,
                            std::string_view name, bool any_name);

}  // namespace pamcognito::accounts
