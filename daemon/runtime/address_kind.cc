#include "daemon/runtime/address_kind.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/fd.h"

namespace pamcognito::runtime {
namespace {

constexpr std::size_t kMaxTable = 64UL * 1024;
constexpr unsigned kBitsOfIpv6 = 128;

// nullopt: it cannot be read, or is longer: then a better route may be in the rest.
std::optional<std::string> read_whole(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string text(kMaxTable + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxTable) return std::nullopt;
  text.resize(size);
  return text;
}

struct Route {
  std::string interface;
  bool has_gateway;
};

// The routes of the longest prefix that matches; there may be one for each of several interfaces.
class BestRoutes {
 public:
  void add(unsigned prefix, Route route) {
    if (!routes_.empty() && prefix_ > prefix) return;
    if (prefix_ != prefix) routes_.clear();
    prefix_ = prefix;
    routes_.push_back(std::move(route));
  }
  [[nodiscard]] std::vector<Route> take() { return std::move(routes_); }

 private:
  unsigned prefix_ = 0;
  std::vector<Route> routes_;
};

std::optional<std::uint32_t> hex(std::string_view text) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, 16);
  if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

// Destination, gateway and mask are hexadecimal numbers in the machine's byte order, of bytes in
// network order. Iface Destination Gateway Flags RefCnt Use Metric Mask.
std::vector<Route> ipv4_routes(const in_addr& address, const std::string& path) {
  const std::optional<std::string> table = read_whole(path);
  if (!table) return {};
  std::istringstream lines(*table);
  std::string line;
  std::getline(lines, line);  // the heading
  BestRoutes best;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::array<std::string, 8> word;
    for (std::string& one : word) words >> one;
    const auto destination = hex(word[1]);
    const auto gateway = hex(word[2]);
    const auto mask = hex(word[7]);
    if (!destination || !gateway || !mask) return {};
    if ((address.s_addr & *mask) != *destination) continue;
    best.add(static_cast<unsigned>(std::popcount(*mask)), {word[0], *gateway != 0});
  }
  return best.take();
}

std::optional<in6_addr> ipv6_of_hex(std::string_view text) {
  in6_addr address{};
  if (text.size() != 2 * sizeof address) return std::nullopt;
  for (std::size_t i = 0; i < sizeof address; ++i) {
    const auto byte = hex(text.substr(2 * i, 2));
    if (!byte) return std::nullopt;
    address.s6_addr[i] = static_cast<std::uint8_t>(*byte);
  }
  return address;
}

bool begin_alike(const in6_addr& one, const in6_addr& other, unsigned bits) {
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((one.s6_addr[bit / 8] ^ other.s6_addr[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

// Destination, its length, source, its length, next hop, metric, references, use, flags, device.
std::vector<Route> ipv6_routes(const in6_addr& address, const std::string& path) {
  const std::optional<std::string> table = read_whole(path);
  if (!table) return {};
  std::istringstream lines(*table);
  std::string line;
  BestRoutes best;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::array<std::string, 10> word;
    for (std::string& one : word) words >> one;
    const auto destination = ipv6_of_hex(word[0]);
    const auto prefix = hex(word[1]);
    const auto next_hop = ipv6_of_hex(word[4]);
    if (!destination || !prefix || *prefix > kBitsOfIpv6 || !next_hop) return {};
    // Unreachable routes, of which each table has one, name lo: as long as a default route.
    if (*prefix == 0 && word[9] == "lo") continue;
    if (!begin_alike(address, *destination, *prefix)) continue;
    best.add(*prefix, {word[9], !IN6_IS_ADDR_UNSPECIFIED(&*next_hop)});
  }
  return best.take();
}

// A socket can be bound to an address of this machine only (ip(7)), and with ip_nonlocal_bind to
// any: then each address is this machine's, which counts for nothing.
bool can_bind(const sockaddr* address, socklen_t size, int family) {
  const Fd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return true;
  return ::bind(socket.get(), address, size) == 0 || errno != EADDRNOTAVAIL;
}

std::string first_line(const std::string& path) {
  const std::optional<std::string> text = read_whole(path);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

// A bridge, or an interface whose other end has another number and is no VLAN: veth(4), macvlan.
bool leads_into_this_machine(const std::string& interface, const NetworkFiles& files) {
  const std::string folder = files.interfaces + "/" + interface;
  if (::access((folder + "/bridge").c_str(), F_OK) == 0 || errno != ENOENT) return true;
  const std::string number = first_line(folder + "/ifindex");
  const std::string link = first_line(folder + "/iflink");
  if (number.empty() || link.empty()) return true;
  if (number == link || link == "0") return false;
  const std::optional<std::string> event = read_whole(folder + "/uevent");
  return !event || !event->contains("DEVTYPE=vlan\n");
}

// The strictest of the kinds of the routes.
AddressKind kind_of_routes(const std::vector<Route>& routes, const NetworkFiles& files) {
  AddressKind kind = routes.empty() ? AddressKind::unknown : AddressKind::remote;
  for (const Route& route : routes) {
    if (route.interface.empty() || route.interface.contains('/')) return AddressKind::unknown;
    if (route.interface == "lo") return AddressKind::own;
    // By a gateway the packet leaves that link again.
    if (!route.has_gateway && leads_into_this_machine(route.interface, files))
      kind = AddressKind::container;
  }
  return kind;
}

}  // namespace

AddressKind kind_of_address(const std::string& address, const NetworkFiles& files) {
  sockaddr_in ipv4{};
  if (::inet_pton(AF_INET, address.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    if (can_bind(reinterpret_cast<const sockaddr*>(&ipv4), sizeof ipv4, AF_INET))
      return AddressKind::own;
    return kind_of_routes(ipv4_routes(ipv4.sin_addr, files.ipv4_routes), files);
  }
  sockaddr_in6 ipv6{};
  if (::inet_pton(AF_INET6, address.c_str(), &ipv6.sin6_addr) != 1) return AddressKind::unknown;
  ipv6.sin6_family = AF_INET6;
  if (can_bind(reinterpret_cast<const sockaddr*>(&ipv6), sizeof ipv6, AF_INET6))
    return AddressKind::own;
  return kind_of_routes(ipv6_routes(ipv6.sin6_addr, files.ipv6_routes), files);
}

}  // namespace pamcognito::runtime
