#pragma once

#include <string>
#include <string_view>

#include "accounts/keeper.h"
#include "accounts/operation.h"

// The rules that sign-ins and the directory's lists have in common (keeper.cc).
namespace pamcognito::accounts {

// The account of a person without one: name, uid and time. Pool, sub and groups are the caller's.
Result<Account> new_account(const std::string& root, Operation& operation, const SignIn& sign_in);

// Whether the account is active and the person's, or nobody's yet.
Result<void> check_known(Operation& operation, const Account& account, const SignIn& sign_in);

// `by`: kLockedByAdministrator or kLockedByPool. The pool unlocks only what it has locked.
Result<Changed> set_state(Operation& operation, std::string_view name, State state, const char* by);

}  // namespace pamcognito::accounts
