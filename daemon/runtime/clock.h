#pragma once

#include <chrono>
#include <ctime>

#include "daemon/runtime/task.h"

namespace pamcognito::runtime {

// CLOCK_MONOTONIC, for deadlines. It stops while a laptop sleeps.
using MonotonicTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::seconds;

// CLOCK_BOOTTIME: ages. It goes on while a laptop sleeps, so that a factor does not stay fresh.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

// Time as sign-ins and sessions see it. A test has its own.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual MonotonicTime now() const = 0;
  [[nodiscard]] virtual BootTime boot_time() const = 0;
  // Seconds since the epoch, UTC.
  [[nodiscard]] virtual std::time_t wall_time() const = 0;
  virtual Task<void> sleep_until(MonotonicTime when) = 0;
};

}  // namespace pamcognito::runtime
