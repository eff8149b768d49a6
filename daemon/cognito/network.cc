#include "daemon/cognito/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <set>
#include <sstream>

#include "common/fd.h"

namespace pamcognito::cognito {
namespace {

// A routing table of thousands of lines is cut; its default routes come first.
constexpr std::size_t kMaxTable = 64UL * 1024;
// If a machine has more default routes than this, the first ones are its name.
constexpr std::size_t kMaxName = 120;

std::string read_start(const std::string& path, std::size_t max_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(max_bytes, '\0');
  std::size_t size = 0;
  while (fd && size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

// proc_net_route: Iface Destination Gateway Flags … Mask (the eighth).
void add_ipv4(std::set<std::string>& routes) {
  std::istringstream lines(read_start("/proc/self/net/route", kMaxTable));
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::array<std::string, 8> word;
    for (std::string& one : word) words >> one;
    if (word[1] == "00000000" && word[7] == "00000000") routes.insert(word[0] + " " + word[2]);
  }
}

// Destination, its length, source, its length, next hop, metric, references, use, flags, device.
void add_ipv6(std::set<std::string>& routes) {
  std::istringstream lines(read_start("/proc/self/net/ipv6_route", kMaxTable));
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::array<std::string, 10> word;
    for (std::string& one : word) words >> one;
    const bool is_default = word[0] == std::string(32, '0') && word[1] == "00";
    if (is_default && word[9] != "lo") routes.insert(word[9] + " " + word[4]);
  }
}

struct Place {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Place place_of(const std::string& address, std::uint16_t port) {
  Place place;
  auto* ipv4 = reinterpret_cast<sockaddr_in*>(&place.storage);
  auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&place.storage);
  if (::inet_pton(AF_INET, address.c_str(), &ipv4->sin_addr) == 1) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(port);
    place.size = sizeof(sockaddr_in);
  } else if (::inet_pton(AF_INET6, address.c_str(), &ipv6->sin6_addr) == 1) {
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    place.size = sizeof(sockaddr_in6);
  }
  return place;
}

}  // namespace

std::string KernelNetwork::name() const {
  std::set<std::string> routes;
  add_ipv4(routes);
  add_ipv6(routes);
  std::string name;
  for (const std::string& route : routes) name += (name.empty() ? "" : ", ") + route;
  return name.substr(0, kMaxName);
}

bool KernelNetwork::has_no_route(const std::string& address, std::uint16_t port) const {
  const Place place = place_of(address, port);
  if (place.size == 0) return false;
  const Fd socket(::socket(place.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // A kernel without IPv6. Any other failure is a shortage, which proves nothing.
  if (!socket) return errno == EAFNOSUPPORT;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place.storage), place.size) == 0)
    return false;
  // Without an IPv6 address, as disable_ipv6 leaves a machine; a shortage of ports is EAGAIN.
  const bool lacks_ipv6 = place.storage.ss_family == AF_INET6 && errno == EADDRNOTAVAIL;
  return errno == ENETUNREACH || lacks_ipv6;
}

bool KernelNetwork::lacks_carrier() const {
  const std::string routes = name();
  const std::string interface = routes.substr(0, routes.find(' '));
  if (interface.empty() || interface.contains('/') || routes.contains(',')) return false;
  return read_start("/sys/class/net/" + interface + "/carrier", 8).starts_with('0');
}

}  // namespace pamcognito::cognito
