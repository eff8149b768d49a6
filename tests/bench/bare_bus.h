#pragma once

#include <array>

#include "common/fd.h"
#include "tests/module/sandbox.h"

namespace pamcognito::bench {

// Microseconds since the beginning, when …
struct BareTimes {
  double first_datagram = 0;  // … the service's first datagram was there
  double round_trip = 0;      // … and its answer to a Cognito user
};

// A service that does nothing but hand out a socket, send one datagram on it and answer one, in a
// process of its own: the least that "one bus call, then a private socket" can cost.
class BareService {
 public:
  BareService();

  // Connects, says Hello, calls, and talks on the socket that it was given.
  [[nodiscard]] BareTimes call() const;

 private:
  explicit BareService(std::array<int, 2> pipe);

  Fd ready_;
  Fd ready_write_;
  test::Child process_;
};

// Microseconds from pam_authenticate to the password prompt.
double until_first_prompt();

}  // namespace pamcognito::bench
