#include "accounts/operation.h"

#include <sys/file.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/files.h"
#include "common/deadline.h"

namespace pamcognito::accounts {
namespace {

using std::chrono_literals::operator""ms;

constexpr auto kLockPause = 10ms;
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

Operation::Operation(Fd lock, Settings settings_, LocalFiles local_, Store store, ImageFiles images)
    : settings(std::move(settings_)),
      local(std::move(local_)),
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
  Operation operation(std::move(*directory), std::move(*settings), std::move(*local),
                      std::move(*store), std::move(*images));
  operation.content = std::move(content);
  operation.makes_tables_ = absent;
  return operation;
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
  content.accounts.insert_or_assign(account.name, account);
  dirty_.accounts.insert(account.name);
}

void Operation::bury(const std::string& name, const std::string& renamed_to) {
  const auto account = content.accounts.find(name);
  if (account == content.accounts.end()) return;
  const Account& gone = account->second;
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

std::uint64_t Operation::groups_of(const Account& account) const {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < mapped_.size(); ++i)
    for (const std::string& group : settings.groups[mapped_[i]].cognito_groups)
      if (std::ranges::find(account.cognito_groups, group) != account.cognito_groups.end())
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
  const bool changed =
      makes_tables_ || !*equal || !dirty_.accounts.empty() || !dirty_.tombstones.empty();
  if (!changed) return {};
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
  if (auto committed = store_.commit(); !committed) {
    images_.unstage();
    return committed;
  }
  if (!*equal)
    if (auto published = images_.publish(); !published) return published;
  return {};
}

}  // namespace pamcognito::accounts
