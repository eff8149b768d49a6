#include "daemon/limits/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace pamcognito::limits {
namespace {

std::string in_text(const in_addr& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  (void)inet_ntop(AF_INET, &address, text.data(), text.size());
  return std::string("host:") + text.data() + "/32";
}

// A host's owner has the whole /64 and may take another address of it for each try.
std::string in_text(in6_addr address) {
  constexpr std::size_t kPrefixBytes = 8;
  std::fill(std::begin(address.s6_addr) + kPrefixBytes, std::end(address.s6_addr), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> text{};
  (void)inet_ntop(AF_INET6, &address, text.data(), text.size());
  return std::string("host:") + text.data() + "/64";
}

in_addr mapped_ipv4(const in6_addr& address) {
  constexpr std::size_t kMappedPrefixBytes = 12;
  in_addr ipv4{};
  std::memcpy(&ipv4, address.s6_addr + kMappedPrefixBytes, sizeof ipv4);
  return ipv4;
}

std::optional<std::string> host_key(std::string_view rhost) {
  const std::string literal(rhost.substr(0, rhost.find('%')));
  // A NUL would end the text that inet_pton sees before its end.
  if (literal.size() >= INET6_ADDRSTRLEN || literal.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  in_addr ipv4{};
  if (rhost.size() == literal.size() && inet_pton(AF_INET, literal.c_str(), &ipv4) == 1) {
    return in_text(ipv4);
  }
  in6_addr ipv6{};
  if (inet_pton(AF_INET6, literal.c_str(), &ipv6) != 1) return std::nullopt;
  return IN6_IS_ADDR_V4MAPPED(&ipv6) ? in_text(mapped_ipv4(ipv6)) : in_text(ipv6);
}

constexpr char kUnnamedHost[] = "host:unnamed";

}  // namespace

bool Origin::may_become_known() const noexcept {
  return key_ != kUnnamedHost;
}

Origin Origin::of_uid(uid_t uid) {
  return uid == 0 ? local() : Origin("uid:" + std::to_string(uid));
}

Origin Origin::of_host(std::string_view rhost) {
  if (auto key = host_key(rhost)) return Origin(std::move(*key));
  // ":0" is an X display of this machine; no host is named so.
  return rhost.empty() || rhost.front() == ':' ? local() : Origin(kUnnamedHost);
}

Origin Origin::local() {
  return Origin("local");
}

}  // namespace pamcognito::limits
