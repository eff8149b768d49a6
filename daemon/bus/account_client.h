#pragma once

#include <expected>
#include <string>
#include <vector>

#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/task.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::bus {

// Reports a verified sign-in of a user without a local account to cognitod-accounts, and waits for
// its reply for 5 s at most: the account is stored then, and its file is in place.
runtime::Task<std::expected<void, sign_in::StoreFailure>> store_account(
    runtime::EventLoop* loop, std::string pool_id, std::string user, std::string sub,
    std::vector<std::string> groups, sign_in::AccountClaims claims);

// Reports that the pool has disabled or deleted a user. cognitod-accounts locks the account if it
// keeps one of this name. Does not wait: the program reads a request also after its sender has
// gone, before each later one, and logs what it did.
void report_disabled(const std::string& user);

}  // namespace pamcognito::bus
