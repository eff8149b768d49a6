#include "daemon/runtime/event_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

#include <chrono>
#include <ctime>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "daemon/runtime/journal.h"

namespace pamcognito::runtime {
namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

std::uint64_t to_usec(MonotonicTime when) {
  const auto usec =
      std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
  return usec < 0 ? 0 : static_cast<std::uint64_t>(usec);
}

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec now{};
  (void)::clock_gettime(clock, &now);
  return seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

void log_exception(std::string_view where) noexcept {
  try {
    throw;
  } catch (const std::exception& error) {
    log(Level::error, std::string("internal fault: ") + error.what(), {{"WHERE", where}});
  } catch (...) {
    log(Level::error, "internal fault", {{"WHERE", where}});
  }
}

// An exception of a callback must not pass through sd-event's C frames.
template <class Call>
int guarded(sd_event_source* source, std::string_view where, Call&& call) noexcept {
  try {
    call();
  } catch (...) {
    log_exception(where);
    (void)sd_event_exit(sd_event_source_get_event(source), 1);
  }
  return 0;
}

}  // namespace

EventLoop::EventLoop() {
  check(sd_event_new(&event_), "sd_event_new");
  const int result = sd_event_add_defer(event_, &posts_, &EventLoop::dispatch_posts, this);
  if (result < 0) sd_event_unref(event_);
  check(result, "sd_event_add_defer");
  (void)sd_event_source_set_enabled(posts_, SD_EVENT_OFF);
}

EventLoop::~EventLoop() {
  posted_.clear();
  sd_event_source_disable_unref(posts_);
  sd_event_unref(event_);
}

int EventLoop::run() {
  const int status = sd_event_loop(event_);
  return status < 0 ? 1 : status;
}

void EventLoop::exit(int status) {
  (void)sd_event_exit(event_, status);
}

MonotonicTime EventLoop::now() const {
  return MonotonicTime(
      std::chrono::duration_cast<MonotonicTime::duration>(read_clock(CLOCK_MONOTONIC)));
}

void EventLoop::post(std::function<void()> call) {
  posted_.push_back(std::move(call));
  (void)sd_event_source_set_enabled(posts_, SD_EVENT_ONESHOT);
}

int EventLoop::dispatch_posts(sd_event_source* source, void* self) {
  auto& loop = *static_cast<EventLoop*>(self);
  return guarded(source, "posted call", [&loop] {
    // Calls that these calls post run in the next round, so that I/O is not starved.
    std::deque<std::function<void()>> batch;
    batch.swap(loop.posted_);
    for (auto& call : batch) call();
  });
}

EventLoop::Spawned EventLoop::spawn(Task<void> task, std::function<void(bool)> done) {
  Spawned spawned;
  spawned.state_ = std::make_shared<Spawned::State>();
  spawned.state_->done = std::move(done);
  spawned.state_->root = Spawned::drive(this, spawned.state_, std::move(task));
  spawned.state_->root.handle().resume();
  return spawned;
}

Task<void> EventLoop::Spawned::drive(EventLoop* loop, std::weak_ptr<State> state, Task<void> task) {
  bool threw = false;
  try {
    co_await std::move(task);
  } catch (...) {
    threw = true;
    log_exception("task");
  }
  // From the loop and not from here: `done` may destroy this very frame.
  loop->post([state = std::move(state), threw] {
    const auto alive = state.lock();
    if (!alive) return;
    alive->finished = true;
    const auto done = std::move(alive->done);
    if (done) done(threw);
  });
}

Timer::Timer(EventLoop& loop, MonotonicTime when, std::function<void()> call)
    : call_(std::move(call)) {
  constexpr std::uint64_t accuracy_usec = 1000;
  check(sd_event_add_time(loop.get(), &source_, CLOCK_MONOTONIC, to_usec(when), accuracy_usec,
                          &Timer::dispatch, this),
        "sd_event_add_time");
}

Timer::~Timer() {
  sd_event_source_disable_unref(source_);
}

int Timer::dispatch(sd_event_source* source, std::uint64_t, void* self) {
  auto call = std::move(static_cast<Timer*>(self)->call_);
  return guarded(source, "timer", call);
}

IoWatch::IoWatch(EventLoop& loop, int fd, std::uint32_t events,
                 std::function<void(std::uint32_t)> call)
    : call_(std::make_shared<std::function<void(std::uint32_t)>>(std::move(call))) {
  check(sd_event_add_io(loop.get(), &source_, fd, events, &IoWatch::dispatch, this),
        "sd_event_add_io");
}

IoWatch::~IoWatch() {
  sd_event_source_disable_unref(source_);
}

void IoWatch::set_events(std::uint32_t events) {
  (void)sd_event_source_set_io_events(source_, events);
}

int IoWatch::dispatch(sd_event_source* source, int, std::uint32_t events, void* self) {
  const auto call =
      static_cast<IoWatch*>(self)->call_;  // kept alive if the call destroys the watch
  return guarded(source, "I/O watch", [&] { (*call)(events); });
}

MonotonicTime LoopClock::now() const {
  return loop_.now();
}

BootTime LoopClock::boot_time() const {
  return BootTime(read_clock(CLOCK_BOOTTIME));
}

std::time_t LoopClock::wall_time() const {
  return ::time(nullptr);
}

Task<void> LoopClock::sleep_until(MonotonicTime when) {
  co_await SleepUntil(loop_, when);
}

SignalWatch::SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
                         std::function<void(int)> call)
    : call_(std::move(call)) {
  sigset_t blocked;
  (void)sigemptyset(&blocked);
  for (const int signal : signals) (void)sigaddset(&blocked, signal);
  check(-::pthread_sigmask(SIG_BLOCK, &blocked, nullptr), "pthread_sigmask");
  for (const int signal : signals) {
    sd_event_source* source = nullptr;
    check(sd_event_add_signal(loop.get(), &source, signal, &SignalWatch::dispatch, this),
          "sd_event_add_signal");
    sources_.push_back(source);
  }
}

SignalWatch::~SignalWatch() {
  for (sd_event_source* source : sources_) sd_event_source_disable_unref(source);
}

int SignalWatch::dispatch(sd_event_source* source, const signalfd_siginfo* info, void* self) {
  const auto signal = static_cast<int>(info->ssi_signo);
  return guarded(source, "signal",
                 [self, signal] { static_cast<SignalWatch*>(self)->call_(signal); });
}

}  // namespace pamcognito::runtime
