#pragma once

#include <sys/types.h>

#include <expected>
#include <string>

// The steps outside the accounts file that follow a stored change. Each wait has a deadline of some
// seconds, and a failure takes nothing back. The error is a sentence for the log.
namespace pamcognito::accounts {

// Makes nscd forget users and groups, if it runs: it would answer from its cache for an hour.
std::expected<void, std::string> invalidate_nscd();

// Ends sessions, user manager and lingering of a user (org.freedesktop.login1(5)). A user without
// any of them is no failure.
std::expected<void, std::string> terminate_user(uid_t uid);

}  // namespace pamcognito::accounts
