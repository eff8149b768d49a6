#include "common/deadline.h"

#include <time.h>

#include <cerrno>

namespace pamcognito {

timespec Deadline::remaining() const {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  const auto left = std::max(at_ - Clock::now(), Clock::duration::zero());
  const auto whole = std::chrono::duration_cast<seconds>(left);
  timespec time{};
  time.tv_sec = whole.count();
  time.tv_nsec = std::chrono::duration_cast<nanoseconds>(left - whole).count();
  return time;
}

Deadline Deadline::no_later_than_usec(std::uint64_t usec) const {
  const auto own = std::chrono::duration_cast<std::chrono::microseconds>(at_.time_since_epoch());
  if (usec >= static_cast<std::uint64_t>(own.count())) return *this;
  return Deadline(Clock::time_point(std::chrono::microseconds(static_cast<std::int64_t>(usec))));
}

Wait wait_for(int fd, short events, Deadline deadline) {
  while (true) {
    pollfd poll{.fd = fd, .events = events, .revents = 0};
    const timespec left = deadline.remaining();
    const int ready = ::ppoll(&poll, 1, &left, nullptr);
    if (ready > 0) return Wait::ready;
    if (ready < 0 && errno != EINTR) return Wait::failed;
    if (deadline.passed()) return Wait::timed_out;
  }
}

}  // namespace pamcognito
