#include "accounts/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <expected>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/files.h"
#include "accounts/names.h"
#include "common/ascii.h"
#include "common/text.h"
#include "nss/accounts_conf.h"

namespace pamcognito::accounts {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr std::size_t kMaxCognitoGroups = 100;  // Cognito's quota for a user
constexpr std::size_t kMaxCognitoGroup = 512;   // GroupNameType: 128 characters of UTF-8
constexpr std::size_t kMaxMessage = 256;

// `unique_sub`: one person has one account. A missing sub is not unique.
constexpr char kSchema[] =
    "CREATE TABLE account (name TEXT NOT NULL PRIMARY KEY, uid INTEGER NOT NULL UNIQUE,"
    " state INTEGER NOT NULL, pool TEXT NOT NULL, sub TEXT NOT NULL, shell TEXT NOT NULL,"
    " groups TEXT NOT NULL, locked_by TEXT NOT NULL, created_at INTEGER NOT NULL,"
    " verified_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX unique_sub ON account (pool, sub) WHERE sub <> '';"
    "CREATE TABLE tombstone (name TEXT NOT NULL PRIMARY KEY, uid INTEGER NOT NULL,"
    " pool TEXT NOT NULL, sub TEXT NOT NULL, renamed_to TEXT NOT NULL, at INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE image (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),"
    " generation INTEGER NOT NULL, seed INTEGER NOT NULL) STRICT;"
    "INSERT INTO image VALUES (1, 0, 0);"
    "PRAGMA user_version = 1;";

// Made with the first list. A version of this program that has no directory does not read them.
constexpr char kDirectorySchema[] =
    "CREATE TABLE IF NOT EXISTS directory (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),"
    " at INTEGER NOT NULL, held_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS directory_user (name TEXT NOT NULL PRIMARY KEY,"
    " gone INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "DELETE FROM directory; DELETE FROM directory_user;";
constexpr char kHasDirectory[] =
    "SELECT count(*) FROM sqlite_schema WHERE name IN ('directory', 'directory_user')";

constexpr char kReadAccounts[] =
    "SELECT name, uid, state, pool, sub, shell, groups, locked_by, created_at, verified_at"
    " FROM account";
constexpr char kReadTombstones[] = "SELECT name, uid, pool, sub, renamed_to, at FROM tombstone";
constexpr char kPutAccount[] =
    "INSERT INTO account (name, uid, state, pool, sub, shell, groups, locked_by, created_at,"
    " verified_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (name) DO UPDATE"
    " SET uid = ?2, state = ?3, pool = ?4, sub = ?5, shell = ?6, groups = ?7, locked_by = ?8,"
    " created_at = ?9, verified_at = ?10";
constexpr char kPutTombstone[] =
    "INSERT INTO tombstone (name, uid, pool, sub, renamed_to, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (name) DO UPDATE SET uid = ?2, pool = ?3, sub = ?4, renamed_to = ?5, at = ?6";
constexpr char kForgetAccount[] = "DELETE FROM account WHERE name = ?1";
constexpr char kForgetTombstone[] = "DELETE FROM tombstone WHERE name = ?1";
constexpr char kPutImage[] = "UPDATE image SET generation = ?1, seed = ?2 WHERE one = 1";

bool is_sound(const Account& account) {
  const bool locked = account.state == State::locked;
  return is_name(account.name) && (account.pool.empty() || is_pool(account.pool)) &&
         (account.sub.empty() || (is_sub(account.sub) && !account.pool.empty())) &&
         (account.shell.empty() || is_shell(account.shell)) && are_groups(account.cognito_groups) &&
         (locked ? account.locked_by == kLockedByAdministrator || account.locked_by == kLockedByPool
                 : account.locked_by.empty());
}

bool is_sound(const Tombstone& tombstone) {
  return is_name(tombstone.name) && (tombstone.pool.empty() || is_pool(tombstone.pool)) &&
         (tombstone.sub.empty() || is_sub(tombstone.sub)) &&
         (tombstone.renamed_to.empty() || is_name(tombstone.renamed_to));
}

Result<void> check_file(const std::string& path, bool& absent) {
  struct stat status{};
  absent = false;
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) return storage_failure(path, "examined");
    absent = true;
    return {};
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refused(Refusal::damaged,
                   path + " is no regular file that only root can write: put the right file back");
  absent = status.st_size == 0;
  return {};
}

}  // namespace

bool is_shell(std::string_view shell) noexcept {
  return conf_text::is_path(shell, false);
}

bool are_groups(const std::vector<std::string>& groups) noexcept {
  return groups.size() <= kMaxCognitoGroups &&
         std::ranges::all_of(groups, [](const std::string& group) {
           // GroupNameType has no control and no format characters. Malformed UTF-8 would also make
           // `users list --json` and `users export` malformed.
           return !group.empty() && group.size() <= kMaxCognitoGroup && !group.contains('\n') &&
                  printable(group, kMaxCognitoGroup) == group;
         });
}

bool is_uid(std::int64_t uid) noexcept {
  return uid >= kLowestUid && uid <= kHighestUid;
}

std::unexpected<Error> Store::failed(const DatabaseError& error) const {
  const std::string text = path_ + ": " + printable(error.message, kMaxMessage);
  switch (error.code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return refused(Refusal::busy, text + ": another program uses the database: try again");
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
      return refused(Refusal::storage, text);
    default:
      return damaged(printable(error.message, kMaxMessage));
  }
}

std::unexpected<Error> Store::damaged(std::string_view what) const {
  return refused(Refusal::damaged, std::string(path_).append(": ").append(what).append(
                                       ": put a copy of the file back"));
}

Result<Store> Store::open(const std::string& root, bool& absent) {
  const std::string path = root + kDatabasePath;
  if (const auto good = check_file(path, absent); !good) return std::unexpected(good.error());
  if (absent) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0)
      return refused(Refusal::bad_configuration,
                     path + " is missing: run cognitoctl setup --accounts");
  }
  auto database = Database::open(path, Database::Mode::write);
  if (!database)
    return refused(Refusal::storage,
                   path + ": " + printable(database.error().message, kMaxMessage));
  Store store(std::move(*database), path);
  // EXTRA: FULL, and the directory is written too, so that a committed change is never rolled back.
  for (const char* const pragma : {"PRAGMA journal_mode = DELETE", "PRAGMA synchronous = EXTRA"})
    if (const auto set = store.database_.run(pragma); !set) return store.failed(set.error());
  const auto version = store.database_.number("PRAGMA user_version");
  if (!version) return store.failed(version.error());
  const auto tables = store.database_.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return store.failed(tables.error());
  if (*version > kSchemaVersion)
    return refused(Refusal::damaged,
                   path + " was written by a newer version of pam-cognito: install that version");
  if (*version < 0 || (*version == 0 && *tables != 0))
    return store.damaged("is not a database of accounts");
  absent = *version == 0;
  return store;
}

Result<void> Store::make(const std::string& root) {
  const std::string path = root + kDatabasePath;
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file && errno != EEXIST) return storage_failure(path, "made");
  return {};
}

Result<void> Store::check() {
  auto check = database_.prepare("PRAGMA quick_check(1)");
  if (!check) return failed(check.error());
  const auto row = check->step();
  if (!row) return failed(row.error());
  if (!*row || check->text(0) != "ok") return damaged("is damaged");
  return {};
}

Result<void> Store::read_accounts(Content& content) {
  auto read = database_.prepare(kReadAccounts);
  if (!read) return failed(read.error());
  while (true) {
    const auto row = read->step();
    if (!row) return failed(row.error());
    if (!*row) return {};
    if (content.accounts.size() == kMaxUsers) return damaged("has too many accounts");
    Account account;
    account.name = read->text(0);
    const std::int64_t uid = read->integer(1);
    const std::int64_t state = read->integer(2);
    account.state =
        state == static_cast<std::int64_t>(State::active) ? State::active : State::locked;
    account.pool = read->text(3);
    account.sub = read->text(4);
    account.shell = read->text(5);
    account.cognito_groups = split_lines(read->text(6));
    account.locked_by = read->text(7);
    account.created_at = read->integer(8);
    account.verified_at = read->integer(9);
    if (!is_uid(uid) ||
        (account.state == State::locked && state != static_cast<std::int64_t>(State::locked)) ||
        !is_sound(account))
      return damaged("has an account that this program did not write");
    account.uid = static_cast<uid_t>(uid);
    content.accounts.emplace(account.name, account);
  }
}

Result<void> Store::read_tombstones(Content& content) {
  auto read = database_.prepare(kReadTombstones);
  if (!read) return failed(read.error());
  while (true) {
    const auto row = read->step();
    if (!row) return failed(row.error());
    if (!*row) return {};
    Tombstone tombstone;
    tombstone.name = read->text(0);
    const std::int64_t uid = read->integer(1);
    tombstone.pool = read->text(2);
    tombstone.sub = read->text(3);
    tombstone.renamed_to = read->text(4);
    tombstone.at = read->integer(5);
    if (!is_uid(uid) || !is_sound(tombstone) || content.accounts.contains(tombstone.name))
      return damaged("has a former account that this program did not write");
    tombstone.uid = static_cast<uid_t>(uid);
    content.tombstones.emplace(tombstone.name, tombstone);
  }
}

Result<Content> Store::read() {
  Content content;
  if (const auto read = read_accounts(content); !read) return std::unexpected(read.error());
  if (const auto read = read_tombstones(content); !read) return std::unexpected(read.error());
  auto image = database_.prepare("SELECT generation, seed FROM image");
  if (!image) return failed(image.error());
  const auto row = image->step();
  if (!row) return failed(row.error());
  if (!*row || image->integer(0) < 0) return damaged("has no generation");
  content.generation = static_cast<std::uint64_t>(image->integer(0));
  content.seed = static_cast<std::uint64_t>(image->integer(1));
  if (const auto read = read_directory(content); !read) return std::unexpected(read.error());
  return content;
}

Result<void> Store::read_directory(Content& content) {
  const auto tables = database_.number(kHasDirectory);
  if (!tables) return failed(tables.error());
  if (*tables == 0) return {};
  DirectoryRecord& directory = content.directory;
  auto state = database_.prepare("SELECT at, held_at FROM directory");
  if (!state) return failed(state.error());
  const auto first = state->step();
  if (!first) return failed(first.error());
  if (*first) {
    directory.at = state->integer(0);
    directory.held_at = state->integer(1);
  }
  auto read = database_.prepare("SELECT name, gone FROM directory_user");
  if (!read) return failed(read.error());
  while (true) {
    const auto row = read->step();
    if (!row) return failed(row.error());
    if (!*row) return {};
    const std::string name(read->text(0));
    if (!is_name(name) || directory.users.size() == kMaxUsers)
      return damaged("has a list of the directory that this program did not write");
    directory.users.emplace(name, read->integer(1) != 0);
  }
}

Result<void> Store::write_directory(const DirectoryRecord& directory) {
  if (const auto made = database_.run(kDirectorySchema); !made) return failed(made.error());
  auto state = database_.prepare("INSERT INTO directory (one, at, held_at) VALUES (1, ?1, ?2)");
  if (!state) return failed(state.error());
  if (const auto done = state->bind(1, directory.at).bind(2, directory.held_at).step(); !done)
    return failed(done.error());
  for (const auto& [name, gone] : directory.users) {
    auto user = database_.prepare("INSERT INTO directory_user (name, gone) VALUES (?1, ?2)");
    if (!user) return failed(user.error());
    if (const auto done = user->bind(1, name).bind(2, std::int64_t{gone ? 1 : 0}).step(); !done)
      return failed(done.error());
  }
  return {};
}

Result<void> Store::begin(bool make_tables) {
  if (const auto begun = database_.run("BEGIN IMMEDIATE"); !begun) return failed(begun.error());
  if (make_tables)
    if (const auto made = database_.run(kSchema); !made) return failed(made.error());
  return {};
}

Result<void> Store::forget(const char* sql, const std::string& name) {
  auto statement = database_.prepare(sql);
  if (!statement) return failed(statement.error());
  if (const auto done = statement->bind(1, name).step(); !done) return failed(done.error());
  return {};
}

Result<void> Store::put(const Account& account) {
  auto statement = database_.prepare(kPutAccount);
  if (!statement) return failed(statement.error());
  statement->bind(1, account.name)
      .bind(2, std::int64_t{account.uid})
      .bind(3, static_cast<std::int64_t>(account.state))
      .bind(4, account.pool)
      .bind(5, account.sub)
      .bind(6, account.shell)
      .bind(7, join_lines(account.cognito_groups))
      .bind(8, account.locked_by)
      .bind(9, account.created_at)
      .bind(10, account.verified_at);
  if (const auto done = statement->step(); !done) return failed(done.error());
  return {};
}

Result<void> Store::put(const Tombstone& tombstone) {
  auto statement = database_.prepare(kPutTombstone);
  if (!statement) return failed(statement.error());
  statement->bind(1, tombstone.name)
      .bind(2, std::int64_t{tombstone.uid})
      .bind(3, tombstone.pool)
      .bind(4, tombstone.sub)
      .bind(5, tombstone.renamed_to)
      .bind(6, tombstone.at);
  if (const auto done = statement->step(); !done) return failed(done.error());
  return {};
}

Result<void> Store::write(const Content& content, const Dirty& dirty) {
  // First what leaves: a renamed account has the uid and the sub of its former name.
  for (const std::string& name : dirty.accounts)
    if (!content.accounts.contains(name))
      if (auto gone = forget(kForgetAccount, name); !gone) return gone;
  for (const std::string& name : dirty.tombstones)
    if (!content.tombstones.contains(name))
      if (auto gone = forget(kForgetTombstone, name); !gone) return gone;
  for (const std::string& name : dirty.accounts)
    if (const auto one = content.accounts.find(name); one != content.accounts.end())
      if (auto written = put(one->second); !written) return written;
  for (const std::string& name : dirty.tombstones)
    if (const auto one = content.tombstones.find(name); one != content.tombstones.end())
      if (auto written = put(one->second); !written) return written;
  if (dirty.directory)
    if (auto written = write_directory(content.directory); !written) return written;
  auto image = database_.prepare(kPutImage);
  if (!image) return failed(image.error());
  const auto done = image->bind(1, static_cast<std::int64_t>(content.generation))
                        .bind(2, static_cast<std::int64_t>(content.seed))
                        .step();
  if (!done) return failed(done.error());
  return {};
}

Result<void> Store::commit() {
  if (const auto done = database_.run("COMMIT"); !done) return failed(done.error());
  return {};
}

}  // namespace pamcognito::accounts
