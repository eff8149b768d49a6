#pragma once

#include <string_view>

#include "accounts/keeper.h"
#include "accounts/local_files.h"
#include "accounts/settings.h"

// Which names may get an account.
namespace pamcognito::accounts {

[[nodiscard]] bool is_name(std::string_view name) noexcept;
// The ids of a user pool and of a person in it.
[[nodiscard]] bool is_pool(std::string_view pool) noexcept;
[[nodiscard]] bool is_sub(std::string_view sub) noexcept;
// The characters of names, '*' and '?'.
[[nodiscard]] bool is_glob(std::string_view text) noexcept;

// A first login makes accounts for users of the pool of accounts.conf, if that has one.
Result<void> check_pool(const Settings& settings, std::string_view pool);

// `any_name`: an administrator has chosen the name, so it needs neither `names` nor '.', prefix or
// suffix.
Result<void> check_new_name(const Settings& settings, const LocalFiles& local,
                            std::string_view name, bool any_name);

}  // namespace pamcognito::accounts
