#pragma once

#include <array>

#include "common/fd.h"
#include "tests/module/sandbox.h"

namespace pamcognito::bench {

// A service that does nothing but hand out a socket with one datagram on it, in a process of its
// own: the least that "one bus call, then a private socket" can cost.
class BareService {
 public:
  BareService();

  // Connects, says Hello, calls, receives on the socket that it was given. Microseconds.
  [[nodiscard]] double call() const;

 private:
  explicit BareService(std::array<int, 2> pipe);

  Fd ready_;
  Fd ready_write_;
  test::Child process_;
};

// Microseconds from pam_authenticate to the password prompt.
double until_first_prompt();

}  // namespace pamcognito::bench
