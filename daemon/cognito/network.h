#pragma once

#include <cstdint>
#include <string>

// This machine's place in the network, as the kernel tells it without a socket of its own.
namespace pamcognito::cognito {

class Network {
 public:
  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  virtual ~Network() = default;

  // The interfaces and gateways of the default routes, "eth0 0100a8c0": an address that was learned
  // on another network proves nothing here. Empty: there is no default route.
  [[nodiscard]] virtual std::string name() const = 0;
  // Whether the kernel has no route to a numeric address, or no IPv6 for it. Sends nothing.
  [[nodiscard]] virtual bool has_no_route(const std::string& address, std::uint16_t port) const = 0;
  // Whether the interface of the one default route has no carrier: a cable pulled, no access point.
  // It counts only beside a probe that failed, because another route may lead to the pool.
  [[nodiscard]] virtual bool lacks_carrier() const = 0;
};

// The kernel's: /proc/self/net/route, /proc/self/net/ipv6_route, connect(2) of a datagram socket,
// and /sys/class/net.
class KernelNetwork final : public Network {
 public:
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] bool has_no_route(const std::string& address, std::uint16_t port) const override;
  [[nodiscard]] bool lacks_carrier() const override;
};

}  // namespace pamcognito::cognito
