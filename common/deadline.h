#pragma once

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pamcognito {

// A point on CLOCK_MONOTONIC. The module and cognitoctl wait only in ppoll() and only until such a
// point, so neither signals nor a peer that sends a byte now and then can prolong a wait.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline after(Clock::duration duration) { return Deadline(Clock::now() + duration); }
  static Deadline now() { return Deadline(Clock::now()); }
  static Deadline earlier(Deadline a, Deadline b) { return Deadline(std::min(a.at_, b.at_)); }

  [[nodiscard]] bool passed() const { return Clock::now() >= at_; }
  // Zero once it has passed.
  [[nodiscard]] timespec remaining() const;
  // sd-bus gives its time-outs in microseconds of the same clock; UINT64_MAX means "never".
  [[nodiscard]] Deadline no_later_than_usec(std::uint64_t usec) const;

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

enum class Wait : std::uint8_t { ready, timed_out, failed };

// Waits until the descriptor has one of `events` or an error. With fd -1 it only waits until the
// deadline.
Wait wait_for(int fd, short events, Deadline deadline);

}  // namespace pamcognito
