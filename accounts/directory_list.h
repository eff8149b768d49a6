#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "accounts/keeper.h"

// Lists of the user pool's groups, which cognitod-directory reads with the machine's role.
//
// The sender is not trusted: root's configuration decides which groups count, which names may get
// an account, and how many. A list binds no account to another person, and removes none. It locks
// the accounts of users who are disabled in the pool, and of those who were in the last list and
// are not in this one. If these are half of ten or more, the list is held back: it only locks the
// disabled users, until root accepts it (`cognitoctl directory accept`).
//
// One call is one change: lock, check, write the database, write the image, unlock.
namespace pamcognito::accounts {

// Users of one list at most: ten times `max` of a machine by default.
inline constexpr std::size_t kMaxListedUsers = 100'000;
// A list is held back only if the last one had so many users.
inline constexpr std::size_t kFewestToHold = 10;

struct ListedUser {
  std::string name;  // the Linux name
  std::string sub;
  bool enabled = false;
  std::vector<std::string> groups;          // those of the list's groups that the user is in
  std::optional<uid_t> uid = std::nullopt;  // of the pool's attribute, as in SignIn
};

struct DirectoryList {
  std::string pool;
  std::vector<std::string> groups;  // as [directory] of accounts.conf has them, in its order
  std::vector<ListedUser> users;
};

struct ListResult {
  bool held = false;
  std::size_t before = 0;  // users of the last list who have an account
  std::size_t gone = 0;    // of them: not in this list
  std::vector<std::string> added;
  std::vector<std::string> locked;
  std::vector<std::string> unlocked;
  std::vector<uid_t> locked_uids;
  std::size_t changed = 0;  // accounts that were added or have other values than before
  std::vector<Error> refused;
};

// Refused as a whole, and without any change: a malformed list, or one of other groups than root's.
Result<ListResult> take_list(const std::string& root, const DirectoryList& list);

struct DirectoryStatus {
  std::int64_t at = 0;              // of the last whole list, UNIX seconds; 0: there was none
  std::int64_t held_at = 0;         // since when lists are held back; 0: none is
  std::size_t users = 0;            // of the last list who have an account
  std::vector<std::string> gone;    // of them: those that the list lacks that is held back
  std::vector<std::string> groups;  // of [directory]
};
Result<DirectoryStatus> directory_status(const std::string& root);

// Locks the accounts of the users whom the list lacks that is held back. The next list is compared
// with what is left. Without such a list nothing changes.
struct AcceptResult {
  std::vector<std::string> locked;
  std::vector<uid_t> locked_uids;
  bool changed = false;
};
Result<AcceptResult> accept_list(const std::string& root);

}  // namespace pamcognito::accounts
