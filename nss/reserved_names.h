#pragma once

#include <cstddef>
#include <string_view>

namespace pamcognito::accounts {

// Names of users and groups that packages of the archive create. Replaced by a generated list.
inline constexpr std::string_view kReservedNames[] = {
    "adm",    "audio",           "backup",   "bin",   "daemon", "disk",      "docker",     "games",
    "kvm",    "libvirt",         "lp",       "lxd",   "mail",   "man",       "messagebus", "news",
    "nobody", "nogroup",         "postgres", "root",  "shadow", "sshd",      "staff",      "sudo",
    "sys",    "systemd-network", "tty",      "users", "video",  "wireshark", "www-data"};

constexpr bool is_reserved_name(const char* name, std::size_t size) noexcept {
  for (const std::string_view reserved : kReservedNames) {
    if (reserved.size() != size) continue;
    std::size_t same = 0;
    while (same < size && reserved.data()[same] == name[same]) ++same;
    if (same == size) return true;
  }
  return false;
}

}  // namespace pamcognito::accounts
