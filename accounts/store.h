#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/keeper.h"
#include "common/database.h"
#include "common/fd.h"

namespace pamcognito::accounts {

// A name that had an account and gets none again, with its uid.
struct Tombstone {
  std::string name;
  uid_t uid = 0;
  std::string pool;
  std::string sub;
  std::string renamed_to;  // empty: the account was removed
  std::int64_t at = 0;     // UNIX seconds
};

// The directory's last list (directory_list.h).
struct DirectoryRecord {
  // The names of accounts that the last list had. true: the list that is held back lacks it.
  std::map<std::string, bool, std::less<>> users;
  std::int64_t at = 0;       // of the last whole list, UNIX seconds; 0: there was none
  std::int64_t held_at = 0;  // of the first list that is held back; 0: none is
};

struct Content {
  std::map<std::string, Account, std::less<>> accounts;
  std::map<std::string, Tombstone, std::less<>> tombstones;
  std::uint64_t generation = 0;  // of the image
  std::uint64_t seed = 0;
  DirectoryRecord directory;
};

struct Dirty {
  std::set<std::string> accounts;
  std::set<std::string> tombstones;
  bool directory = false;
};

// The bounds of values, whatever their origin is.
[[nodiscard]] bool is_shell(std::string_view shell) noexcept;
[[nodiscard]] bool are_groups(const std::vector<std::string>& groups) noexcept;
[[nodiscard]] bool is_uid(std::int64_t uid) noexcept;

// The database, in a directory that only root can read. A change that was not committed is rolled
// back by the destructor, or by the next program that opens the database.
class Store {
 public:
  // `absent` becomes true if there is no database, or an empty one. Then read() has no content.
  static Result<Store> open(const std::string& root, bool& absent);
  // Makes the file; begin() makes its tables.
  static Result<void> make(const std::string& root);

  // All pages of the file.
  Result<void> check();
  Result<Content> read();

  Result<void> begin(bool make_tables);
  // Writes what `dirty` names, as `content` has it, with generation and seed.
  Result<void> write(const Content& content, const Dirty& dirty);
  Result<void> commit();

 private:
  Store(Database database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}
  std::unexpected<Error> failed(const DatabaseError& error) const;
  std::unexpected<Error> damaged(std::string_view what) const;
  Result<void> read_accounts(Content& content);
  Result<void> read_tombstones(Content& content);
  Result<void> read_directory(Content& content);
  Result<void> write_directory(const DirectoryRecord& directory);
  Result<void> put(const Account& account);
  Result<void> put(const Tombstone& tombstone);
  Result<void> forget(const char* sql, const std::string& name);

  Database database_;
  std::string path_;
};

}  // namespace pamcognito::accounts
