// Checks and searches the accounts file. A look-up reads two elements of a directory and at most 32
// records, so its time does not depend on the number of users.

#include "nss/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "nss/reserved_names.h"

namespace pamcognito::accounts {
namespace {

// Signals may interrupt a call again and again.
constexpr int kMaxInterruptions = 16;

constexpr Result kDamaged{NSS_STATUS_UNAVAIL, EIO};

Result failed(int error) noexcept {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
    case EAGAIN:
      return {NSS_STATUS_TRYAGAIN, error};
    default:
      return {NSS_STATUS_UNAVAIL, error};
  }
}

bool only_root_writes(const struct stat& status) noexcept {
  return status.st_uid == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// O_NONBLOCK: a FIFO or a device in the file's place does not make the caller wait.
int open_again(const char* path) noexcept {
  int fd = -1;
  for (int i = 0; i < kMaxInterruptions; ++i) {
    fd = ::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 || errno != EINTR) break;
  }
  return fd;
}

bool is_valid(const UserRecord& record, const Header& header) noexcept {
  const std::size_t size = name_size(record.name);
  if (!is_account_name(record.name, size)) return false;
  for (std::size_t i = size; i < kMaxName; ++i)
    if (record.name[i] != '\0') return false;
  if (record.uid < kLowestUid || record.uid > kHighestUid) return false;
  if (record.state != static_cast<std::uint32_t>(State::active) &&
      record.state != static_cast<std::uint32_t>(State::locked))
    return false;
  return header.group_count == kMaxGroups || record.groups >> header.group_count == 0;
}

bool is_valid(const UidEntry& entry, const Header& header) noexcept {
  return entry.uid >= kLowestUid && entry.uid <= kHighestUid && entry.record < header.user_count;
}

bool is_valid(const GroupRecord& group, std::uint64_t members_start,
              const Header& header) noexcept {
  const std::size_t size = name_size(group.name);
  if (!is_account_name(group.name, size)) return false;
  for (std::size_t i = size; i < kMaxName; ++i)
    if (group.name[i] != '\0') return false;
  if (group.gid == 0 || group.gid == UINT32_MAX || group.zero != 0) return false;
  if (group.member_count > kMaxMembers || group.members_bytes > kMaxMembersBytes) return false;
  return group.members_start == members_start &&
         members_start + group.members_bytes <= header.file_size - header.members_offset;
}

std::uint64_t key_of(const UserRecord& record, const Header& header) noexcept {
  return name_key(header.seed, record.name, name_size(record.name));
}
std::uint64_t key_of(const UidEntry& entry, const Header& header) noexcept {
  return uid_key(header.seed, entry.uid);
}

// The order of two records with the same key.
bool in_order(const UserRecord& one, const UserRecord& next) noexcept {
  return std::memcmp(one.name, next.name, kMaxName) < 0;
}
bool in_order(const UidEntry& one, const UidEntry& next) noexcept {
  return one.uid < next.uid;
}

// A bucket's records with the record before and the record behind.
template <class Record>
struct Bucket {
  Record records[kMaxBucket + 2];
  std::uint32_t count = 0;
};

// Reads the bucket of `key`, and proves that it is complete.
template <class Record>
Result read_bucket(const RootFile& file, const Header& header, std::uint64_t key,
                   std::uint64_t directory_offset, std::uint64_t table_offset,
                   Bucket<Record>& bucket) noexcept {
  const unsigned shift = 64U - header.directory_bits;
  const std::uint64_t number = key >> shift;
  std::uint32_t bounds[2];
  if (const Result read =
          file.read(bounds, sizeof(bounds), directory_offset + number * sizeof(bounds[0]));
      !read.ok())
    return read;
  const auto [first, end] = bounds;
  if (first > end || end > header.user_count || end - first > kMaxBucket) return kDamaged;

  const std::uint32_t from = first == 0 ? 0 : first - 1;
  const std::uint32_t to = end == header.user_count ? end : end + 1;
  bucket.count = to - from;
  if (bucket.count == 0) return kFound;
  if (const Result read = file.read(bucket.records, bucket.count * sizeof(Record),
                                    table_offset + std::uint64_t{from} * sizeof(Record));
      !read.ok())
    return read;

  std::uint64_t previous = 0;
  for (std::uint32_t i = 0; i < bucket.count; ++i) {
    const Record& record = bucket.records[i];
    const std::uint32_t index = from + i;
    if (record.checksum != checksum_of(header.generation, index, record)) return kDamaged;
    if (!is_valid(record, header)) return kDamaged;
    const std::uint64_t own = key_of(record, header);
    const std::uint64_t owner = own >> shift;
    if (index < first ? owner >= number : index < end ? owner != number : owner <= number)
      return kDamaged;
    if (i > 0 && (own < previous || (own == previous && !in_order(bucket.records[i - 1], record))))
      return kDamaged;
    previous = own;
  }
  return kFound;
}

bool is_valid(const Header& header, std::uint64_t file_size) noexcept {
  if (header.magic != kMagic || header.version != kVersion) return false;
  if (header.header_size != sizeof(Header) || header.checksum != checksum_of(header)) return false;
  if (header.zero != 0 || header.reserved[0] != 0 || header.reserved[1] != 0) return false;
  if (header.user_count > kMaxUsers || header.group_count > kMaxGroups) return false;
  if (header.directory_bits < kMinDirectoryBits || header.directory_bits > kMaxDirectoryBits)
    return false;
  Header expected = header;
  lay_out(expected, 0);
  const std::uint64_t most = expected.file_size + header.group_count * kMaxMembersBytes;
  if (header.file_size < expected.file_size || header.file_size > most) return false;
  expected.file_size = header.file_size;
  return std::memcmp(&expected, &header, sizeof(Header)) == 0 && header.file_size == file_size;
}

}  // namespace

std::size_t name_size(const char (&name)[kMaxName]) noexcept {
  return ::strnlen(name, kMaxName);
}

RootFile::~RootFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result RootFile::open(const char* directory, const char* path) noexcept {
  struct stat status;
  if (::fstatat(AT_FDCWD, directory, &status, AT_SYMLINK_NOFOLLOW) != 0) return failed(errno);
  if (!S_ISDIR(status.st_mode) || !only_root_writes(status)) return failed(EPERM);
  fd_ = open_again(path);
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) return failed(errno);
  if (!S_ISREG(status.st_mode) || !only_root_writes(status)) return failed(EPERM);
  others_read_ = (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
  size_ = static_cast<std::uint64_t>(status.st_size);
  return kFound;
}

Result RootFile::read(void* to, std::size_t size, std::uint64_t offset) const noexcept {
  auto* at = static_cast<char*>(to);
  for (int interruptions = 0; size > 0;) {
    const ssize_t got = ::pread(fd_, at, size, static_cast<off_t>(offset));
    if (got == 0) return kDamaged;
    if (got < 0) {
      if (errno != EINTR || ++interruptions == kMaxInterruptions) return failed(errno);
      continue;
    }
    const auto more = static_cast<std::size_t>(got);
    at += more;
    size -= more;
    offset += more;
  }
  return kFound;
}

Result ConfFile::read() noexcept {
  RootFile file;
  if (const Result opened = file.open(kConfDirectory, kConfPath); !opened.ok()) return opened;
  if (file.size() > kMaxConfBytes) return kDamaged;
  const auto size = static_cast<std::size_t>(file.size());
  if (const Result read = file.read(text_, size, 0); !read.ok()) return read;
  return parse_conf(std::string_view(text_, size), conf_) == 0 ? kFound : kDamaged;
}

Result AccountsFile::open() noexcept {
  if (const Result opened = file_.open(kDirectory, kPath); !opened.ok()) return opened;
  if (const Result read = file_.read(&header_, sizeof(header_), 0); !read.ok()) return read;
  return is_valid(header_, file_.size()) ? kFound : kDamaged;
}

Result AccountsFile::find_name(const char* name, std::size_t size,
                               UserRecord& record) const noexcept {
  if (is_reserved_name(name, size)) return kAbsent;
  Bucket<UserRecord> bucket;
  if (const Result read = read_bucket(file_, header_, name_key(header_.seed, name, size),
                                      header_.name_directory_offset, header_.users_offset, bucket);
      !read.ok())
    return read;
  for (std::uint32_t i = 0; i < bucket.count; ++i) {
    const UserRecord& one = bucket.records[i];
    if (name_size(one.name) != size || std::memcmp(one.name, name, size) != 0) continue;
    record = one;
    return kFound;
  }
  return kAbsent;
}

Result AccountsFile::find_uid(std::uint32_t uid, UserRecord& record) const noexcept {
  Bucket<UidEntry> bucket;
  if (const Result read = read_bucket(file_, header_, uid_key(header_.seed, uid),
                                      header_.uid_directory_offset, header_.uids_offset, bucket);
      !read.ok())
    return read;
  for (std::uint32_t i = 0; i < bucket.count; ++i) {
    if (bucket.records[i].uid != uid) continue;
    const Result found = user_at(bucket.records[i].record, record);
    if (!found.ok()) return found;
    return record.uid == uid ? kFound : kDamaged;
  }
  return kAbsent;
}

Result AccountsFile::user_at(std::uint32_t index, UserRecord& record) const noexcept {
  if (index >= header_.user_count) return kAbsent;
  const std::uint64_t offset = header_.users_offset + std::uint64_t{index} * sizeof(record);
  if (const Result read = file_.read(&record, sizeof(record), offset); !read.ok()) return read;
  return record.checksum == checksum_of(header_.generation, index, record) &&
                 is_valid(record, header_)
             ? kFound
             : kDamaged;
}

Result AccountsFile::read_groups(GroupRecord (&groups)[kMaxGroups]) const noexcept {
  const std::size_t size = header_.group_count * sizeof(GroupRecord);
  if (const Result read = file_.read(groups, size, header_.groups_offset); !read.ok()) return read;
  std::uint64_t members = 0;
  for (std::uint32_t i = 0; i < header_.group_count; ++i) {
    if (groups[i].checksum != checksum_of(header_.generation, i, groups[i])) return kDamaged;
    if (!is_valid(groups[i], members, header_)) return kDamaged;
    members += groups[i].members_bytes;
  }
  return members == header_.file_size - header_.members_offset ? kFound : kDamaged;
}

Result AccountsFile::digest_groups(const UserRecord& record, std::uint64_t& digest) const noexcept {
  GroupRecord groups[kMaxGroups];
  if (const Result read = read_groups(groups); !read.ok()) return read;
  digest = 0;
  for (std::uint32_t i = 0; i < group_count(); ++i)
    if ((record.groups >> i & 1U) != 0)
      digest += name_key(groups[i].gid, groups[i].name, name_size(groups[i].name));
  return kFound;
}

Result AccountsFile::read_members(const GroupRecord& group, std::uint32_t index,
                                  char (&list)[kMaxMembersBytes]) const noexcept {
  const std::uint64_t offset = header_.members_offset + group.members_start;
  if (const Result read = file_.read(list, group.members_bytes, offset); !read.ok()) return read;
  if (group.members_checksum !=
      members_checksum_of(header_.generation, index, list, group.members_bytes))
    return kDamaged;
  std::uint32_t count = 0;
  for (std::size_t at = 0; at < group.members_bytes; ++count) {
    const std::size_t size = ::strnlen(list + at, group.members_bytes - at);
    if (at + size == group.members_bytes || !is_account_name(list + at, size)) return kDamaged;
    at += size + 1;
  }
  return count == group.member_count ? kFound : kDamaged;
}

}  // namespace pamcognito::accounts
