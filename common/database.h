#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pamcognito {

// SQLite's error (https://sqlite.org/rescode.html), extended.
struct DatabaseError {
  int code = SQLITE_ERROR;
  std::string message;

  DatabaseError(int code_, std::string message_) : code(code_), message(std::move(message_)) {}
};
template <class T>
using DatabaseResult = std::expected<T, DatabaseError>;

class Statement;

// A connection to one database file, closed with this object. Waits two seconds for a lock at most.
class Database {
 public:
  enum class Mode : std::uint8_t { read, write };
  // The file must exist, and must not be a symbolic link (its directory may be).
  static DatabaseResult<Database> open(const std::string& path, Mode mode);

  DatabaseResult<void> run(const char* sql);
  DatabaseResult<Statement> prepare(const char* sql);
  // A PRAGMA's or SELECT's one number.
  DatabaseResult<std::int64_t> number(const char* sql);
  // Rows that the last statement changed.
  [[nodiscard]] int changes() const noexcept { return ::sqlite3_changes(handle_.get()); }
  [[nodiscard]] DatabaseError error() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { (void)::sqlite3_close_v2(handle); }
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement; must not outlive its database. Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::int64_t value);
  // True: there is a row. A failed bind() ends here.
  DatabaseResult<bool> step();
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { (void)::sqlite3_finalize(handle); }
  };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  int bind_error_ = SQLITE_OK;
};

// A list of texts in one column. The texts, such as the names of groups, have no control
// characters, so a newline ends each.
std::string join_lines(const std::vector<std::string>& texts);
std::vector<std::string> split_lines(std::string_view text);

}  // namespace pamcognito
