#pragma once

#include <cstddef>
#include <cstdint>

// The accounts file: users whom no local file names, and the mapped local groups that they are in.
//
// cognitod-accounts (root) writes it, libnss_cognitod reads it in each process of the machine. It
// is the image of the helper's database, and is replaced as a whole: write a new file beside it,
// fsync, rename, fsync of the directory. It contains no sub, e-mail address or phone number.
//
// Layout, in the byte order of the machine, each part directly behind the one before:
//
//   Header
//   GroupRecord[group_count]            mapped local groups; bit i of UserRecord::groups is record
//   i UserRecord[user_count]              sorted by (name_key(name), name)
//   uint32_t[2^directory_bits + 1]      name directory
//   UidEntry[user_count]                sorted by (uid_key(uid), uid)
//   uint32_t[2^directory_bits + 1]      uid directory
//   padding to a multiple of 8          zeros; only behind each directory
//   member lists                        names, each ended by a NUL, of the groups in their order
//
// A directory tells for each bucket (the key's upper directory_bits bits) how many entries have a
// smaller bucket; its last element is user_count. It is a hint without a checksum: the reader reads
// the bucket's entries with the entry before and the entry behind, and checks each one's checksum
// and order. Two valid neighbours prove that a name or uid is absent.
//
// Bounds of a look-up: a name needs 3 reads, a uid 4, a group or its members at most 5.
// kMaxBucket bounds the entries of a bucket. If a bucket has more, the writer chooses another seed
// or more bits.
namespace pamcognito::accounts {

// The version is part of the name: after an upgrade, programs keep the old library for weeks, and
// the writer keeps the previous format's file for them. The directory and the file are root's, and
// nobody else may write them (0755 and 0644).
inline constexpr char kDirectory[] = "/var/lib/pam-cognito-accounts";
inline constexpr char kFileName[] = "accounts.v1";
inline constexpr char kPath[] = "/var/lib/pam-cognito-accounts/accounts.v1";

inline constexpr std::uint64_t kMagic = 0x3176'7363'6361'6370;  // "pcaccsv1", little-endian
inline constexpr std::uint32_t kVersion = 1;

inline constexpr std::size_t kMaxName = 32;            // useradd's limit, and that of utmp
inline constexpr std::uint32_t kMaxUsers = 1U << 20U;  // ten times the largest measured file
inline constexpr std::uint32_t kMaxGroups = 64;        // a bit each in UserRecord::groups
inline constexpr std::uint32_t kMaxMembers = 64;       // DESIGN: local administrators' PAM lines
inline constexpr std::uint32_t kMaxMembersBytes = 4096;
inline constexpr std::uint32_t kMinDirectoryBits = 1;
inline constexpr std::uint32_t kMaxDirectoryBits = 20;
inline constexpr std::uint32_t kMaxBucket = 30;  // with both neighbours 32 records, 2 KiB of stack

// Ids outside these limits are never an account's, whatever accounts.conf and the file contain.
// 65536: below are the users of packages, people, nobody and (uid_t)-1 of 16 bits. 2^31 - 2: uids
// are signed somewhere.
inline constexpr std::uint32_t kLowestUid = 65536;
inline constexpr std::uint32_t kHighestUid = 0x7FFF'FFFE;

enum class State : std::uint32_t {
  active = 1,
  // Files keep their owner's name; the shell is nologin and no mapped group is added.
  locked = 2,
};

// 128 bytes.
struct Header {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t header_size;  // sizeof(Header)
  std::uint64_t generation;   // grows by each write; part of each checksum
  std::uint64_t seed;         // random, new at each write: nobody can aim at a bucket
  std::uint32_t user_count;
  std::uint32_t group_count;
  std::uint32_t directory_bits;
  std::uint32_t zero;
  std::uint64_t groups_offset;
  std::uint64_t users_offset;
  std::uint64_t name_directory_offset;
  std::uint64_t uids_offset;
  std::uint64_t uid_directory_offset;
  std::uint64_t members_offset;
  std::uint64_t file_size;    // of the whole file
  std::uint64_t reserved[2];  // 0
  std::uint64_t checksum;     // of the bytes before
};

// 64 bytes. The gid is the uid: each user has a private group of the same name.
struct UserRecord {
  char name[kMaxName];  // filled with NULs; a name of 32 bytes has none
  std::uint32_t uid;
  std::uint32_t state;   // State
  std::uint64_t shell;   // path_key() of a shell of accounts.conf; 0: its first one
  std::uint64_t groups;  // bit i: member of GroupRecord i
  std::uint64_t checksum;
};

// 16 bytes.
struct UidEntry {
  std::uint32_t uid;
  std::uint32_t record;  // index of the UserRecord
  std::uint64_t checksum;
};

// 72 bytes. A local group: the reader answers it only if accounts.conf maps it.
struct GroupRecord {
  char name[kMaxName];
  std::uint32_t gid;            // of the local group; never 0, never in the accounts' range
  std::uint32_t member_count;   // names in the list: active users only, at most kMaxMembers
  std::uint64_t members_start;  // from members_offset
  std::uint32_t members_bytes;  // with the NULs, at most kMaxMembersBytes
  std::uint32_t zero;
  std::uint64_t members_checksum;
  std::uint64_t checksum;
};

static_assert(sizeof(Header) == 128 && sizeof(UserRecord) == 64);
static_assert(sizeof(UidEntry) == 16 && sizeof(GroupRecord) == 72);

// FNV-1a, 64 bits. Each step is a bijection of the state, so a change of one byte always shows. It
// finds damage; root's ownership keeps out forgeries.
inline constexpr std::uint64_t kFnvStart = 0xcbf2'9ce4'8422'2325;
constexpr std::uint64_t fnv_step(std::uint64_t state, unsigned char byte) noexcept {
  return (state ^ byte) * 0x0000'0100'0000'01b3;
}
constexpr std::uint64_t fnv_number(std::uint64_t state, std::uint64_t number) noexcept {
  for (unsigned shift = 0; shift < 64; shift += 8)
    state = fnv_step(state, static_cast<unsigned char>(number >> shift));
  return state;
}
inline std::uint64_t fnv_bytes(std::uint64_t state, const void* bytes, std::size_t size) noexcept {
  const auto* at = static_cast<const unsigned char*>(bytes);
  for (std::size_t i = 0; i < size; ++i) state = fnv_step(state, at[i]);
  return state;
}

// The final step of MurmurHash3: the upper bits depend on all bits.
constexpr std::uint64_t mixed(std::uint64_t key) noexcept {
  key = (key ^ (key >> 33U)) * 0xff51'afd7'ed55'8ccd;
  key = (key ^ (key >> 33U)) * 0xc4ce'b9fe'1a85'ec53;
  return key ^ (key >> 33U);
}

// The order of the records. `size` is the name's length without NUL.
inline std::uint64_t name_key(std::uint64_t seed, const char* name, std::size_t size) noexcept {
  return mixed(fnv_bytes(fnv_number(kFnvStart, seed), name, size));
}
constexpr std::uint64_t uid_key(std::uint64_t seed, std::uint32_t uid) noexcept {
  return mixed(fnv_number(fnv_number(kFnvStart, seed), uid));
}
// Never 0.
inline std::uint64_t path_key(const char* path, std::size_t size) noexcept {
  return fnv_bytes(kFnvStart, path, size) | 1U;
}

// The checksum of a header: of all bytes before it.
inline std::uint64_t checksum_of(const Header& header) noexcept {
  return fnv_bytes(kFnvStart, &header, offsetof(Header, checksum));
}
// The checksum of a UserRecord, UidEntry or GroupRecord: of the file's generation, of its own
// position in its table, and of all bytes before the checksum. A record of another version of the
// file, or at another position, is not valid.
template <class Record>
std::uint64_t checksum_of(std::uint64_t generation, std::uint32_t index,
                          const Record& record) noexcept {
  return fnv_bytes(fnv_number(fnv_number(kFnvStart, generation), index), &record,
                   offsetof(Record, checksum));
}
// GroupRecord::members_checksum.
inline std::uint64_t members_checksum_of(std::uint64_t generation, std::uint32_t group,
                                         const char* list, std::size_t size) noexcept {
  return fnv_bytes(fnv_number(fnv_number(kFnvStart, generation), group), list, size);
}

constexpr std::uint64_t padded(std::uint64_t size) noexcept {
  return (size + 7U) & ~std::uint64_t{7};
}
constexpr std::uint64_t directory_size(std::uint32_t bits) noexcept {
  return padded(((std::uint64_t{1} << bits) + 1U) * sizeof(std::uint32_t));
}

// Sets the offsets that follow from the counts. The reader accepts no others. file_size needs the
// size of the member lists.
constexpr void lay_out(Header& header, std::uint64_t members_size) noexcept {
  header.groups_offset = sizeof(Header);
  header.users_offset = header.groups_offset + header.group_count * sizeof(GroupRecord);
  header.name_directory_offset = header.users_offset + header.user_count * sizeof(UserRecord);
  header.uids_offset = header.name_directory_offset + directory_size(header.directory_bits);
  header.uid_directory_offset = header.uids_offset + header.user_count * sizeof(UidEntry);
  header.members_offset = header.uid_directory_offset + directory_size(header.directory_bits);
  header.file_size = header.members_offset + members_size;
}

// [a-z_][a-z0-9_.-]{0,31}, of ASCII whatever the locale is. The module's grammar
// (common/user_name.h) without upper case: two names never differ in case only.
constexpr bool is_account_name(const char* name, std::size_t size) noexcept {
  if (size == 0 || size > kMaxName) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const char c = name[i];
    const bool first = (c >= 'a' && c <= 'z') || c == '_';
    const bool later = (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (!first && (i == 0 || !later)) return false;
  }
  return true;
}

}  // namespace pamcognito::accounts
