#pragma once

#include <cstdint>
#include <string>

// The place to which this machine's kernel sends a packet for a literal address: this machine, a
// container or virtual machine of it, or another machine.
namespace pamcognito::runtime {

enum class AddressKind : std::uint8_t {
  unknown,    // not known, or no literal address: it counts for nothing
  own,        // of this machine
  container,  // on the link of a bridge or of a virtual pair, whose other end is on this machine
  remote,
};

// The kernel's files; tests have their own.
struct NetworkFiles {
  std::string ipv4_routes = "/proc/self/net/route";
  std::string ipv6_routes = "/proc/self/net/ipv6_route";
  std::string interfaces = "/sys/class/net";
};

// Sends nothing and does not wait. Other machines on the link of a bridge cannot be told from
// containers: they are reported as these. A routing table of more than 64 KiB: unknown.
AddressKind kind_of_address(const std::string& address, const NetworkFiles& files = {});

}  // namespace pamcognito::runtime
