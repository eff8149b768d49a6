#include "accounts/operation.h"

#include <sys/file.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/files.h"
#include "common/deadline.h"
#include "nss/accounts_conf.h"

namespace pamcognito::accounts {
namespace {

using std::chrono_literals::operator""ms;

constexpr auto kLockPause = 10ms;
// verified_at of the future is of a clock that was ahead, and would make keys count for longer.
constexpr std::int64_t kClockGrace = 60;
constexpr int kMaxSeeds = 8;  // each fails with a probability below one in a thousand

// flock() has no deadline of its own, so it is asked again and again.
Result<void> lock(const Fd& directory, const std::string& path, Deadline deadline) {
  while (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return storage_failure(path, "locked");
    if (deadline.passed())
      return refused(Refusal::busy,
                     "Another program is changing accounts and does not end: try again");
    (void)wait_for(-1, 0, Deadline::earlier(deadline, Deadline::after(kLockPause)));
  }
  return {};
}

bool make_seed(std::uint64_t& seed) {
  return ::getrandom(&seed, sizeof(seed), 0) == static_cast<ssize_t>(sizeof(seed));
}

// Neither part has a blank.
std::string person_key(std::string_view pool, std::string_view sub) {
  return std::string(pool).append(" ").append(sub);
}

}  // namespace

Operation::Operation(const std::string& root, Fd lock, Settings settings_, LocalFiles local_,
                     Store store, ImageFiles images)
    : settings(std::move(settings_)),
      local(std::move(local_)),
      root_(root),
      lock_(std::move(lock)),
      store_(std::move(store)),
      images_(std::move(images)) {
  for (std::size_t i = 0; i < settings.groups.size(); ++i) {
    const std::string& name = settings.groups[i].name;
    const auto gid = local.gid_of(name);
    // No such group, root's, or one that would be a user's own: nobody becomes its member.
    if (!gid || *gid == 0 || *gid == UINT32_MAX) continue;
    if (*gid >= settings.first && *gid <= settings.last) continue;
    groups_.push_back({name, *gid});
    mapped_.push_back(i);
  }
}

Result<Operation> Operation::begin(const std::string& root, Start start,
                                   std::chrono::milliseconds wait) {
  const bool create = start == Start::create;
  auto settings = read_settings(root);
  if (!settings) return std::unexpected(settings.error());
  const std::string path = root + kDatabaseDirectory;
  auto directory = open_directory(path, create ? 0700 : 0);
  if (!directory) return std::unexpected(directory.error());
  if (const auto locked = lock(*directory, path, Deadline::after(wait)); !locked)
    return std::unexpected(locked.error());
  auto images = ImageFiles::open(root, create);
  if (!images) return std::unexpected(images.error());
  if (create)
    if (const auto made = Store::make(root); !made) return std::unexpected(made.error());
  bool absent = false;
  auto store = Store::open(root, absent);
  if (!store) return std::unexpected(store.error());
  // An empty database beside a file with users is not the first start: uids would be given anew.
  if (absent && images->head().users > 0)
    return refused(Refusal::damaged, root + kDatabasePath +
                                         " is empty, but the accounts file has users: put a copy "
                                         "of the database back, or remove " +
                                         root + kPath + " if the accounts are not needed");
  if (absent && !create)
    return refused(Refusal::bad_configuration,
                   root + kDatabasePath + " is empty: run cognitoctl setup --accounts");
  if (!absent && start != Start::usual)
    if (const auto sound = store->check(); !sound) return std::unexpected(sound.error());
  Content content;
  if (!absent) {
    auto read = store->read();
    if (!read) return std::unexpected(read.error());
    content = std::move(*read);
  }
  auto local = LocalFiles::read(root);
  if (!local) return std::unexpected(local.error());
  Operation operation(root, std::move(*directory), std::move(*settings), std::move(*local),
                      std::move(*store), std::move(*images));
  operation.content = std::move(content);
  if (auto keys = KeyFiles::open(root, false))
    operation.keys_ = std::move(*keys);
  else
    operation.add_remark(keys.error().text);
  operation.makes_tables_ = absent;
  if (!absent && operation.images_.head().generation > operation.content.generation)
    operation.follow_newer_file();
  return operation;
}

// The database was restored from a backup, because a change is stored before it is published. The
// file still counts: no uid gets another name, and removals, renames and locks stay. It does not
// have persons, so nobody gets an account by it.
void Operation::follow_newer_file() {
  const auto users = images_.users();
  if (!users) {
    remark_ =
        "The database is older than the accounts file, as after a restore, and the file is "
        "damaged: compare `cognitoctl users list` with another machine";
    return;
  }
  std::map<std::string, const ImageUser*, std::less<>> published;
  for (const ImageUser& user : *users) published.emplace(user.name, &user);
  std::size_t locked = 0;
  std::size_t renamed = 0;
  std::size_t retired = 0;
  // The file does not have who locked the account. Only root unlocks it then.
  const auto lock = [](Account& account) {
    account.state = State::locked;
    account.locked_by = kLockedByAdministrator;
  };
  for (const auto& [name, user] : published) {
    if (const auto known = content.accounts.find(name); known != content.accounts.end()) {
      if (user->state == State::active || known->second.state == State::locked) continue;
      Account account = known->second;
      lock(account);
      put(account);
      ++locked;
    } else if (const Account* const former = account_of(user->uid);
               former != nullptr && !published.contains(former->name)) {
      Account account = *former;
      bury(std::string(former->name), name);
      unbury(name);
      account.name = name;
      if (user->state != State::active && account.state == State::active) lock(account);
      put(account);
      ++renamed;
    } else if (!content.tombstones.contains(name)) {
      add_tombstone({name, user->uid, "", "", "", static_cast<std::int64_t>(std::time(nullptr))});
      ++retired;
    }
  }
  std::vector<std::string> gone;
  for (const auto& [name, account] : content.accounts)
    if (!published.contains(name)) gone.push_back(name);
  for (const std::string& name : gone) bury(name, "");
  remark_ = "The database is older than the accounts file, as after a restore. By the file, " +
            std::to_string(locked) + " accounts are locked, " + std::to_string(renamed) +
            " renamed and " + std::to_string(gone.size()) + " removed; " + std::to_string(retired) +
            " names that the database does not know are retired: cognitoctl users add NAME --uid";
}

void Operation::add_to_index(const std::string& name, uid_t uid, std::string_view pool,
                             std::string_view sub) {
  if (!has_index_) return;
  by_uid_.emplace(uid, name);
  if (!sub.empty()) by_person_.emplace(person_key(pool, sub), name);
}

void Operation::make_index() {
  if (has_index_) return;
  has_index_ = true;
  for (const auto& [name, account] : content.accounts)
    add_to_index(name, account.uid, account.pool, account.sub);
  for (const auto& [name, tombstone] : content.tombstones)
    add_to_index(name, tombstone.uid, tombstone.pool, tombstone.sub);
}

const Account* Operation::account_of(uid_t uid) {
  make_index();
  for (auto [at, end] = by_uid_.equal_range(uid); at != end; ++at) {
    const auto found = content.accounts.find(at->second);
    if (found != content.accounts.end() && found->second.uid == uid) return &found->second;
  }
  return nullptr;
}

const Tombstone* Operation::tombstone_of(uid_t uid, const Tombstone* except) {
  make_index();
  for (auto [at, end] = by_uid_.equal_range(uid); at != end; ++at) {
    const auto found = content.tombstones.find(at->second);
    if (found != content.tombstones.end() && found->second.uid == uid && &found->second != except)
      return &found->second;
  }
  return nullptr;
}

const std::string* Operation::name_of(std::string_view pool, std::string_view sub) {
  make_index();
  const std::string* former = nullptr;
  for (auto [at, end] = by_person_.equal_range(person_key(pool, sub)); at != end; ++at) {
    const auto account = content.accounts.find(at->second);
    if (account != content.accounts.end() && account->second.pool == pool &&
        account->second.sub == sub)
      return &account->first;
    const auto tombstone = content.tombstones.find(at->second);
    if (tombstone != content.tombstones.end() && tombstone->second.pool == pool &&
        tombstone->second.sub == sub)
      former = &tombstone->first;
  }
  return former;
}

void Operation::put(const Account& account) {
  add_to_index(account.name, account.uid, account.pool, account.sub);
  changed_uids_.insert(account.uid);
  content.accounts.insert_or_assign(account.name, account);
  dirty_.accounts.insert(account.name);
}

void Operation::bury(const std::string& name, const std::string& renamed_to) {
  const auto account = content.accounts.find(name);
  if (account == content.accounts.end()) return;
  const Account& gone = account->second;
  changed_uids_.insert(gone.uid);
  add_tombstone({name, gone.uid, gone.pool, gone.sub, renamed_to,
                 static_cast<std::int64_t>(std::time(nullptr))});
  content.accounts.erase(account);
  dirty_.accounts.insert(name);
}

void Operation::unbury(const std::string& name) {
  if (content.tombstones.erase(name) > 0) dirty_.tombstones.insert(name);
}

void Operation::add_tombstone(const Tombstone& tombstone) {
  add_to_index(tombstone.name, tombstone.uid, tombstone.pool, tombstone.sub);
  content.tombstones.insert_or_assign(tombstone.name, tombstone);
  dirty_.tombstones.insert(tombstone.name);
}

void Operation::add_remark(const std::string& text) {
  remark_ += (remark_.empty() ? "" : ". ") + text;
}

std::int64_t Operation::keys_end(const Account& account) const {
  return account.verified_at + settings.ssh_keys_max_age.count();
}

// A local user or group comes first in libc, so the account is not who logs in.
bool Operation::may_have_keys(const Account& account) const {
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  return !settings.ssh_keys_attribute.empty() && account.state == State::active &&
         !account.sub.empty() && account.verified_at > 0 &&
         account.verified_at <= now + kClockGrace && account.uid >= settings.first &&
         account.uid <= settings.last && !local.has_name(account.name) &&
         !local.user_of(account.uid);
}

std::string Operation::give_keys(const Account& account, std::string_view text) {
  if (settings.ssh_keys_attribute.empty()) return {};
  const ParsedKeys parsed = parse_ssh_keys(text);
  const KeyFile present = keys_of(account).value_or(KeyFile());
  std::string note;
  if (present.keys != parsed.keys) {
    note = "SSH keys of " + account.name + ":";
    for (const SshKey& key : parsed.keys) note += " " + key.fingerprint;
    if (parsed.keys.empty()) note += " none";
  }
  if (!parsed.faults.empty())
    note.append(note.empty() ? "" : ". ")
        .append(settings.ssh_keys_attribute)
        .append(" of " + account.name + ": " + parsed.faults);
  new_keys_.insert_or_assign(account.uid, parsed.keys);
  return note;
}

std::optional<KeyFile> Operation::keys_of(const Account& account) const {
  if (!keys_ || !may_have_keys(account)) return std::nullopt;
  auto file = keys_->read(account.uid);
  if (!file || file->until <= static_cast<std::int64_t>(std::time(nullptr))) return std::nullopt;
  return file;
}

// A failure costs the new keys, not the change.
void Operation::stage_keys() {
  for (const auto& [uid, keys] : new_keys_) {
    if (!keys_) return;
    const Account* const account = account_of(uid);
    if (keys.empty() || account == nullptr || !may_have_keys(*account)) continue;
    auto files = KeyFiles::open(root_, true);
    if (!files) return add_remark(files.error().text);
    keys_ = std::move(*files);
    if (const auto staged = keys_->stage(uid, {.keys = keys, .until = keys_end(*account)}); staged)
      staged_keys_.insert(uid);
    else
      add_remark(staged.error().text);
  }
}

void Operation::unstage_keys() const noexcept {
  for (const uid_t uid : staged_keys_) keys_->unstage(uid);
}

// Removes each file whose keys do not count, by what will be stored. A file that will be replaced
// stays until then, unless it has a key that the new one has not. The error is that of a user whom
// this operation changes.
Result<void> Operation::remove_keys() {
  if (!keys_) return {};
  const auto entries = keys_->list();
  if (!entries) {
    add_remark(entries.error().text);
    return {};
  }
  const auto stays = [&](const KeyFiles::Entry& entry) {
    const auto now = static_cast<std::int64_t>(std::time(nullptr));
    const Account* const account = account_of(entry.uid);
    if (entry.is_new) return staged_keys_.contains(entry.uid);
    if (account == nullptr || !entry.is_sound || !may_have_keys(*account) || entry.until <= now ||
        entry.until > keys_end(*account))
      return false;
    const auto given = new_keys_.find(entry.uid);
    if (given == new_keys_.end()) return true;
    const auto present = keys_->read(entry.uid);
    return staged_keys_.contains(entry.uid) && present &&
           std::ranges::all_of(present->keys, [&](const SshKey& key) {
             return std::ranges::find(given->second, key) != given->second.end();
           });
  };
  Result<void> done;
  bool any = false;
  for (const KeyFiles::Entry& entry : *entries) {
    if (stays(entry)) continue;
    any = true;
    const auto removed = keys_->remove(entry.name);
    if (removed) continue;
    add_remark(removed.error().text);
    if (changed_uids_.contains(entry.uid)) done = std::unexpected(removed.error());
  }
  if (!any) return done;
  if (const auto synced = keys_->sync(); !synced) done = std::unexpected(synced.error());
  return done;
}

void Operation::publish_keys() {
  for (const uid_t uid : staged_keys_)
    if (const auto published = keys_->publish(uid); !published) add_remark(published.error().text);
}

std::uint64_t Operation::groups_of(const Account& account) const {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < mapped_.size(); ++i)
    for (const std::string& group : settings.groups[mapped_[i]].cognito_groups)
      if (group == kEveryUser ||
          std::ranges::find(account.cognito_groups, group) != account.cognito_groups.end())
        bits |= std::uint64_t{1} << i;
  return bits;
}

ImageContent Operation::image_content() const {
  ImageContent image;
  image.groups = groups_;
  image.generation = content.generation;
  image.seed = content.seed;
  image.users.reserve(content.accounts.size());
  for (const auto& [name, account] : content.accounts)
    image.users.push_back(
        {name, account.uid, account.state,
         account.shell.empty() ? 0 : path_key(account.shell.data(), account.shell.size()),
         groups_of(account)});
  return image;
}

Result<void> Operation::finish() {
  ImageContent image = image_content();
  const auto equal = images_.equal(image);
  if (!equal) return std::unexpected(equal.error());
  const bool changed = makes_tables_ || !*equal || !dirty_.accounts.empty() ||
                       !dirty_.tombstones.empty() || dirty_.directory;
  if (!changed) {
    // As a repair at the start: a file that cannot be removed is a remark then.
    (void)remove_keys();
    return {};
  }
  std::vector<std::string> images;
  if (!*equal) {
    content.generation = std::max(content.generation, images_.head().generation) + 1;
    image.generation = content.generation;
    int tries = 0;
    do {
      if (++tries > kMaxSeeds || !make_seed(content.seed))
        return refused(Refusal::storage, "The accounts cannot be arranged: try again");
      image.seed = content.seed;
      images = make_images(image);
    } while (images.empty());
  }
  if (auto begun = store_.begin(makes_tables_); !begun) return begun;
  if (auto written = store_.write(content, dirty_); !written) return written;
  // Before the commit: a full disk then changes nothing. Published after it: the file never has
  // what the database has not.
  if (!*equal)
    if (auto staged = images_.stage(images); !staged) {
      images_.unstage();
      return staged;
    }
  // New keys count after the commit, and former ones do not count before it. A program that ends
  // between two steps leaves fewer keys, never more.
  stage_keys();
  const auto removed = remove_keys();
  if (auto committed = store_.commit(); !committed) {
    unstage_keys();
    images_.unstage();
    return committed;
  }
  if (!*equal)
    if (auto published = images_.publish(); !published) return published;
  publish_keys();
  return removed;
}

}  // namespace pamcognito::accounts
