#include "accounts/directory_list.h"

#include <algorithm>
#include <ctime>
#include <expected>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "accounts/files.h"
#include "accounts/names.h"
#include "accounts/operation.h"
#include "accounts/rules.h"
#include "accounts/store.h"

namespace pamcognito::accounts {
namespace {

constexpr std::size_t kMaxStoredGroups = 100;  // of one account (Cognito's quota for a user)

// The users of a list by their Linux name. Two persons of the pool may lead to one name.
using ByName = std::map<std::string, std::vector<const ListedUser*>, std::less<>>;

std::unexpected<Error> malformed(std::string_view what) {
  return refused(Refusal::malformed, std::string("The list of the directory has ") +
                                         std::string(what) + ": see the log of cognitod-directory");
}

bool is_known_group(const DirectoryList& list, const std::string& group) {
  return std::ranges::find(list.groups, group) != list.groups.end();
}

Result<void> check_user(const DirectoryList& list, const ListedUser& user,
                        std::set<std::string, std::less<>>& subs) {
  if (!is_name(user.name)) return malformed("a malformed name");
  if (!is_sub(user.sub)) return malformed("a malformed sub");
  if (!subs.insert(user.sub).second) return malformed("a person twice");
  if (user.groups.empty()) return malformed("a user without a group");
  for (const std::string& group : user.groups)
    if (!is_known_group(list, group)) return malformed("a group that was not asked for");
  return {};
}

Result<void> check_list(const Settings& settings, const DirectoryList& list) {
  if (settings.directory_groups.empty())
    return refused(Refusal::bad_configuration,
                   "accounts.conf has no `groups` in [directory]: add the Cognito groups whose "
                   "members get accounts");
  if (list.groups != settings.directory_groups)
    return refused(Refusal::bad_configuration,
                   "The list is of other groups than [directory] of accounts.conf has: the next "
                   "one is of these");
  if (!is_pool(list.pool)) return malformed("a malformed id of a user pool");
  if (list.users.size() > kMaxListedUsers) return malformed("too many users");
  std::set<std::string, std::less<>> subs;
  for (const ListedUser& user : list.users)
    if (auto good = check_user(list, user, subs); !good) return good;
  return {};
}

SignIn sign_in_of(const DirectoryList& list, const ListedUser& user) {
  return {.name = user.name,
          .pool = list.pool,
          .sub = user.sub,
          .cognito_groups = user.groups,
          .uid = user.uid};
}

// The person of the list to whom the account belongs; nullptr: the person is not in the list.
const ListedUser* person_of(const DirectoryList& list, const ByName& listed,
                            const Account& account) {
  const auto found = listed.find(account.name);
  if (found == listed.end()) return nullptr;
  if (account.sub.empty()) return found->second.size() == 1 ? found->second.front() : nullptr;
  if (account.pool != list.pool) return nullptr;
  const auto same = std::ranges::find(found->second, account.sub, &ListedUser::sub);
  return same == found->second.end() ? nullptr : *same;
}

// The list has its own groups alone; a sign-in of the user has reported the remaining ones.
std::vector<std::string> merged_groups(const DirectoryList& list, const Account& account,
                                       const ListedUser& user) {
  std::vector<std::string> groups = user.groups;
  for (const std::string& group : account.cognito_groups)
    if (!is_known_group(list, group) && groups.size() < kMaxStoredGroups) groups.push_back(group);
  return groups;
}

class Taker {
 public:
  Taker(const std::string& root, Operation& operation, const DirectoryList& list)
      : root_(root), operation_(operation), list_(list) {
    for (const ListedUser& user : list.users) listed_[user.name].push_back(&user);
  }

  ListResult take() {
    lock_disabled();
    DirectoryRecord& directory = operation_.content.directory;
    find_gone(directory);
    directory.at = static_cast<std::int64_t>(std::time(nullptr));
    result_.held = result_.before >= kFewestToHold && result_.gone * 2 >= result_.before;
    if (result_.held) {
      if (directory.held_at == 0) directory.held_at = directory.at;
    } else {
      directory.held_at = 0;
      for (const auto& [name, gone] : directory.users)
        if (gone) lock(name);
      directory.users.clear();
      for (const auto& [name, persons] : listed_) take_name(name, persons);
    }
    operation_.keep_directory();
    return std::move(result_);
  }

 private:
  void lock(const std::string& name) {
    const auto locked = set_state(operation_, name, State::locked, kLockedByPool);
    if (!locked) return;
    // Also if it was locked before: sessions may have been left.
    result_.locked_uids.push_back(locked->account.uid);
    if (!locked->changed) return;
    result_.locked.push_back(name);
    ++result_.changed;
  }

  void lock_disabled() {
    for (const auto& [name, persons] : listed_) {
      const auto found = operation_.content.accounts.find(name);
      if (found == operation_.content.accounts.end()) continue;
      const ListedUser* const person = person_of(list_, listed_, found->second);
      if (person != nullptr && !person->enabled) lock(name);
    }
  }

  // Marks the users of the last list that this one lacks, and forgets those without an account.
  void find_gone(DirectoryRecord& directory) {
    std::erase_if(directory.users, [&](const auto& user) {
      return !operation_.content.accounts.contains(user.first);
    });
    for (auto& [name, gone] : directory.users) {
      const Account& account = operation_.content.accounts.find(name)->second;
      gone = person_of(list_, listed_, account) == nullptr;
      if (gone) ++result_.gone;
    }
    result_.before = directory.users.size();
  }

  void take_name(const std::string& name, const std::vector<const ListedUser*>& persons) {
    const auto found = operation_.content.accounts.find(name);
    if (found == operation_.content.accounts.end()) {
      take_new(persons);
      return;
    }
    const ListedUser* const person = person_of(list_, listed_, found->second);
    Account active = found->second;
    active.state = State::active;
    for (const ListedUser* const other : persons) {
      if (other == person) continue;
      if (auto known = check_known(operation_, active, sign_in_of(list_, *other)); !known)
        result_.refused.push_back(std::move(known.error()));
    }
    if (person == nullptr) return;
    take_known(found->second, *person);
  }

  void take_known(Account account, const ListedUser& person) {
    if (!person.enabled) {
      operation_.content.directory.users.emplace(account.name, false);
      return;
    }
    bool changed = false;
    if (account.state == State::locked && account.locked_by == kLockedByPool) {
      account.state = State::active;
      account.locked_by.clear();
      changed = true;
    }
    const bool is_locked = account.state == State::locked;
    if (auto known = check_known(operation_, account, sign_in_of(list_, person));
        !known && !is_locked) {
      result_.refused.push_back(std::move(known.error()));
      return;
    }
    operation_.content.directory.users.emplace(account.name, false);
    // The administrator's lock is the administrator's to take back.
    if (is_locked) return;
    if (changed) result_.unlocked.push_back(account.name);
    std::vector<std::string> groups =
        groups_to_store(operation_.settings, merged_groups(list_, account, person));
    changed = changed || account.sub != person.sub || account.cognito_groups != groups;
    if (!changed) return;
    account.pool = list_.pool;
    account.sub = person.sub;
    account.cognito_groups = std::move(groups);
    ++result_.changed;
    operation_.put(account);
  }

  void take_new(const std::vector<const ListedUser*>& persons) {
    const ListedUser& person = *persons.front();
    if (persons.size() > 1) {
      result_.refused.push_back(
          {Refusal::sub_differs, person.name +
                                     " is the name of several users of the pool: rename all but "
                                     "one of them"});
      return;
    }
    // The account of a disabled user would be locked from its beginning.
    if (!person.enabled) return;
    auto made = new_account(root_, operation_, sign_in_of(list_, person));
    if (!made) {
      result_.refused.push_back(std::move(made.error()));
      return;
    }
    Account& account = *made;
    account.pool = list_.pool;
    account.sub = person.sub;
    account.cognito_groups = groups_to_store(operation_.settings, person.groups);
    operation_.put(account);
    operation_.content.directory.users.emplace(account.name, false);
    result_.added.push_back(account.name);
    ++result_.changed;
  }

  const std::string& root_;
  Operation& operation_;
  const DirectoryList& list_;
  ByName listed_;
  ListResult result_;
};

}  // namespace

Result<ListResult> take_list(const std::string& root, const DirectoryList& list) {
  auto operation = Operation::begin(root, Operation::Start::usual);
  if (!operation) return std::unexpected(operation.error());
  if (const auto good = check_list(operation->settings, list); !good)
    return std::unexpected(good.error());
  ListResult result = Taker(root, *operation, list).take();
  if (const auto stored = operation->finish(); !stored) return std::unexpected(stored.error());
  return result;
}

Result<DirectoryStatus> directory_status(const std::string& root) {
  const auto operation = Operation::begin(root, Operation::Start::usual);
  if (!operation) return std::unexpected(operation.error());
  const DirectoryRecord& directory = operation->content.directory;
  DirectoryStatus status;
  status.at = directory.at;
  status.held_at = directory.held_at;
  status.users = directory.users.size();
  status.groups = operation->settings.directory_groups;
  if (directory.held_at == 0) return status;
  for (const auto& [name, gone] : directory.users)
    if (gone) status.gone.push_back(name);
  return status;
}

Result<AcceptResult> accept_list(const std::string& root) {
  auto operation = Operation::begin(root, Operation::Start::usual);
  if (!operation) return std::unexpected(operation.error());
  AcceptResult result;
  DirectoryRecord& directory = operation->content.directory;
  if (directory.held_at == 0) return result;
  std::set<std::string> gone;
  for (const auto& [name, is_gone] : directory.users)
    if (is_gone) gone.insert(name);
  for (const std::string& name : gone) {
    directory.users.erase(name);
    const auto locked = set_state(*operation, name, State::locked, kLockedByPool);
    if (!locked) continue;  // removed since
    result.locked_uids.push_back(locked->account.uid);
    if (locked->changed) result.locked.push_back(name);
  }
  directory.held_at = 0;
  operation->keep_directory();
  result.changed = true;
  if (const auto stored = operation->finish(); !stored) return std::unexpected(stored.error());
  return result;
}

}  // namespace pamcognito::accounts
