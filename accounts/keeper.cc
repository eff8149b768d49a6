#include "accounts/keeper.h"

#include <algorithm>
#include <ctime>
#include <type_traits>
#include <utility>

#include "accounts/document.h"
#include "accounts/files.h"
#include "accounts/fleet_key.h"
#include "accounts/names.h"
#include "accounts/operation.h"
#include "accounts/processes.h"
#include "accounts/rules.h"
#include "common/text.h"

namespace pamcognito::accounts {
namespace {

std::int64_t now() {
  return static_cast<std::int64_t>(std::time(nullptr));
}

std::unexpected<Error> unknown(std::string_view name) {
  return refused(Refusal::unknown_account,
                 "There is no account " + printable(name, 64) + ": see cognitoctl users list");
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

Changed unchanged(const Account& account) {
  Changed result;
  result.account = account;
  return result;
}

Changed changed_to(const Account& account, bool groups_changed = false) {
  return {.account = account, .changed = true, .groups_changed = groups_changed};
}

std::unexpected<Error> retired(const Tombstone& tombstone) {
  if (!tombstone.renamed_to.empty())
    return refused(Refusal::name_retired, tombstone.name + " is the former name of " +
                                              tombstone.renamed_to +
                                              ": sign in as that user, or choose another name");
  return refused(Refusal::name_retired,
                 tombstone.name +
                     " was removed, and its files may exist: choose another name, or "
                     "run cognitoctl users add " +
                     tombstone.name + " --uid " + number(tombstone.uid) +
                     " if it is the same person");
}

// `restored`: the tombstone whose uid its own name gets back.
Result<void> check_uid(Operation& operation, std::string_view name, uid_t uid,
                       const Tombstone* restored) {
  const Settings& settings = operation.settings;
  const std::string who = "The uid " + number(uid) + " of " + std::string(name);
  if (uid < settings.first || uid > settings.last)
    return refused(Refusal::uid_out_of_range,
                   who + " is outside the range " + number(settings.first) + "-" +
                       number(settings.last) + " of accounts.conf: choose another one");
  const std::string choose = ": run cognitoctl users add " + std::string(name) +
                             " --uid with a free uid, the same one on each machine";
  if (const Account* const owner = operation.account_of(uid))
    return refused(Refusal::uid_taken, who + " belongs to " + owner->name + choose);
  if (const Tombstone* const former = operation.tombstone_of(uid, restored))
    return refused(Refusal::uid_taken, who + " belonged to " + former->name + choose);
  if (const auto file = operation.local.user_of(uid))
    return refused(Refusal::uid_taken, who + " is used in " + *file + choose);
  if (const auto file = operation.local.meets(settings.first, settings.last))
    return refused(Refusal::bad_configuration,
                   *file + " uses ids of the range " + number(settings.first) + "-" +
                       number(settings.last) +
                       ": change them, or `range` of accounts.conf, before accounts are added");
  return {};
}

Result<uid_t> uid_by_rule(const std::string& root, const Settings& settings, std::string_view pool,
                          std::string_view name) {
  if (!is_pool(pool))
    return refused(Refusal::malformed,
                   "The uid of " + std::string(name) +
                       " follows from the id of the user pool, which is missing or malformed: set "
                       "[pool] in cognitod.conf, or add --uid");
  const auto key = read_fleet_key(root);
  if (!key) return std::unexpected(key.error());
  return uid_of(key->reveal(), pool, name, settings.first, settings.last);
}

Result<void> check_room(const Operation& operation) {
  if (operation.content.accounts.size() < operation.settings.max) return {};
  return refused(Refusal::full, "There are " + number(operation.settings.max) +
                                    " accounts, the `max` of accounts.conf: remove accounts, or "
                                    "raise it");
}

std::unexpected<Error> has_another(const std::string& name, const std::string& other) {
  return refused(Refusal::sub_has_account, "The person who signs in as " + name +
                                               " has, or had, the account " + other +
                                               ": run cognitoctl users rename " + other + " " +
                                               name + " if the name has changed");
}

}  // namespace

Result<Account> new_account(const std::string& root, Operation& operation, const SignIn& sign_in) {
  const Content& content = operation.content;
  if (const auto tombstone = content.tombstones.find(sign_in.name);
      tombstone != content.tombstones.end())
    return retired(tombstone->second);
  auto good = check_pool(operation.settings, sign_in.pool);
  if (good) good = check_new_name(operation.settings, operation.local, sign_in.name, false);
  if (!good) return std::unexpected(good.error());
  if (const std::string* const other = operation.name_of(sign_in.pool, sign_in.sub))
    return has_another(sign_in.name, *other);
  if (const auto room = check_room(operation); !room) return std::unexpected(room.error());
  Account account;
  account.name = sign_in.name;
  if (!operation.settings.uid_attribute.empty()) {
    if (!sign_in.uid)
      return refused(Refusal::uid_out_of_range,
                     sign_in.name + " has no uid in the attribute " +
                         operation.settings.uid_attribute +
                         " of the user pool: set it there, or run cognitoctl users add " +
                         sign_in.name + " --uid");
    account.uid = *sign_in.uid;
  } else {
    const auto uid = uid_by_rule(root, operation.settings, sign_in.pool, sign_in.name);
    if (!uid) return std::unexpected(uid.error());
    account.uid = *uid;
  }
  if (const auto free = check_uid(operation, account.name, account.uid, nullptr); !free)
    return std::unexpected(free.error());
  account.created_at = now();
  return account;
}

Result<void> check_known(Operation& operation, const Account& account, const SignIn& sign_in) {
  if (account.state == State::locked)
    return refused(Refusal::locked, account.name + " is locked by the " + account.locked_by +
                                        (account.locked_by == kLockedByPool
                                             ? ": enable the user in the user pool"
                                             : ": run cognitoctl users unlock " + account.name));
  if (operation.local.has_name(account.name))
    return refused(Refusal::name_is_local,
                   account.name + " is in /etc/passwd or /etc/group, too: remove it there");
  const bool other_pool = !account.pool.empty() && account.pool != sign_in.pool;
  if (other_pool || (!account.sub.empty() && account.sub != sign_in.sub))
    return refused(Refusal::sub_differs,
                   account.name +
                       " belongs to another person of the user pool, or of another "
                       "pool: run cognitoctl users rebind " +
                       account.name + " if the account passes on with its files");
  if (account.sub.empty())
    if (const std::string* const other = operation.name_of(sign_in.pool, sign_in.sub))
      return has_another(account.name, *other);
  return {};
}

namespace {

Result<Changed> take_sign_in(const std::string& root, Operation& operation, const SignIn& sign_in) {
  if (!is_name(sign_in.name) || !is_pool(sign_in.pool) || !is_sub(sign_in.sub) ||
      !are_groups(sign_in.cognito_groups))
    return refused(Refusal::malformed,
                   "The sign-in of " + printable(sign_in.name, 64) +
                       " has a value that is malformed or too long: see the log of cognitod");
  std::vector<std::string> groups = groups_to_store(operation.settings, sign_in.cognito_groups);
  const auto found = operation.content.accounts.find(sign_in.name);
  const bool is_new = found == operation.content.accounts.end();
  Account account;
  if (is_new) {
    auto made = new_account(root, operation, sign_in);
    if (!made) return std::unexpected(made.error());
    account = std::move(*made);
  } else {
    if (const auto good = check_known(operation, found->second, sign_in); !good)
      return std::unexpected(good.error());
    account = found->second;
  }
  const std::uint64_t before = operation.groups_of(account);
  Changed result;
  result.changed = is_new || account.sub != sign_in.sub || account.cognito_groups != groups;
  account.pool = sign_in.pool;
  account.sub = sign_in.sub;
  account.cognito_groups = std::move(groups);
  account.verified_at = now();
  result.keys_note = operation.give_keys(account, sign_in.ssh_keys);
  result.groups_changed = operation.groups_of(account) != before;
  operation.put(account);
  result.account = std::move(account);
  return result;
}

}  // namespace

Result<Changed> set_state(Operation& operation, std::string_view name, State state,
                          const char* by) {
  const auto found = operation.content.accounts.find(name);
  if (found == operation.content.accounts.end()) return unknown(name);
  Account account = found->second;
  if (account.state == state && (state == State::active || account.locked_by == by ||
                                 account.locked_by == kLockedByAdministrator))
    return unchanged(account);
  // The pool unlocks only what it has locked.
  if (state == State::active && std::string_view(by) == kLockedByPool &&
      account.locked_by != kLockedByPool)
    return unchanged(account);
  account.state = state;
  account.locked_by = state == State::locked ? by : "";
  operation.put(account);
  return changed_to(account);
}

namespace {

Result<void> check_shell(const Settings& settings, std::string_view shell) {
  if (shell.empty() || std::ranges::find(settings.shells, shell) != settings.shells.end())
    return {};
  return refused(Refusal::malformed, printable(shell, 128) +
                                         " is not in `shells` of accounts.conf: choose one of "
                                         "them, or add it there");
}

Result<Changed> add_known(Operation& operation, const Account& known, const AddOptions& options) {
  if (options.uid && *options.uid != known.uid)
    return refused(Refusal::uid_taken, known.name + " has the uid " + number(known.uid) +
                                           ", and a uid never changes: leave --uid out");
  if (options.shell.empty() || options.shell == known.shell) return unchanged(known);
  Account account = known;
  account.shell = options.shell;
  operation.put(account);
  return changed_to(account);
}

Result<Changed> add_account(const std::string& root, Operation& operation, std::string_view name,
                            const AddOptions& options) {
  if (const auto good = check_shell(operation.settings, options.shell); !good)
    return std::unexpected(good.error());
  Content& content = operation.content;
  if (const auto known = content.accounts.find(name); known != content.accounts.end())
    return add_known(operation, known->second, options);
  const auto former = content.tombstones.find(name);
  const Tombstone* const tombstone = former == content.tombstones.end() ? nullptr : &former->second;
  const bool restores = tombstone != nullptr && options.uid && *options.uid == tombstone->uid &&
                        tombstone->renamed_to.empty();
  if (tombstone != nullptr && !restores) return retired(*tombstone);
  if (const auto good = check_new_name(operation.settings, operation.local, name, options.any_name);
      !good)
    return std::unexpected(good.error());
  if (const auto room = check_room(operation); !room) return std::unexpected(room.error());
  Account account;
  account.name = name;
  account.shell = options.shell;
  account.created_at = now();
  if (options.uid) {
    account.uid = *options.uid;
  } else if (!operation.settings.uid_attribute.empty()) {
    return refused(Refusal::bad_configuration, "accounts.conf takes uids from the attribute " +
                                                   operation.settings.uid_attribute +
                                                   " of the user pool: add --uid");
  } else {
    const auto uid = uid_by_rule(root, operation.settings, options.pool, name);
    if (!uid) return std::unexpected(uid.error());
    account.uid = *uid;
  }
  if (const auto free = check_uid(operation, name, account.uid, tombstone); !free)
    return std::unexpected(free.error());
  if (restores) {
    // The same person; another one needs `users rebind`, too.
    account.pool = tombstone->pool;
    account.sub = tombstone->sub;
    operation.unbury(account.name);
  }
  operation.put(account);
  return changed_to(account);
}

Result<Changed> remove_account(const std::string& root, Operation& operation,
                               std::string_view name) {
  const Content& content = operation.content;
  const auto found = content.accounts.find(name);
  if (found == content.accounts.end()) {
    const auto tombstone = content.tombstones.find(name);
    if (tombstone == content.tombstones.end()) return unknown(name);
    if (!tombstone->second.renamed_to.empty()) return retired(tombstone->second);
    Changed result;
    result.account.name = name;
    result.account.uid = tombstone->second.uid;
    result.account.pool = tombstone->second.pool;
    result.account.sub = tombstone->second.sub;
    return result;
  }
  const Account account = found->second;
  if (const auto idle = check_no_process(root, account.name, account.uid); !idle)
    return std::unexpected(idle.error());
  operation.bury(account.name, "");
  return changed_to(account);
}

Result<Changed> rename_account(const std::string& root, Operation& operation, std::string_view name,
                               std::string_view new_name) {
  const Content& content = operation.content;
  const auto former = content.tombstones.find(name);
  if (former != content.tombstones.end() && former->second.renamed_to == new_name) {
    const auto account = content.accounts.find(new_name);
    if (account != content.accounts.end() && account->second.uid == former->second.uid)
      return unchanged(account->second);
  }
  const auto found = content.accounts.find(name);
  if (found == content.accounts.end())
    return former != content.tombstones.end() ? retired(former->second) : unknown(name);
  if (name == new_name) return unchanged(found->second);
  if (const auto other = content.accounts.find(new_name); other != content.accounts.end())
    return refused(Refusal::name_retired,
                   other->first + " is another account: choose another name");
  Account account = found->second;
  // An account may get one of its own former names back.
  const auto tombstone = content.tombstones.find(new_name);
  if (tombstone != content.tombstones.end() &&
      (tombstone->second.uid != account.uid || tombstone->second.renamed_to.empty()))
    return retired(tombstone->second);
  if (const auto good = check_new_name(operation.settings, operation.local, new_name, true); !good)
    return std::unexpected(good.error());
  if (const auto idle = check_no_process(root, account.name, account.uid); !idle)
    return std::unexpected(idle.error());
  operation.bury(std::string(name), std::string(new_name));
  operation.unbury(std::string(new_name));
  account.name = new_name;
  operation.put(account);
  return changed_to(account);
}

// Whether an account of a document is that account.
Result<void> check_same(const Account& here, const Account& there) {
  if (here.uid != there.uid)
    return refused(Refusal::uid_taken, here.name + " has the uid " + number(here.uid) +
                                           " here and " + number(there.uid) +
                                           " in the document: a uid never changes");
  const bool pools = !here.pool.empty() && !there.pool.empty() && here.pool != there.pool;
  const bool subs = !here.sub.empty() && !there.sub.empty() && here.sub != there.sub;
  if (pools || subs)
    return refused(Refusal::sub_differs,
                   here.name +
                       " belongs to another person here than in the document: run "
                       "cognitoctl users rebind " +
                       here.name + " on one of the machines");
  return {};
}

Result<std::size_t> import_account(Operation& operation, const Account& account) {
  const Content& content = operation.content;
  if (const auto here = content.accounts.find(account.name); here != content.accounts.end()) {
    if (const auto same = check_same(here->second, account); !same)
      return std::unexpected(same.error());
    return 0;
  }
  if (const auto gone = content.tombstones.find(account.name); gone != content.tombstones.end())
    return retired(gone->second);
  if (const auto good = check_new_name(operation.settings, operation.local, account.name, true);
      !good)
    return std::unexpected(good.error());
  if (!account.sub.empty())
    if (const std::string* const other = operation.name_of(account.pool, account.sub))
      return has_another(account.name, *other);
  if (const auto room = check_room(operation); !room) return std::unexpected(room.error());
  if (const auto free = check_uid(operation, account.name, account.uid, nullptr); !free)
    return std::unexpected(free.error());
  operation.put(account);
  return 1;
}

Result<std::size_t> import_tombstone(Operation& operation, const Tombstone& tombstone) {
  const Content& content = operation.content;
  if (content.accounts.contains(tombstone.name))
    return refused(Refusal::name_retired,
                   tombstone.name +
                       " is an account here and a former one in the document: remove "
                       "it here first");
  if (const auto here = content.tombstones.find(tombstone.name); here != content.tombstones.end()) {
    if (here->second.uid == tombstone.uid) return 0;
    return refused(Refusal::uid_taken, tombstone.name + " had the uid " + number(here->second.uid) +
                                           " here and " + number(tombstone.uid) +
                                           " in the document: compare the machines");
  }
  const Account* const owner = operation.account_of(tombstone.uid);
  if (owner != nullptr && tombstone.renamed_to.empty())
    return refused(Refusal::uid_taken, "The uid " + number(tombstone.uid) + " belongs to " +
                                           owner->name + " here and belonged to " + tombstone.name +
                                           " in the document");
  operation.add_tombstone(tombstone);
  return 1;
}

}  // namespace

struct Keeper::State_ {
  std::string root;
  std::string remark;

  // One change: `change` gets the operation, and its result counts if it could be stored.
  template <class Function>
  std::invoke_result_t<Function, Operation&> run(Function change) {
    auto operation = Operation::begin(root, Operation::Start::usual);
    if (!operation) return std::unexpected(operation.error());
    auto result = change(*operation);
    if (!result) return result;
    if (auto stored = operation->finish(); !stored) return std::unexpected(stored.error());
    note(*operation);
    return result;
  }

  // After the operation is stored: the next one has nothing to repair.
  void note(const Operation& operation) {
    if (!operation.remark().empty()) remark = operation.remark();
  }
};

Keeper::Keeper(std::unique_ptr<State_> state) : state_(std::move(state)) {}
Keeper::Keeper(Keeper&&) noexcept = default;
Keeper& Keeper::operator=(Keeper&&) noexcept = default;
Keeper::~Keeper() = default;

Result<Keeper> Keeper::open(std::string root, bool create) {
  auto operation =
      Operation::begin(root, create ? Operation::Start::create : Operation::Start::check);
  if (!operation) return std::unexpected(operation.error());
  if (const auto repaired = operation->finish(); !repaired)
    return std::unexpected(repaired.error());
  auto state = std::make_unique<State_>();
  state->root = std::move(root);
  state->note(*operation);
  return Keeper(std::move(state));
}

std::vector<Result<Changed>> Keeper::sign_in(const std::vector<SignIn>& changes) {
  std::vector<Result<Changed>> results;
  results.reserve(changes.size());
  auto operation = Operation::begin(state_->root, Operation::Start::usual);
  if (!operation) {
    results.assign(changes.size(), std::unexpected(operation.error()));
    return results;
  }
  for (const SignIn& change : changes)
    results.push_back(take_sign_in(state_->root, *operation, change));
  if (const auto stored = operation->finish(); !stored)
    for (Result<Changed>& result : results)
      if (result) result = std::unexpected(stored.error());
  state_->note(*operation);
  return results;
}

std::string Keeper::take_remark() {
  return std::exchange(state_->remark, {});
}

Result<Changed> Keeper::lock_for_pool(std::string_view name) {
  return state_->run([&](Operation& operation) {
    return set_state(operation, name, State::locked, kLockedByPool);
  });
}

Result<Changed> Keeper::unlock_for_pool(std::string_view name) {
  return state_->run([&](Operation& operation) {
    return set_state(operation, name, State::active, kLockedByPool);
  });
}

Result<Changed> Keeper::add(std::string_view name, const AddOptions& options) {
  return state_->run(
      [&](Operation& operation) { return add_account(state_->root, operation, name, options); });
}

Result<Changed> Keeper::lock(std::string_view name) {
  return state_->run([&](Operation& operation) {
    return set_state(operation, name, State::locked, kLockedByAdministrator);
  });
}

Result<Changed> Keeper::unlock(std::string_view name) {
  return state_->run([&](Operation& operation) {
    return set_state(operation, name, State::active, kLockedByAdministrator);
  });
}

Result<Changed> Keeper::remove(std::string_view name) {
  return state_->run(
      [&](Operation& operation) { return remove_account(state_->root, operation, name); });
}

Result<Changed> Keeper::set_shell(std::string_view name, std::string_view shell) {
  return state_->run([&](Operation& operation) -> Result<Changed> {
    const auto found = operation.content.accounts.find(name);
    if (found == operation.content.accounts.end()) return unknown(name);
    if (const auto good = check_shell(operation.settings, shell); !good)
      return std::unexpected(good.error());
    Account account = found->second;
    if (account.shell == shell) return unchanged(account);
    account.shell = shell;
    operation.put(account);
    return changed_to(account);
  });
}

Result<Changed> Keeper::rebind(std::string_view name) {
  return state_->run([&](Operation& operation) -> Result<Changed> {
    const auto found = operation.content.accounts.find(name);
    if (found == operation.content.accounts.end()) return unknown(name);
    Account account = found->second;
    if (account.pool.empty() && account.sub.empty()) return unchanged(account);
    account.pool.clear();
    account.sub.clear();
    operation.put(account);
    return changed_to(account);
  });
}

Result<Changed> Keeper::rename(std::string_view name, std::string_view new_name) {
  return state_->run([&](Operation& operation) {
    return rename_account(state_->root, operation, name, new_name);
  });
}

Result<std::size_t> Keeper::migrate(std::string_view from_pool, std::string_view to_pool) {
  if (!is_pool(from_pool) || !is_pool(to_pool) || from_pool == to_pool)
    return refused(Refusal::malformed,
                   "A migration needs the ids of two user pools, such as eu-central-1_AbCdEfGhI");
  return state_->run([&](Operation& operation) -> Result<std::size_t> {
    std::vector<Account> moved;
    for (const auto& [name, account] : operation.content.accounts)
      if (account.pool == from_pool) moved.push_back(account);
    for (Account& account : moved) {
      account.pool = to_pool;
      account.sub.clear();
      operation.put(account);
    }
    return moved.size();
  });
}

Result<std::string> Keeper::export_json() {
  const auto operation = Operation::begin(state_->root, Operation::Start::usual);
  if (!operation) return std::unexpected(operation.error());
  return write_document(operation->content);
}

Result<std::size_t> Keeper::import_json(std::string_view text) {
  const auto document = read_document(text);
  if (!document) return std::unexpected(document.error());
  return state_->run([&](Operation& operation) -> Result<std::size_t> {
    std::size_t count = 0;
    for (const Account& account : document->accounts) {
      const auto added = import_account(operation, account);
      if (!added) return added;
      count += *added;
    }
    for (const Tombstone& tombstone : document->tombstones) {
      const auto added = import_tombstone(operation, tombstone);
      if (!added) return added;
      count += *added;
    }
    return count;
  });
}

Result<Account> Keeper::show(std::string_view name) {
  const auto operation = Operation::begin(state_->root, Operation::Start::usual);
  if (!operation) return std::unexpected(operation.error());
  const auto found = operation->content.accounts.find(name);
  if (found == operation->content.accounts.end()) return unknown(name);
  return found->second;
}

Result<std::vector<Account>> Keeper::list() {
  const auto operation = Operation::begin(state_->root, Operation::Start::usual);
  if (!operation) return std::unexpected(operation.error());
  std::vector<Account> accounts;
  accounts.reserve(operation->content.accounts.size());
  for (const auto& [name, account] : operation->content.accounts) accounts.push_back(account);
  return accounts;
}

Result<KeyFile> Keeper::keys(std::string_view name) {
  const auto operation = Operation::begin(state_->root, Operation::Start::usual);
  if (!operation) return std::unexpected(operation.error());
  const auto found = operation->content.accounts.find(name);
  if (found == operation->content.accounts.end()) return unknown(name);
  return operation->keys_of(found->second).value_or(KeyFile());
}

}  // namespace pamcognito::accounts
