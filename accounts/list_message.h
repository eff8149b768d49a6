#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "accounts/directory_list.h"
#include "accounts/message.h"

// The messages between cognitod-directory and `cognitod-accounts --lists` on
// /run/pam-cognito-directory/socket (SOCK_SEQPACKET). A connection is for one list: its parts, all
// of one fixed size and in this order, then one reply. A list without its end is no list.
//
//   begin            pool
//   group            one of [directory] groups, in its order; at least one
//   user             name, sub, enabled, groups (a bit for each group of the list), uid
//   end              number of users
//
// cognitod-directory is not trusted: a part is used only if each byte of it is as it must be, and
// take_list() checks the values once more.
namespace pamcognito::accounts {

inline constexpr char kListSocketPath[] = "/run/pam-cognito-directory/socket";

namespace wire {

inline constexpr std::uint32_t kPartMagic = 0x736c'6361;       // "acls", little-endian
inline constexpr std::uint32_t kListReplyMagic = 0x726c'6361;  // "aclr"
inline constexpr std::uint16_t kListVersion = 1;

enum class Part : std::uint16_t { begin = 1, group = 2, user = 3, end = 4 };

// A text ends at its first NUL or with its array, and only NULs follow. All that a part does not
// use is 0.
struct ListPart {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t part;
  char name[kMaxName];
  char pool[kPoolSize];
  char sub[kSubSize];
  std::uint32_t has_uid;  // 0 or 1
  std::uint32_t uid;
  std::uint32_t enabled;  // 0 or 1
  std::uint32_t groups;   // bits
  std::uint32_t count;
  std::uint32_t zero;
  char group[kGroupSize];
};

struct ListReply {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t refusal;  // 0: the list was taken or held back; otherwise 1 + Refusal
  std::uint32_t held;     // 1: it is held back
  std::uint32_t zero;
};

static_assert(sizeof(ListPart) == 8 + 32 + 56 + 128 + 24 + 512);
static_assert(sizeof(ListReply) == 16);

}  // namespace wire

// False: a value does not fit, so it is outside its bound.
[[nodiscard]] bool encode_begin(std::string_view pool, wire::ListPart& to);
[[nodiscard]] bool encode_group(std::string_view group, wire::ListPart& to);
[[nodiscard]] bool encode_user(const DirectoryList& list, const ListedUser& user,
                               wire::ListPart& to);
[[nodiscard]] bool encode_end(const DirectoryList& list, wire::ListPart& to);

// Takes the parts of one list as they come.
class ListReader {
 public:
  // True: the list is whole. The error names the part that is wrong, for the log; the list is void.
  std::expected<bool, std::string_view> take(std::span<const std::byte> datagram);
  [[nodiscard]] const DirectoryList& list() const noexcept { return list_; }

 private:
  std::expected<bool, std::string_view> take_part(const wire::ListPart& from, wire::Part part);
  std::expected<bool, std::string_view> take_user(const wire::ListPart& from, std::string_view name,
                                                  std::string_view sub);

  wire::Part last_ = wire::Part::end;  // nothing but a `begin` may follow
  bool begun_ = false;
  DirectoryList list_;
};

struct ListAnswer {
  std::optional<Refusal> refusal;
  bool held = false;
};
wire::ListReply encode(const ListAnswer& answer);
// nullopt: no reply of this version.
std::optional<ListAnswer> decode_list_reply(std::span<const std::byte> datagram);

}  // namespace pamcognito::accounts
