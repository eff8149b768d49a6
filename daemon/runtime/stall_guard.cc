#include "daemon/runtime/stall_guard.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <optional>

namespace pamcognito::runtime {
namespace {

constexpr long kMaxSleep = 5'000'000;  // nanoseconds

// A timer that sends this thread a signal without effect but that of any signal with a handler.
std::optional<timer_t> make_timer() noexcept {
  struct sigaction nothing{};
  nothing.sa_handler = [](int) {};
  const int signal = SIGRTMIN;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal;
  event._sigev_un._tid = ::gettid();  // glibc 2.36 has no other name for it
  timer_t timer{};
  if (::sigaction(signal, &nothing, nullptr) != 0 ||
      ::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
    return std::nullopt;
  return timer;
}

// Without a timer the thread is merely not guarded.
void set_timer(long nanoseconds) noexcept {
  thread_local const std::optional<timer_t> timer = make_timer();
  // Again and again: a signal that comes just before the sleep does not end it.
  const itimerspec times{.it_interval = {.tv_sec = 0, .tv_nsec = nanoseconds},
                         .it_value = {.tv_sec = 0, .tv_nsec = nanoseconds}};
  if (timer) (void)::timer_settime(*timer, 0, &times, nullptr);
}

}  // namespace

StallGuard::StallGuard() noexcept {
  set_timer(kMaxSleep);
}

StallGuard::~StallGuard() {
  set_timer(0);
}

}  // namespace pamcognito::runtime
