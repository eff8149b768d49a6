// The C interface of libnss_cognitod (nss.h): passwd, group and the groups of a user, for accounts
// that no local file names.
//
// It runs in each process of the machine, root's and set-uid programs included. So it needs libc
// alone, reads no environment variable, keeps nothing but the position of an enumeration and one
// answer of root's sshd, and writes to nothing but the caller's buffer. The limits of accounts.conf
// are applied here, whatever the accounts file contains.

#include <grp.h>
#include <link.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "nss/first_login.h"
#include "nss/reader.h"
#include "nss/reserved_names.h"
#include "nss/seen_by_sshd.h"

namespace {

using namespace pamcognito::accounts;

constexpr std::string_view kNoPassword = "*";  // x would make pam_unix look for a shadow entry
// sshd that does not ask PAM (UsePAM no) refuses this user. It ignores it otherwise.
constexpr std::string_view kNoLoginWithoutPam = "!";
// UserRecord::state of an answer without a record, which the accounts file never has. Its groups
// are those of every user.
constexpr std::uint32_t kFirstLogin = UINT32_MAX;
constexpr std::string_view kLockedShell = "/usr/sbin/nologin";
constexpr gid_t kAnyGroup = static_cast<gid_t>(-1);  // getgrouplist() of nscd and getent

// Closing a descriptor must not be skipped by pthread_cancel, and errno stays as it was unless the
// look-up fails.
class Call {
 public:
  Call() noexcept : errno_(errno) { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { pthread_setcancelstate(state_, nullptr); }

  nss_status end(Result result, int* error) const noexcept {
    errno = errno_;
    if (result.status == NSS_STATUS_UNAVAIL || result.status == NSS_STATUS_TRYAGAIN)
      *error = result.error;
    return result.status;
  }

 private:
  int errno_;
  int state_ = 0;
};

// The caller's buffer.
class Buffer {
 public:
  Buffer(char* at, std::size_t size) noexcept : at_(at), left_(at == nullptr ? 0 : size) {}

  // Each returns nullptr if the buffer is too small.
  char* text(std::string_view one, std::string_view two = {},
             std::string_view three = {}) noexcept {
    const std::size_t size = one.size() + two.size() + three.size() + 1;
    if (size > left_) return nullptr;
    char* const start = at_;
    for (const std::string_view part : {one, two, three}) {
      if (!part.empty()) std::memcpy(at_, part.data(), part.size());
      at_ += part.size();
    }
    *at_++ = '\0';
    left_ -= size;
    return start;
  }

  char** pointers(std::size_t count) noexcept {
    const std::size_t gap = -reinterpret_cast<std::uintptr_t>(at_) % alignof(char*);
    if (gap > left_ || count > (left_ - gap) / sizeof(char*)) return nullptr;
    auto* const start = reinterpret_cast<char**>(at_ + gap);
    at_ += gap + count * sizeof(char*);
    left_ -= gap + count * sizeof(char*);
    return start;
  }

 private:
  char* at_;
  std::size_t left_;
};

constexpr Result kTooSmall{NSS_STATUS_TRYAGAIN, ERANGE};
constexpr Result kRefused{NSS_STATUS_UNAVAIL, EPERM};

std::string_view name_of(const UserRecord& record) noexcept {
  return {record.name, name_size(record.name)};
}
std::string_view name_of(const GroupRecord& record) noexcept {
  return {record.name, name_size(record.name)};
}

bool in_range(const Conf& conf, std::uint32_t id) noexcept {
  return id >= conf.first && id <= conf.last;
}

bool is_reserved(std::string_view name) noexcept {
  return is_reserved_name(name.data(), name.size());
}

// A record that this returns false for is not absent: its uid is taken.
bool permits(const Conf& conf, const UserRecord& record) noexcept {
  return in_range(conf, record.uid) && !is_reserved(name_of(record));
}

// The shell of accounts.conf that the record names, or its first one.
std::string_view shell_of(const UserRecord& record, const Conf& conf) noexcept {
  if (record.state == static_cast<std::uint32_t>(State::locked)) return kLockedShell;
  std::string_view list = conf.shells;
  const std::string_view first = conf_text::take_word(list);
  for (std::string_view shell = first; !shell.empty(); shell = conf_text::take_word(list))
    if (path_key(shell.data(), shell.size()) == record.shell) return shell;
  return first;
}

Result fill(const UserRecord& record, const Conf& conf, Buffer buffer, passwd* entry) noexcept {
  if (!permits(conf, record)) return kRefused;
  const std::string_view name = name_of(record);
  // parse_conf() has checked that the template has one %u.
  std::size_t user = 0;
  while (conf.home.data()[user] != '%') ++user;
  const std::size_t after = user + 2;

  passwd filled{};
  filled.pw_name = buffer.text(name);
  filled.pw_passwd = buffer.text(record.state == kFirstLogin ? kNoLoginWithoutPam : kNoPassword);
  filled.pw_uid = record.uid;
  filled.pw_gid = record.uid;
  filled.pw_gecos = buffer.text({});
  filled.pw_dir = buffer.text(conf_text::part(conf.home, 0, user), name,
                              conf_text::part(conf.home, after, conf.home.size() - after));
  filled.pw_shell = buffer.text(shell_of(record, conf));
  if (filled.pw_name == nullptr || filled.pw_passwd == nullptr || filled.pw_gecos == nullptr ||
      filled.pw_dir == nullptr || filled.pw_shell == nullptr)
    return kTooSmall;
  *entry = filled;
  return kFound;
}

// The user's private group.
Result fill(const UserRecord& record, const Conf& conf, Buffer buffer, group* entry) noexcept {
  if (!permits(conf, record)) return kRefused;
  group filled{};
  filled.gr_gid = record.uid;
  filled.gr_mem = buffer.pointers(1);
  filled.gr_name = buffer.text(name_of(record));
  filled.gr_passwd = buffer.text(kNoPassword);
  if (filled.gr_mem == nullptr || filled.gr_name == nullptr || filled.gr_passwd == nullptr)
    return kTooSmall;
  filled.gr_mem[0] = nullptr;
  *entry = filled;
  return kFound;
}

// The first answer about a user that this process got, if it is root's sshd. sshd looks the user up
// before the sign-in, and keeps the uid. So the answer stays the same for the life of the process,
// and pam_cognito can compare it with the record. An sshd process has one user.
class SeenUser {
 public:
  // The first call counts.
  void keep(const UserRecord& record, std::uint64_t groups) noexcept {
    int none = kNone;
    if (!__atomic_compare_exchange_n(&state_, &none, kBegun, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_ACQUIRE))
      return;
    record_ = record;
    groups_ = groups;
    __atomic_store_n(&state_, kKept, __ATOMIC_RELEASE);
  }
  // nullptr: none, or another user.
  [[nodiscard]] const UserRecord* find(std::string_view name) const noexcept {
    return is_kept() && name_of(record_) == name ? &record_ : nullptr;
  }
  [[nodiscard]] const UserRecord* find(std::uint32_t uid) const noexcept {
    return is_kept() && record_.uid == uid ? &record_ : nullptr;
  }
  // AccountsFile::digest_groups() at that moment.
  [[nodiscard]] std::uint64_t groups() const noexcept { return groups_; }

 private:
  static constexpr int kNone = 0;
  static constexpr int kBegun = 1;
  static constexpr int kKept = 2;

  [[nodiscard]] bool is_kept() const noexcept {
    return __atomic_load_n(&state_, __ATOMIC_ACQUIRE) == kKept;
  }

  int state_ = kNone;
  UserRecord record_ = {};
  std::uint64_t groups_ = 0;
};

SeenUser seen;

// The groups of the former record are positions in the file of that time.
void copy_seen(const UserRecord& before, UserRecord& record) noexcept {
  record = before;
  if (record.state == static_cast<std::uint32_t>(State::active)) record.state = kFirstLogin;
}

// The record of a user; in root's sshd the answer that it got before, if there is no record, or one
// with another uid.
Result find_user(const AccountsFile& file, std::string_view name, UserRecord& record) noexcept {
  const Result found = file.find_name(name.data(), name.size(), record);
  if (!found.ok() && found.status != NSS_STATUS_NOTFOUND) return found;
  const UserRecord* const before = seen.find(name);
  if (before == nullptr || (found.ok() && record.uid == before->uid)) return found;
  copy_seen(*before, record);
  return kFound;
}

// A record of the uid counts, whatever its name is.
Result find_user(const AccountsFile& file, std::uint32_t uid, UserRecord& record) noexcept {
  const Result found = file.find_uid(uid, record);
  const UserRecord* const before = seen.find(uid);
  if (found.status != NSS_STATUS_NOTFOUND || before == nullptr) return found;
  copy_seen(*before, record);
  return kFound;
}

// So that the first login of a user succeeds in one connection, root's sshd gets an entry for a
// name without a record. It has the uid that the sign-in will store, and the groups of every user.
// It grants nothing: pam_cognito demands the record.
Result begin_first_login(const AccountsFile& file, const Conf& conf, std::string_view name,
                         UserRecord& record) noexcept {
  std::uint32_t uid = 0;
  if (const Result found = first_login_uid(conf, file, name, uid); !found.ok()) return found;
  GroupRecord groups[kMaxGroups];
  if (const Result read = file.read_groups(groups); !read.ok()) return read;
  record = {};
  std::memcpy(record.name, name.data(), name.size());
  record.uid = uid;
  record.state = kFirstLogin;
  for (std::uint32_t i = 0; i < file.group_count(); ++i)
    if (has_every_user(conf, name_of(groups[i]))) record.groups |= std::uint64_t{1} << i;
  std::uint64_t digest = 0;
  if (const Result read = file.digest_groups(record, digest); !read.ok()) return read;
  seen.keep(record, digest);
  return seen.find(name) != nullptr ? kFound : kAbsent;
}

template <class Entry>
Result fill_from(const UserRecord& record, Buffer buffer, Entry* entry) noexcept {
  ConfFile conf;
  if (const Result read = conf.read(); !read.ok()) return read;
  return fill(record, conf.conf(), buffer, entry);
}

// A mapped local group. nsswitch.conf merges it with the local entry.
Result fill_mapped(const AccountsFile& file, const GroupRecord& record, std::uint32_t index,
                   Buffer buffer, group* entry) noexcept {
  char list[kMaxMembersBytes];
  if (const Result read = file.read_members(record, index, list); !read.ok()) return read;
  group filled{};
  filled.gr_gid = record.gid;
  filled.gr_mem = buffer.pointers(std::size_t{record.member_count} + 1);
  filled.gr_name = buffer.text(name_of(record));
  filled.gr_passwd = buffer.text(kNoPassword);
  if (filled.gr_mem == nullptr || filled.gr_name == nullptr || filled.gr_passwd == nullptr)
    return kTooSmall;
  const char* member = list;
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < record.member_count; ++i) {
    const std::string_view name(member, ::strnlen(member, kMaxName));
    member += name.size() + 1;
    if (is_reserved(name)) continue;
    filled.gr_mem[count] = buffer.text(name);
    if (filled.gr_mem[count++] == nullptr) return kTooSmall;
  }
  filled.gr_mem[count] = nullptr;
  *entry = filled;
  return kFound;
}

// Tells whether accounts.conf maps the group. A gid of the accounts' range is never a local
// group's.
Result check_mapped(const GroupRecord& record) noexcept {
  ConfFile conf;
  if (const Result read = conf.read(); !read.ok()) return read;
  if (!is_mapped(conf.conf(), name_of(record))) return kAbsent;
  return in_range(conf.conf(), record.gid) ? kRefused : kFound;
}

// Sets `record` and `index` to the mapped local group for which `is_wanted` returns true.
template <class IsWanted>
Result find_mapped(const AccountsFile& file, IsWanted is_wanted, GroupRecord& record,
                   std::uint32_t& index) noexcept {
  GroupRecord groups[kMaxGroups];
  if (const Result read = file.read_groups(groups); !read.ok()) return read;
  for (index = 0; index < file.group_count(); ++index) {
    if (!is_wanted(groups[index])) continue;
    record = groups[index];
    return kFound;
  }
  return kAbsent;
}

template <class IsWanted>
Result answer_mapped(const AccountsFile& file, IsWanted is_wanted, Buffer buffer,
                     group* entry) noexcept {
  GroupRecord record;
  std::uint32_t index = 0;
  Result result = find_mapped(file, is_wanted, record, index);
  if (result.ok()) result = check_mapped(record);
  return result.ok() ? fill_mapped(file, record, index, buffer, entry) : result;
}

Result user_by_name(std::string_view name, Buffer buffer, passwd* entry) noexcept {
  AccountsFile file;
  if (const Result opened = file.open(); !opened.ok()) return opened;
  UserRecord record;
  const Result found = find_user(file, name, record);
  const bool is_absent = found.status == NSS_STATUS_NOTFOUND;
  if (!found.ok() && (!is_absent || ::getuid() != 0)) return found;
  ConfFile conf;
  if (const Result read = conf.read(); !read.ok()) return is_absent ? kAbsent : read;
  const bool is_sshd = is_roots_sshd(conf.conf());
  if (is_absent) {
    if (!is_sshd) return kAbsent;
    if (const Result begun = begin_first_login(file, conf.conf(), name, record); !begun.ok())
      return begun;
  } else if (is_sshd) {
    std::uint64_t groups = 0;
    if (const Result read = file.digest_groups(record, groups); !read.ok()) return read;
    seen.keep(record, groups);
  }
  return fill(record, conf.conf(), buffer, entry);
}

// passwd and group have the same ids of users.
template <class Entry>
Result by_id(std::uint32_t id, Buffer buffer, Entry* entry) noexcept {
  AccountsFile file;
  if (const Result opened = file.open(); !opened.ok()) return opened;
  UserRecord record;
  const Result found = find_user(file, id, record);
  return found.ok() ? fill_from(record, buffer, entry) : found;
}

// No file can name an account outside the compiled limits: that is proved without a file. A
// reserved name is a mapped local group's at most.
bool is_group_name(const char* name) noexcept {
  return name != nullptr && is_account_name(name, ::strnlen(name, kMaxName + 1));
}
bool is_possible(const char* name) noexcept {
  return is_group_name(name) && !is_reserved({name, std::strlen(name)});
}
bool is_possible(std::uint32_t uid) noexcept {
  return uid >= kLowestUid && uid <= kHighestUid;
}

Result group_by_name(std::string_view name, Buffer buffer, group* entry) noexcept {
  AccountsFile file;
  if (const Result opened = file.open(); !opened.ok()) return opened;
  const Result mapped = answer_mapped(
      file, [name](const GroupRecord& one) noexcept { return name_of(one) == name; }, buffer,
      entry);
  if (mapped.status != NSS_STATUS_NOTFOUND) return mapped;
  UserRecord record;
  const Result found = find_user(file, name, record);
  return found.ok() ? fill_from(record, buffer, entry) : found;
}

Result group_by_id(gid_t gid, Buffer buffer, group* entry) noexcept {
  AccountsFile file;
  if (const Result opened = file.open(); !opened.ok()) return opened;
  const Result mapped = answer_mapped(
      file, [gid](const GroupRecord& one) noexcept { return one.gid == gid; }, buffer, entry);
  if (mapped.status != NSS_STATUS_NOTFOUND || !is_possible(gid)) return mapped;
  UserRecord record;
  const Result found = find_user(file, gid, record);
  return found.ok() ? fill_from(record, buffer, entry) : found;
}

// The array of getgrouplist(), which libc allocates.
struct GroupList {
  long* start;
  long* size;
  gid_t** groups;
  long limit;
};

// A static program has a libc of its own, and loads this module with a second one, whose realloc()
// must not get memory of the first. The dynamic linker that comes with the second one has started
// no program, and its version is 0.
bool has_heap_of_program() noexcept {
  return _r_debug.r_version != 0;
}

Result add_group(const GroupList& list, gid_t gid) noexcept {
  for (long i = 0; i < *list.start; ++i)
    if ((*list.groups)[i] == gid) return kFound;
  if (*list.start == *list.size) {
    if (list.limit > 0 && *list.size >= list.limit) return kFound;
    if (!has_heap_of_program()) return {NSS_STATUS_TRYAGAIN, ENOMEM};
    long size = *list.size < 16 ? 16 : *list.size * 2;
    if (list.limit > 0 && size > list.limit) size = list.limit;
    void* const larger = std::realloc(*list.groups, static_cast<std::size_t>(size) * sizeof(gid_t));
    if (larger == nullptr) return {NSS_STATUS_TRYAGAIN, ENOMEM};
    *list.groups = static_cast<gid_t*>(larger);
    *list.size = size;
  }
  (*list.groups)[(*list.start)++] = gid;
  return kFound;
}

Result add_mapped(const AccountsFile& file, const UserRecord& record,
                  const GroupList& list) noexcept {
  GroupRecord groups[kMaxGroups];
  if (const Result read = file.read_groups(groups); !read.ok()) return read;
  ConfFile conf;
  if (const Result read = conf.read(); !read.ok()) return read;
  if (!permits(conf.conf(), record)) return kRefused;
  for (std::uint32_t i = 0; i < file.group_count(); ++i) {
    const bool is_member = record.state == kFirstLogin
                               ? has_every_user(conf.conf(), name_of(groups[i]))
                               : (record.groups >> i & 1U) != 0;
    if (!is_member || !is_mapped(conf.conf(), name_of(groups[i]))) continue;
    if (in_range(conf.conf(), groups[i].gid)) return kRefused;
    if (const Result added = add_group(list, groups[i].gid); !added.ok()) return added;
  }
  return kFound;
}

Result groups_of(const char* user, gid_t group, const GroupList& list) noexcept {
  AccountsFile file;
  if (const Result opened = file.open(); !opened.ok()) return opened;
  UserRecord record;
  if (const Result found = find_user(file, user, record); !found.ok()) return found;
  // libc asks all sources. Another primary group belongs to a local user of the same name.
  if (group != record.uid && group != kAnyGroup) return kAbsent;
  if (record.state != static_cast<std::uint32_t>(State::active) && record.state != kFirstLogin)
    return kFound;
  const long before = *list.start;
  const Result added = add_mapped(file, record, list);
  if (!added.ok()) *list.start = before;  // libc keeps the groups of a failed call
  return added;
}

// The position of setpwent() and setgrent(). libc serializes the calls.
std::uint32_t next_user = 0;
std::uint32_t next_group = 0;

template <class Entry>
Result next_entry(std::uint32_t& position, Buffer buffer, Entry* entry) noexcept {
  ConfFile conf;
  if (const Result read = conf.read(); !read.ok()) return read;
  if (!conf.conf().enumerate) return kAbsent;
  AccountsFile file;
  if (const Result opened = file.open(); !opened.ok()) return opened;
  std::uint32_t at = __atomic_load_n(&position, __ATOMIC_RELAXED);
  UserRecord record;
  Result result = file.user_at(at, record);
  // A record that is not permitted is not shown, and does not end the list.
  while (result.ok() && !permits(conf.conf(), record)) result = file.user_at(++at, record);
  if (result.ok()) result = fill(record, conf.conf(), buffer, entry);
  __atomic_store_n(&position, result.ok() ? at + 1 : at, __ATOMIC_RELAXED);
  return result;
}

nss_status rewind(std::uint32_t& position) noexcept {
  __atomic_store_n(&position, 0, __ATOMIC_RELAXED);
  return NSS_STATUS_SUCCESS;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED nss_status _nss_cognitod_getpwnam_r(const char* name, passwd* entry, char* buffer,
                                             std::size_t size, int* error) noexcept {
  if (!is_possible(name)) return NSS_STATUS_NOTFOUND;
  const Call call;
  return call.end(user_by_name(name, Buffer(buffer, size), entry), error);
}

EXPORTED nss_status _nss_cognitod_getpwuid_r(uid_t uid, passwd* entry, char* buffer,
                                             std::size_t size, int* error) noexcept {
  if (!is_possible(uid)) return NSS_STATUS_NOTFOUND;
  const Call call;
  return call.end(by_id(uid, Buffer(buffer, size), entry), error);
}

EXPORTED nss_status _nss_cognitod_getgrnam_r(const char* name, group* entry, char* buffer,
                                             std::size_t size, int* error) noexcept {
  if (!is_group_name(name)) return NSS_STATUS_NOTFOUND;
  const Call call;
  return call.end(group_by_name(name, Buffer(buffer, size), entry), error);
}

EXPORTED nss_status _nss_cognitod_getgrgid_r(gid_t gid, group* entry, char* buffer,
                                             std::size_t size, int* error) noexcept {
  if (gid == 0 || gid == kAnyGroup) return NSS_STATUS_NOTFOUND;
  const Call call;
  return call.end(group_by_id(gid, Buffer(buffer, size), entry), error);
}

EXPORTED nss_status _nss_cognitod_initgroups_dyn(const char* user, gid_t group, long* start,
                                                 long* size, gid_t** groups, long limit,
                                                 int* error) noexcept {
  if (!is_possible(user)) return NSS_STATUS_NOTFOUND;
  const Call call;
  return call.end(groups_of(user, group, {start, size, groups, limit}), error);
}

EXPORTED nss_status _nss_cognitod_setpwent(int) noexcept {
  return rewind(next_user);
}
EXPORTED nss_status _nss_cognitod_endpwent() noexcept {
  return rewind(next_user);
}
EXPORTED nss_status _nss_cognitod_getpwent_r(passwd* entry, char* buffer, std::size_t size,
                                             int* error) noexcept {
  const Call call;
  return call.end(next_entry(next_user, Buffer(buffer, size), entry), error);
}

EXPORTED nss_status _nss_cognitod_setgrent(int) noexcept {
  return rewind(next_group);
}
EXPORTED nss_status _nss_cognitod_endgrent() noexcept {
  return rewind(next_group);
}
EXPORTED nss_status _nss_cognitod_getgrent_r(group* entry, char* buffer, std::size_t size,
                                             int* error) noexcept {
  const Call call;
  return call.end(next_entry(next_group, Buffer(buffer, size), entry), error);
}

EXPORTED int _nss_cognitod_seen_by_sshd(const char* name, std::uint32_t* uid,
                                        std::uint64_t* groups) noexcept {
  const UserRecord* const record = is_possible(name) ? seen.find(name) : nullptr;
  if (record == nullptr) return 0;
  *uid = record->uid;
  *groups = seen.groups();
  return 1;
}
