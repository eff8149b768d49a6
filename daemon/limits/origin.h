#pragma once

#include <sys/types.h>

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pamcognito::limits {

// The address that `rhost` is, as sshd gives it: without a scope id, ::ffff:a.b.c.d as a.b.c.d.
// Empty: it is a name, or nothing.
std::string literal_address(std::string_view rhost);

// Whether PAM_TTY names a place at this machine: a virtual or serial console (tty(4),
// ttyS(4), console(4)), or the first X display. A pseudo-terminal and another display are none:
// their person may be anywhere.
bool is_seat_terminal(std::string_view tty);

// Where a sign-in comes from, as far as it can be believed: a real uid that is not root's, a remote
// host (a literal address, as /32 or /64), a seat of this machine, or unknown: a program of root's
// that says neither a terminal nor a remote host, such as xrdp-sesman and polkit's helper. Anybody
// may be behind an unknown one.
class Origin {
 public:
  static Origin of_uid(uid_t uid);
  // Whoever controls a reverse zone picks a host's name, so all that is not a literal address is
  // one remote origin.
  static Origin of_host(std::string_view rhost);
  static Origin local();
  static Origin unknown();
  // What key() gave. nullopt: it gave no such thing.
  static std::optional<Origin> of_key(std::string_view key);

  [[nodiscard]] bool is_remote() const noexcept { return key_.starts_with("host:"); }
  [[nodiscard]] bool is_unknown() const noexcept { return key_ == "unknown"; }
  // Other people may be there too, such as behind an address of a NAT: a success from there does
  // not excuse the failures.
  [[nodiscard]] bool is_shared() const noexcept { return is_remote() || is_unknown(); }
  // False: nothing says who it is, so a success from there says nothing either.
  [[nodiscard]] bool may_become_known() const noexcept;
  [[nodiscard]] bool is_uid() const noexcept { return key_.starts_with("uid:"); }
  // For the log and as a map's key: "uid:1000", "host:192.0.2.1/32", "host:2001:db8::/64",
  // "host:unnamed", "local", "unknown".
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  auto operator<=>(const Origin&) const = default;

 private:
  explicit Origin(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

}  // namespace pamcognito::limits
