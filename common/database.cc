#include "common/database.h"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace pamcognito {
namespace {

constexpr int kLockWait = 2000;        // ms
constexpr int kMaxValue = 256 * 1024;  // bytes of a text in the file
constexpr int kMaxSql = 4096;

// SQLITE_OPEN_NOFOLLOW refuses a link anywhere in the path; a link to the directory is the admin's.
DatabaseResult<std::string> with_real_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return path;
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(directory.c_str(), nullptr),
                                                    &std::free);
  if (!real) return std::unexpected(DatabaseError(SQLITE_CANTOPEN, "no such directory"));
  return std::string(real.get()) + path.substr(slash);
}

}  // namespace

DatabaseResult<Database> Database::open(const std::string& path, Mode mode) {
  const auto real = with_real_directory(path);
  if (!real) return std::unexpected(real.error());
  const int access = mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int result = ::sqlite3_open_v2(
      real->c_str(), &handle,
      access | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE, nullptr);
  Database database(handle);
  if (result != SQLITE_OK) return std::unexpected(database.error());
  (void)::sqlite3_busy_timeout(handle, kLockWait);
  (void)::sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMaxValue);
  (void)::sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, kMaxSql);
  // The content of the file is data: no functions run from its schema, no tricks with its pages.
  (void)::sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  (void)::sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  (void)::sqlite3_db_config(handle, SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
  // No files beside the database: the disk may be full.
  if (auto set = database.run("PRAGMA temp_store = MEMORY"); !set)
    return std::unexpected(std::move(set.error()));
  return database;
}

DatabaseError Database::error() const {
  if (!handle_) return {SQLITE_NOMEM, "out of memory"};
  return {::sqlite3_extended_errcode(handle_.get()), ::sqlite3_errmsg(handle_.get())};
}

DatabaseResult<void> Database::run(const char* sql) {
  if (::sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(error());
}

DatabaseResult<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (::sqlite3_prepare_v2(handle_.get(), sql, -1, &statement, nullptr) != SQLITE_OK)
    return std::unexpected(error());
  return Statement(statement);
}

DatabaseResult<std::int64_t> Database::number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(std::move(statement.error()));
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement->integer(0) : 0;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  if (text.size() > INT_MAX) {
    bind_error_ = SQLITE_TOOBIG;
    return *this;
  }
  const int result = ::sqlite3_bind_text(handle_.get(), parameter, text.data(),
                                         static_cast<int>(text.size()), SQLITE_TRANSIENT);
  if (bind_error_ == SQLITE_OK) bind_error_ = result;
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  const int result = ::sqlite3_bind_int64(handle_.get(), parameter, value);
  if (bind_error_ == SQLITE_OK) bind_error_ = result;
  return *this;
}

DatabaseResult<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK)
    return std::unexpected(DatabaseError(bind_error_, ::sqlite3_errstr(bind_error_)));
  const int result = ::sqlite3_step(handle_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  sqlite3* const database = ::sqlite3_db_handle(handle_.get());
  return std::unexpected(
      DatabaseError(::sqlite3_extended_errcode(database), ::sqlite3_errmsg(database)));
}

std::string Statement::text(int column) const {
  const auto* const bytes =
      reinterpret_cast<const char*>(::sqlite3_column_text(handle_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(::sqlite3_column_bytes(handle_.get(), column))};
}

std::int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(handle_.get(), column);
}

std::string join_lines(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined.append(text).push_back('\n');
  return joined;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> texts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    texts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return texts;
}

}  // namespace pamcognito
