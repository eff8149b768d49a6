#pragma once

#include <nss.h>

#include <cstddef>
#include <cstdint>

#include "nss/accounts_conf.h"
#include "nss/accounts_format.h"

// Reads the accounts file and accounts.conf for one look-up. Both are opened, read with pread into
// the stack and closed again: nothing is mapped (a file that is truncated in place would end the
// process by SIGBUS), kept or allocated, and nothing waits.
namespace pamcognito::accounts {

// The result of a look-up, and errno if it failed. Only an intact file of root's proves that an
// entry is absent (NSS_STATUS_NOTFOUND).
struct Result {
  nss_status status;
  int error;

  [[nodiscard]] bool ok() const noexcept { return status == NSS_STATUS_SUCCESS; }
};

inline constexpr Result kFound{NSS_STATUS_SUCCESS, 0};
inline constexpr Result kAbsent{NSS_STATUS_NOTFOUND, 0};

// A descriptor of a file that only root can have written.
class RootFile {
 public:
  RootFile() noexcept = default;
  RootFile(const RootFile&) = delete;
  RootFile& operator=(const RootFile&) = delete;
  ~RootFile();

  // The regular file and its directory must be root's, and nobody else may write them. Neither is
  // followed if it is a symbolic link. Only root can exchange the directory between both checks.
  [[nodiscard]] Result open(const char* directory, const char* path) noexcept;
  // All of it or a failure.
  [[nodiscard]] Result read(void* to, std::size_t size, std::uint64_t offset) const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // Tells whether others than root may read it.
  [[nodiscard]] bool others_read() const noexcept { return others_read_; }

 private:
  int fd_ = -1;
  bool others_read_ = true;
  std::uint64_t size_ = 0;
};

// accounts.conf and the text that it refers to.
class ConfFile {
 public:
  [[nodiscard]] Result read() noexcept;
  [[nodiscard]] const Conf& conf() const noexcept { return conf_; }

 private:
  char text_[kMaxConfBytes];
  Conf conf_;
};

class AccountsFile {
 public:
  // Opens the file and checks its header.
  [[nodiscard]] Result open() noexcept;

  // Each sets `record` to a record whose checksum and fields are valid. A reserved name is absent.
  // The record of a uid may have one: a later version of the list has more names.
  [[nodiscard]] Result find_name(const char* name, std::size_t size,
                                 UserRecord& record) const noexcept;
  [[nodiscard]] Result find_uid(std::uint32_t uid, UserRecord& record) const noexcept;
  // In the order of the file, which says nothing. Absent behind the last one.
  [[nodiscard]] Result user_at(std::uint32_t index, UserRecord& record) const noexcept;

  // Sets `groups` to the group_count() records of the file.
  [[nodiscard]] Result read_groups(GroupRecord (&groups)[kMaxGroups]) const noexcept;
  [[nodiscard]] std::uint32_t group_count() const noexcept { return header_.group_count; }
  // Sets `digest` to a number for the names and gids of the record's groups. It can be compared
  // between two versions of the file, which may have the groups in another order.
  [[nodiscard]] Result digest_groups(const UserRecord& record,
                                     std::uint64_t& digest) const noexcept;
  // Sets `list` to the names of groups[index]: member_count of them, each ended by a NUL.
  [[nodiscard]] Result read_members(const GroupRecord& group, std::uint32_t index,
                                    char (&list)[kMaxMembersBytes]) const noexcept;

 private:
  RootFile file_;
  Header header_;
};

// The length of a name in a record.
std::size_t name_size(const char (&name)[kMaxName]) noexcept;

}  // namespace pamcognito::accounts
