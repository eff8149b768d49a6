#include "daemon/sessions/known_users_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/ascii.h"
#include "common/database.h"
#include "common/fd.h"
#include "common/text.h"
#include "common/user_name.h"
#include "daemon/cognito/bounds.h"

namespace pamcognito::sessions {
namespace {

using Checked = std::expected<void, std::string>;

constexpr std::int64_t kSchemaVersion = 1;
// All that an accepted token can hold, or the account phase would forget groups.
constexpr std::size_t kMaxGroupsText = cognito::kMaxGroupsBytes;
constexpr std::size_t kMaxMessage = 256;

constexpr char kSchema[] =
    "CREATE TABLE user (pool TEXT NOT NULL, name TEXT NOT NULL, sub TEXT NOT NULL,"
    " pinned_by INTEGER NOT NULL, pinned_at INTEGER NOT NULL, groups TEXT NOT NULL,"
    " verified_at INTEGER NOT NULL, standing INTEGER NOT NULL,"
    " PRIMARY KEY (pool, name)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;";
// A table of its own, so that an older version reads the rest of the file as ever. A row counts for
// the account that it was written for.
constexpr char kNoteSchema[] =
    "CREATE TABLE IF NOT EXISTS factor_change (pool TEXT NOT NULL, name TEXT NOT NULL,"
    " sub TEXT NOT NULL, notes TEXT NOT NULL, PRIMARY KEY (pool, name)) STRICT, WITHOUT ROWID";
constexpr char kNotes[] =
    "INSERT INTO factor_change (pool, name, sub, notes) SELECT ?1, ?2, ?3, ?4 WHERE EXISTS"
    " (SELECT 1 FROM user WHERE pool = ?1 AND name = ?2 AND sub = ?3)"
    " ON CONFLICT (pool, name) DO UPDATE SET sub = ?3, notes = ?4";
constexpr char kForgetNotes[] = "DELETE FROM factor_change WHERE pool = ?1 AND name = ?2";
constexpr char kReadNotes[] = "SELECT name, sub, notes FROM factor_change WHERE pool = ?1";
constexpr char kHasNotes[] =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'factor_change'";
// A pin by root replaces; a first sign-in's changes nothing where another account is pinned.
constexpr char kPin[] =
    "INSERT INTO user (pool, name, sub, pinned_by, pinned_at, groups, verified_at, standing)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (pool, name) DO UPDATE SET"
    " sub = ?3, pinned_by = ?4, pinned_at = ?5, groups = ?6, verified_at = ?7, standing = ?8"
    " WHERE ?4 = 1 OR sub = ?3";
constexpr char kFacts[] =
    "UPDATE user SET groups = ?4, verified_at = ?5, standing = ?6"
    " WHERE pool = ?1 AND name = ?2 AND sub = ?3";
constexpr char kForget[] = "DELETE FROM user WHERE pool = ?1 AND name = ?2";
constexpr char kRead[] =
    "SELECT name, sub, pinned_by, pinned_at, groups, verified_at, standing FROM user"
    " WHERE pool = ?1";

// The numbers in the file; never to be changed.
std::int64_t number_of(PinnedBy by) {
  return by == PinnedBy::root ? 1 : 0;
}
std::int64_t number_of(AccountStatus account_status) {
  return account_status == AccountStatus::disabled ? 1 : 0;
}

// A note is a line: the format's version, time, kind, from or "-", and the origins that were told.
constexpr std::string_view kNoteVersion = "1";
constexpr std::size_t kMaxNotesText = 8UL * 1024;  // 4 notes with 16 origins of 53 bytes at most
constexpr std::size_t kMaxOrigin = 64;             // "host:", an IPv6 address, "/64"

bool is_note_text(std::string_view text) {
  return !text.empty() && text.size() <= kMaxOrigin &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

std::string_view next_part(std::string_view* text, char mark) {
  const std::size_t end = std::min(text->find(mark), text->size());
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return part;
}

std::string written(const std::vector<FactorChangeNote>& notes) {
  std::string text;
  for (const FactorChangeNote& note : notes) {
    text += std::string(kNoteVersion) + " " + std::to_string(note.at) + " " +
            (note.what == FactorChangeNote::What::app ? "app" : "factors") + " " +
            (is_note_text(note.from) ? note.from : "-");
    for (const std::string& origin : note.told)
      if (is_note_text(origin)) text += " " + origin;
    text += "\n";
  }
  return text;
}

// nullopt: a line of another version, or one that this program did not write.
std::optional<FactorChangeNote> read_note(std::string_view line) {
  FactorChangeNote note;
  if (next_part(&line, ' ') != kNoteVersion) return std::nullopt;
  const std::string_view at = next_part(&line, ' ');
  const auto [end, error] = std::from_chars(at.data(), at.data() + at.size(), note.at);
  if (error != std::errc{} || end != at.data() + at.size()) return std::nullopt;
  const std::string_view what = next_part(&line, ' ');
  if (what != "app" && what != "factors") return std::nullopt;
  note.what = what == "app" ? FactorChangeNote::What::app : FactorChangeNote::What::factors;
  const std::string_view from = next_part(&line, ' ');
  if (!is_note_text(from)) return std::nullopt;
  if (from != "-") note.from = from;
  while (!line.empty()) {
    const std::string_view origin = next_part(&line, ' ');
    if (!is_note_text(origin) || note.told.size() == FactorChangeNote::kMaxTold)
      return std::nullopt;
    note.told.emplace_back(origin);
  }
  return note;
}

// A note that is not understood is left out: nobody is signed in by a note.
std::vector<FactorChangeNote> read_notes(std::string_view text) {
  std::vector<FactorChangeNote> notes;
  if (text.size() > kMaxNotesText) return notes;
  while (!text.empty() && notes.size() < FactorChangeNote::kMaxNotes) {
    std::optional<FactorChangeNote> note = read_note(next_part(&text, '\n'));
    if (note) notes.push_back(std::move(*note));
  }
  return notes;
}

std::string unreadable(const std::string& path, const std::string& why) {
  return path + ": " + why +
         ": nobody can sign in until it can be read; put a copy back, or move it away, and then "
         "each "
         "user is pinned anew by the next sign-in";
}

std::string foreign_message(const DatabaseError& error) {
  return printable(error.message, kMaxMessage);
}

// False: there is none. By path: closing a descriptor of the file would free SQLite's locks.
std::expected<bool, std::string> check_file(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    return std::unexpected("cannot be reached: " + describe_errno(errno));
  }
  if (S_ISLNK(info.st_mode)) return std::unexpected("is a symbolic link");
  if (!S_ISREG(info.st_mode)) return std::unexpected("is not a regular file");
  if (info.st_uid != ::geteuid()) return std::unexpected("does not belong to the user of cognitod");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return std::unexpected("can be written by others (chmod go-w)");
  return true;
}

// 0: there is no table yet.
std::expected<std::int64_t, std::string> schema_version(Database& database) {
  const auto version = database.number("PRAGMA user_version");
  const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (!version) return std::unexpected(foreign_message(version.error()));
  if (!tables) return std::unexpected(foreign_message(tables.error()));
  if (*version > kSchemaVersion)
    return std::unexpected("was written by a newer version of pam-cognito, which is needed here");
  if (*version < 0 || (*version == 0 && *tables != 0))
    return std::unexpected("is not a file of cognitod");
  return *version;
}

// A reader without write access cannot roll back a change that its writer did not complete.
DatabaseResult<Database> open_to_read(const std::string& path) {
  auto database = Database::open(path, Database::Mode::read);
  if (!database) return database;
  const auto readable = database->number("SELECT count(*) FROM sqlite_schema");
  if (readable) return database;
  if (readable.error().code == SQLITE_READONLY_ROLLBACK)
    return Database::open(path, Database::Mode::write);
  return std::unexpected(readable.error());
}

Checked check_pages(Database& database) {
  auto check = database.prepare("PRAGMA quick_check(1)");
  if (!check) return std::unexpected(foreign_message(check.error()));
  const auto row = check->step();
  if (!row) return std::unexpected(foreign_message(row.error()));
  if (*row && check->text(0) == "ok") return {};
  return std::unexpected("is damaged");
}

std::expected<KnownUserMap, std::string> read_rows(Database& database, const std::string& pool) {
  auto read = database.prepare(kRead);
  if (!read) return std::unexpected(foreign_message(read.error()));
  read->bind(1, pool);
  KnownUserMap users;
  while (true) {
    const auto row = read->step();
    if (!row) return std::unexpected(foreign_message(row.error()));
    if (!*row) return users;
    if (users.size() == KnownUsers::kMaxUsers) return std::unexpected("has too many users");
    const std::string name = read->text(0);
    KnownUser user;
    user.sub = read->text(1);
    user.pinned_by =
        read->integer(2) == number_of(PinnedBy::root) ? PinnedBy::root : PinnedBy::first_sign_in;
    user.pinned_at = read->integer(3);
    const std::string groups = read->text(4);
    user.groups = split_lines(groups);
    user.verified_at = read->integer(5);
    // Not good, as long as it does not say so.
    user.account_status = read->integer(6) == number_of(AccountStatus::good)
                              ? AccountStatus::good
                              : AccountStatus::disabled;
    // A row that is left out would be a user that is not pinned.
    if (!is_valid_user_name(name) || !is_valid_sub(user.sub) ||
        join_lines(storable_groups(user.groups)) != groups)
      return std::unexpected("has a row that cognitod did not write");
    users.emplace(name, std::move(user));
  }
}

Checked add_notes(Database& database, const std::string& pool, KnownUserMap& users) {
  const auto there = database.number(kHasNotes);
  if (!there) return std::unexpected(foreign_message(there.error()));
  if (*there == 0) return {};
  auto read = database.prepare(kReadNotes);
  if (!read) return std::unexpected(foreign_message(read.error()));
  read->bind(1, pool);
  while (true) {
    const auto row = read->step();
    if (!row) return std::unexpected(foreign_message(row.error()));
    if (!*row) return {};
    const auto user = users.find(read->text(0));
    if (user != users.end() && user->second.sub == read->text(1))
      user->second.factor_changes = read_notes(read->text(2));
  }
}

Checked create(const std::string& path) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file) return {};
  return std::unexpected("cannot be made: " + describe_errno(errno));
}

DatabaseResult<void> write_notes(Database& database, const KnownUserChange& change) {
  const std::vector<FactorChangeNote>& notes = change.row.factor_changes;
  const bool forgets = change.kind == KnownUserChange::Kind::forget || notes.empty();
  auto statement = database.prepare(forgets ? kForgetNotes : kNotes);
  if (!statement) return std::unexpected(std::move(statement.error()));
  statement->bind(1, change.pool).bind(2, change.user);
  if (!forgets) statement->bind(3, change.row.sub).bind(4, written(notes));
  if (const auto done = statement->step(); !done) return std::unexpected(done.error());
  return {};
}

DatabaseResult<void> write_row(Database& database, const KnownUserChange& change) {
  const KnownUser& row = change.row;
  const bool pins = change.kind == KnownUserChange::Kind::pin;
  const bool forgets = change.kind == KnownUserChange::Kind::forget;
  auto statement = database.prepare(pins ? kPin : forgets ? kForget : kFacts);
  if (!statement) return std::unexpected(std::move(statement.error()));
  statement->bind(1, change.pool).bind(2, change.user);
  if (!forgets) statement->bind(3, row.sub);
  if (pins) {
    statement->bind(4, number_of(row.pinned_by)).bind(5, std::int64_t{row.pinned_at});
  }
  if (!forgets) {
    const int first = pins ? 6 : 4;
    statement->bind(first, join_lines(storable_groups(row.groups)))
        .bind(first + 1, std::int64_t{row.verified_at})
        .bind(first + 2, number_of(row.account_status));
  }
  if (const auto done = statement->step(); !done) return std::unexpected(done.error());
  if (pins && database.changes() == 0)
    return std::unexpected(DatabaseError(SQLITE_CONSTRAINT, "another account is pinned there"));
  return write_notes(database, change);
}

DatabaseResult<void> write_rows(Database& database, bool is_new,
                                const std::vector<KnownUserChange>& changes) {
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  if (is_new) {
    if (auto made = database.run(kSchema); !made) return made;
  }
  if (auto made = database.run(kNoteSchema); !made) return made;
  for (const KnownUserChange& change : changes) {
    if (auto written = write_row(database, change); !written) return written;
  }
  return database.run("COMMIT");
}

}  // namespace

bool is_valid_sub(std::string_view sub) {
  return !sub.empty() && sub.size() <= KnownUsers::kMaxSub &&
         std::ranges::all_of(sub, [](char c) { return c > ' ' && c <= '~'; });
}

std::vector<std::string> storable_groups(const std::vector<std::string>& groups) {
  std::vector<std::string> kept;
  std::size_t size = 0;
  for (const std::string& group : groups) {
    if (group.empty() || std::ranges::any_of(group, ascii::is_control)) continue;
    size += group.size() + 1;
    if (size > kMaxGroupsText) break;
    kept.push_back(group);
  }
  return kept;
}

std::expected<KnownUserMap, std::string> read_known_users(const std::string& path,
                                                          const std::string& pool) {
  const auto exists = check_file(path);
  if (!exists) return std::unexpected(unreadable(path, exists.error()));
  if (!*exists) return KnownUserMap();
  auto database = open_to_read(path);
  if (!database) return std::unexpected(unreadable(path, foreign_message(database.error())));
  const auto version = schema_version(*database);
  if (!version) return std::unexpected(unreadable(path, version.error()));
  if (*version == 0) return KnownUserMap();
  if (const auto sound = check_pages(*database); !sound)
    return std::unexpected(unreadable(path, sound.error()));
  auto users = read_rows(*database, pool);
  if (!users) return std::unexpected(unreadable(path, users.error()));
  if (const auto noted = add_notes(*database, pool, *users); !noted)
    return std::unexpected(unreadable(path, noted.error()));
  return users;
}

std::expected<void, std::string> write_known_users(const std::string& path,
                                                   const std::vector<KnownUserChange>& changes) {
  const auto failed = [&](const std::string& why) { return std::unexpected(path + ": " + why); };
  const auto exists = check_file(path);
  if (!exists) return failed(exists.error());
  if (!*exists) {
    if (const auto made = create(path); !made) return failed(made.error());
  }
  auto database = Database::open(path, Database::Mode::write);
  if (!database) return failed(foreign_message(database.error()));
  const auto version = schema_version(*database);
  if (!version) return failed(version.error());
  for (const char* const pragma : {"PRAGMA journal_mode = DELETE", "PRAGMA synchronous = EXTRA"}) {
    if (const auto set = database->run(pragma); !set) return failed(foreign_message(set.error()));
  }
  // Closing the database rolls back what was not committed.
  const auto written = write_rows(*database, *version == 0, changes);
  if (!written) return failed(foreign_message(written.error()));
  return {};
}

}  // namespace pamcognito::sessions
