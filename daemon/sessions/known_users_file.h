#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/sessions/known_users.h"

// The file of KnownUsers: one SQLite database, one table keyed by (pool, name), its schema's
// version in PRAGMA user_version. The functions may run in any thread, and leave nothing open.
//
// With a rollback journal, not a write-ahead log: between two changes it is one file, which can be
// read without write access (a log needs its index beside it), also on a full disk. A change is on
// the disk when the call returns (synchronous = EXTRA). A process that dies within a change leaves
// a journal, and the next reader restores the file as it was before, which needs no room. Only such
// a journal on a file system that has become read-only since cannot be read.
//
// The file is the daemon's own, mode 0600: a link, another owner or others' right to write are
// refused.
namespace pamcognito::sessions {

// The users of one pool. No file: none. The error names the file, what is wrong and what to do.
std::expected<KnownUserMap, std::string> read_known_users(const std::string& path,
                                                          const std::string& pool);

// All of the changes in their order, or none. The file is made if there is none.
std::expected<void, std::string> write_known_users(const std::string& path,
                                                   const std::vector<KnownUserChange>& changes);

// The bounds of the file, and so of the memory.
bool is_valid_sub(std::string_view sub);
// Those of them that can be kept: without control characters, together 64 KiB.
std::vector<std::string> storable_groups(const std::vector<std::string>& groups);

}  // namespace pamcognito::sessions
