#pragma once

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pamcognito::pam {

// A point on CLOCK_MONOTONIC. Every wait of the module is a ppoll() up to one of these, so that
// neither signals nor a peer that sends a byte now and then can stretch it.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline after(Clock::duration duration) { return Deadline(Clock::now() + duration); }
  static Deadline earlier(Deadline a, Deadline b) { return Deadline(std::min(a.at_, b.at_)); }

  [[nodiscard]] bool passed() const { return Clock::now() >= at_; }
  // Zero once it has passed.
  [[nodiscard]] timespec remaining() const;
  // sd-bus counts in microseconds of the same clock; UINT64_MAX is "never".
  [[nodiscard]] Deadline no_later_than_usec(std::uint64_t usec) const;

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

enum class Wait : std::uint8_t { ready, timed_out, failed };

// Waits until the descriptor has one of `events` or an error. fd -1 waits for the time alone.
Wait wait_for(int fd, short events, Deadline deadline);

}  // namespace pamcognito::pam
