#pragma once

namespace pamcognito::runtime {

// While it lives, the kernel does not sleep longer than 5 ms on this thread's behalf: a longer
// sleep is interrupted. It protects code that may close a descriptor that another process has sent:
// the last close of a TCP socket with SO_LINGER (socket(7)) waits as long as its owner has chosen.
// A thread may have one at a time.
class StallGuard {
 public:
  StallGuard() noexcept;
  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;
  ~StallGuard();
};

}  // namespace pamcognito::runtime
