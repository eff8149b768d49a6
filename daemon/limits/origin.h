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

// The place that a sign-in comes from, as far as it can be believed: a real uid other than root's,
// a remote host (a literal address, as /32 or /64), a seat of this machine, or unknown: a program
// of root's that reports neither a terminal nor a remote host, such as xrdp-sesman and polkit's
// helper. Any user may be behind an unknown origin.
class Origin {
 public:
  static Origin of_uid(uid_t uid);
  // An attacker who controls a reverse zone chooses a host's name, so all names that are no literal
  // address are one remote origin.
  static Origin of_host(std::string_view rhost);
  static Origin local();
  static Origin unknown();
  // The origin with that key(). nullopt: key() never returns such a text.
  static std::optional<Origin> of_key(std::string_view key);

  [[nodiscard]] bool is_remote() const noexcept { return key_.starts_with("host:"); }
  [[nodiscard]] bool is_unknown() const noexcept { return key_ == "unknown"; }
  // Other people may be there too, such as behind an address of a NAT: a success from there does
  // not excuse the failures.
  [[nodiscard]] bool is_shared() const noexcept { return is_remote() || is_unknown(); }
  // False if the origin identifies nobody, so that a success from there proves nothing.
  [[nodiscard]] bool may_become_known() const noexcept;
  [[nodiscard]] bool is_uid() const noexcept { return key_.starts_with("uid:"); }
  // The network that one attacker may have to himself: of a literal address its /24 or /64, as
  // "192.0.2.0/24"; else key().
  [[nodiscard]] std::string network() const;
  // For the log and as a map's key: "uid:1000", "host:192.0.2.1/32", "host:2001:db8::/64",
  // "host:unnamed", "local", "unknown".
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  auto operator<=>(const Origin&) const = default;

 private:
  explicit Origin(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

}  // namespace pamcognito::limits
