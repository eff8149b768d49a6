#pragma once

namespace pamcognito::runtime {

// While it lives, the kernel does not sleep longer than 5 ms on this thread's behalf: what sleeps
// is interrupted. For what may close a descriptor that somebody else has sent: the last close of a
// TCP socket with SO_LINGER (socket(7)) waits as long as its owner has chosen. One at a time in a
// thread.
class StallGuard {
 public:
  StallGuard() noexcept;
  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;
  ~StallGuard();
};

}  // namespace pamcognito::runtime
