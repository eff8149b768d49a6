#pragma once

#include <cstdint>

// A function that libnss_cognitod exports beside those of nss.h, for pam_cognito in the same
// process: the first answer about a user that root's sshd has got. sshd keeps the uid, and decides
// by the groups (Match, AllowGroups, DenyGroups) before the sign-in, which may change them.
namespace pamcognito::accounts {

inline constexpr char kLibrary[] = "libnss_cognitod.so.2";
inline constexpr char kSeenBySshd[] = "_nss_cognitod_seen_by_sshd";

// 1: `uid` and `groups` (AccountsFile::digest_groups()) are set. 0: this process has got no answer
// about the user, or is not root's sshd.
using SeenBySshd = int(const char* name, std::uint32_t* uid, std::uint64_t* groups) noexcept;

}  // namespace pamcognito::accounts
