#include "daemon/limits/origin.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

namespace pamcognito::limits {
namespace {

in_addr mapped_ipv4(const in6_addr& address) {
  constexpr std::size_t kMappedPrefixBytes = 12;
  in_addr ipv4{};
  std::memcpy(&ipv4, address.s6_addr + kMappedPrefixBytes, sizeof ipv4);
  return ipv4;
}

std::string text_of(const in_addr& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  return inet_ntop(AF_INET, &address, text.data(), text.size());
}

std::string text_of(const in6_addr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(AF_INET6, &address, text.data(), text.size());
}

// A host's owner has the whole /64 and may take another address of it for each try.
std::string network_of(const std::string& address) {
  in6_addr ipv6{};
  if (inet_pton(AF_INET6, address.c_str(), &ipv6) != 1) return address + "/32";
  constexpr std::size_t kPrefixBytes = 8;
  std::fill(std::begin(ipv6.s6_addr) + kPrefixBytes, std::end(ipv6.s6_addr), std::uint8_t{0});
  return text_of(ipv6) + "/64";
}

constexpr char kLocal[] = "local";
constexpr char kUnknown[] = "unknown";
constexpr char kUid[] = "uid:";
constexpr char kHost[] = "host:";
constexpr char kUnnamedHost[] = "host:unnamed";

}  // namespace

std::string literal_address(std::string_view rhost) {
  const std::string literal(rhost.substr(0, rhost.find('%')));
  // A NUL would end the text that inet_pton sees before its end.
  if (literal.size() >= INET6_ADDRSTRLEN || literal.find('\0') != std::string::npos) return {};
  in_addr ipv4{};
  if (rhost.size() == literal.size() && inet_pton(AF_INET, literal.c_str(), &ipv4) == 1)
    return text_of(ipv4);
  in6_addr ipv6{};
  if (inet_pton(AF_INET6, literal.c_str(), &ipv6) != 1) return {};
  return IN6_IS_ADDR_V4MAPPED(&ipv6) ? text_of(mapped_ipv4(ipv6)) : text_of(ipv6);
}

bool is_seat_terminal(std::string_view tty) {
  const auto digits_only = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return '0' <= c && c <= '9'; });
  };
  // Not other displays: those of xrdp, VNC and ssh are counted up from 1 or 10.
  if (tty == ":0") return true;
  constexpr std::string_view devices = "/dev/";
  if (tty.starts_with(devices)) tty.remove_prefix(devices.size());
  if (tty == "console") return true;
  const std::string_view name = tty.substr(0, tty.find_first_of("0123456789"));
  // The serial ones: of PCs, of most ARM boards, by USB, of hypervisors.
  constexpr std::array<std::string_view, 8> names = {"tty",    "ttyS", "ttyAMA", "ttyUSB",
                                                     "ttymxc", "ttyO", "hvc",    "xvc"};
  return std::ranges::find(names, name) != names.end() && digits_only(tty.substr(name.size()));
}

bool Origin::may_become_known() const noexcept {
  return key_ != kUnnamedHost && key_ != kUnknown;
}

std::string Origin::network() const {
  std::string_view address(key_);
  address.remove_prefix(is_remote() ? std::strlen(kHost) : 0);
  const std::size_t prefix = address.find('/');
  in_addr ipv4{};
  if (!is_remote() || prefix == std::string_view::npos) return key_;
  if (inet_pton(AF_INET, std::string(address.substr(0, prefix)).c_str(), &ipv4) != 1)
    return std::string(address);
  ipv4.s_addr &= htonl(0xFFFFFF00);
  return text_of(ipv4) + "/24";
}

Origin Origin::of_uid(uid_t uid) {
  return uid == 0 ? local() : Origin(kUid + std::to_string(uid));
}

Origin Origin::of_host(std::string_view rhost) {
  const std::string address = literal_address(rhost);
  if (!address.empty()) return Origin(kHost + network_of(address));
  if (rhost.empty()) return local();
  // An X display; no host is named so.
  if (rhost.front() == ':') return is_seat_terminal(rhost) ? local() : unknown();
  return Origin(kUnnamedHost);
}

Origin Origin::local() {
  return Origin(kLocal);
}

Origin Origin::unknown() {
  return Origin(kUnknown);
}

std::optional<Origin> Origin::of_key(std::string_view key) {
  if (key != kLocal && key != kUnknown && !key.starts_with(kUid) && !key.starts_with(kHost))
    return std::nullopt;
  return Origin(std::string(key));
}

}  // namespace pamcognito::limits
