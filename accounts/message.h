#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "accounts/keeper.h"
#include "accounts/ssh_keys.h"

// The messages between cognitod and cognitod-accounts on /run/pam-cognito-accounts/socket
// (SOCK_SEQPACKET). A connection is for one change: one request, one reply, both of a fixed size,
// in the byte order of the machine. cognitod is not trusted: a request is used only if each byte of
// it is as it must be, and the keeper checks the values once more.
namespace pamcognito::accounts {

inline constexpr char kSocketDirectory[] = "/run/pam-cognito-accounts";
inline constexpr char kSocketPath[] = "/run/pam-cognito-accounts/socket";

enum class Change : std::uint16_t {
  sign_in = 1,          // a full sign-in that cognitod has verified
  lock_for_pool = 2,    // the pool reports the user as disabled or deleted
  unlock_for_pool = 3,  // and as enabled again
};

namespace wire {

inline constexpr std::uint32_t kRequestMagic = 0x7172'6361;  // "acrq", little-endian
inline constexpr std::uint32_t kReplyMagic = 0x7072'6361;    // "acrp"
inline constexpr std::uint16_t kVersion = 2;
inline constexpr std::size_t kPoolSize = 56;    // UserPoolIdType of Cognito's API: 55 characters
inline constexpr std::size_t kSubSize = 128;    // UsernameType: 128 characters
inline constexpr std::size_t kGroups = 100;     // Cognito's quota for a user
inline constexpr std::size_t kGroupSize = 512;  // GroupNameType: 128 characters of UTF-8

// A text ends at its first NUL or with its array, and only NULs follow. All that a change does not
// use is 0: only sign_in has pool, sub, uid, groups and SSH
// keys.
struct Request {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t change;
  char name[kMaxName];
  char pool[kPoolSize];
  char sub[kSubSize];
  std::uint32_t has_uid;  // 0 or 1
  std::uint32_t uid;      // of the pool's attribute, if has_uid
  std::uint32_t group_count;
  std::uint32_t zero;
  char groups[kGroups][kGroupSize];
  char ssh_keys[kMaxKeysText];
};

struct Reply {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t refusal;  // 0: the change is stored; otherwise 1 + Refusal
  std::uint32_t uid;      // of the account; 0 if refused
  std::uint32_t flags;    // kChanged, kGroupsChanged; 0 if refused
};
inline constexpr std::uint32_t kChanged = 1;
inline constexpr std::uint32_t kGroupsChanged = 2;

static_assert(sizeof(Request) == 8 + 32 + 56 + 128 + 16 + 100 * 512 + 2048);
static_assert(sizeof(Reply) == 16);

// Copies a text into an array of zeros. False: it has no room, or contains a NUL.
[[nodiscard]] bool put(std::string_view text, std::span<char> to);
// The text of an array. nullopt: something follows the first NUL.
std::optional<std::string_view> text_of(std::span<const char> from);

}  // namespace wire

struct ChangeRequest {
  Change change = Change::sign_in;
  SignIn sign_in;  // for the other changes the name alone
};

struct ChangeReply {
  std::optional<Refusal> refusal;  // nullopt: the change is stored
  uid_t uid = 0;
  bool changed = false;
  bool groups_changed = false;
};

// False: a value does not fit, so it is outside its bound.
[[nodiscard]] bool encode(const ChangeRequest& request, wire::Request& to);
// The error names the part that is wrong, for the log.
std::expected<ChangeRequest, std::string_view> decode_request(std::span<const std::byte> datagram);

wire::Reply encode(const ChangeReply& reply);
// nullopt: no reply of this version.
std::optional<ChangeReply> decode_reply(std::span<const std::byte> datagram);

// A stable word for the log: "sub-differs".
std::string_view to_string(Refusal refusal) noexcept;
std::string_view to_string(Change change) noexcept;

}  // namespace pamcognito::accounts
