#include "daemon/policy/reauth_origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

namespace pamcognito::policy {
namespace {

using runtime::AddressKind;

// All 128 bits; an IPv4 address as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
using Address = std::array<std::uint8_t, 16>;

// nullopt: no literal address. One with a scope id is none: its link is not in the bytes.
std::optional<Address> parse(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.contains('\0')) return std::nullopt;
  const std::string literal(text);
  Address address{};
  if (::inet_pton(AF_INET6, literal.c_str(), address.data()) == 1) return address;
  constexpr std::size_t kPrefix = 12;
  address = {};
  address[kPrefix - 2] = address[kPrefix - 1] = 0xff;
  if (::inet_pton(AF_INET, literal.c_str(), address.data() + kPrefix) == 1) return address;
  return std::nullopt;
}

bool is_single_ipv4(const std::uint8_t* ipv4) {
  if (ipv4[0] == 0 || ipv4[0] == 127) return false;    // this host, loopback (RFC 1122 3.2.1.3)
  if (ipv4[0] == 169 && ipv4[1] == 254) return false;  // of a link (RFC 3927)
  return ipv4[0] < 224;                                // multicast, reserved, broadcast
}

bool is_single(const Address& address) {
  in6_addr ipv6{};
  std::memcpy(&ipv6, address.data(), sizeof ipv6);
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) return is_single_ipv4(address.data() + 12);
  // The same address may be another machine's on another link.
  return !IN6_IS_ADDR_UNSPECIFIED(&ipv6) && !IN6_IS_ADDR_LOOPBACK(&ipv6) &&
         !IN6_IS_ADDR_LINKLOCAL(&ipv6) && !IN6_IS_ADDR_SITELOCAL(&ipv6) &&
         !IN6_IS_ADDR_MULTICAST(&ipv6) && !IN6_IS_ADDR_V4COMPAT(&ipv6);
}

std::string_view objection_to_kind(AddressKind kind) {
  switch (kind) {
    case AddressKind::remote:
      return {};
    case AddressKind::container:
      return "container-address";
    case AddressKind::own:
    case AddressKind::unknown:
      return "local-address";
  }
  return "local-address";
}

}  // namespace

bool may_be_one_machine(std::string_view address) {
  const std::optional<Address> parsed = parse(address);
  return parsed && is_single(*parsed);
}

std::string_view origin_objection(const OriginQuestion& question) {
  const std::optional<Address> address = parse(question.address);
  if (!address) return "no-address";
  if (!is_single(*address)) return "local-address";
  if (const std::string_view reason = objection_to_kind(question.kind); !reason.empty())
    return reason;
  if (parse(question.session_address) != address) return "other-address";
  if (!question.same_service) return "other-service";
  if (!question.login_open) return "login-closed";
  if (!question.users || *question.users > kMaxUsersOfAddress) return "shared-address";
  return {};
}

}  // namespace pamcognito::policy
