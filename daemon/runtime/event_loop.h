#pragma once

#include <systemd/sd-event.h>

#include <coroutine>
#include <cstdint>
#include <ctime>
#include <deque>
#include <expected>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/runtime/clock.h"
#include "daemon/runtime/task.h"

namespace pamcognito::runtime {

// The daemon's one thread: sd-event behind RAII. Everything in daemon/ runs on it unless a header
// says otherwise. No exception leaves a callback: what a callback throws is logged, and the loop
// ends with a failure, because state may be half changed.
class EventLoop {
 public:
  EventLoop();  // throws std::system_error: there is no daemon without a loop
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Until exit(); the exit status.
  int run();
  void exit(int status);
  [[nodiscard]] sd_event* get() const noexcept { return event_; }
  [[nodiscard]] MonotonicTime now() const;

  // Runs `call` from the loop, after what runs now has returned.
  void post(std::function<void()> call);

  // Starts a task that nobody awaits. It ends by itself, or is cancelled when the Spawned that is
  // returned is destroyed. `done` runs from the loop; it may destroy the Spawned. `threw` means
  // that an exception left the task (it has been logged).
  class Spawned;
  [[nodiscard]] Spawned spawn(Task<void> task, std::function<void(bool threw)> done = {});

 private:
  static int dispatch_posts(sd_event_source* source, void* self);

  sd_event* event_ = nullptr;
  sd_event_source* posts_ = nullptr;
  std::deque<std::function<void()>> posted_;
};

// One call at a point of CLOCK_MONOTONIC, unless destroyed before. Safe to destroy in its own call.
class Timer {
 public:
  Timer(EventLoop& loop, MonotonicTime when, std::function<void()> call);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

 private:
  static int dispatch(sd_event_source* source, std::uint64_t usec, void* self);
  sd_event_source* source_ = nullptr;
  std::function<void()> call_;
};

// Calls when a descriptor has one of the EPOLL* events. The descriptor stays the caller's and
// outlives this. Safe to destroy in its own call.
class IoWatch {
 public:
  IoWatch(EventLoop& loop, int fd, std::uint32_t events, std::function<void(std::uint32_t)> call);
  IoWatch(const IoWatch&) = delete;
  IoWatch& operator=(const IoWatch&) = delete;
  ~IoWatch();
  void set_events(std::uint32_t events);

 private:
  static int dispatch(sd_event_source* source, int fd, std::uint32_t events, void* self);
  sd_event_source* source_ = nullptr;
  std::shared_ptr<std::function<void(std::uint32_t)>> call_;
};

// Calls when the process is sent one of `signals`, which are blocked from then on, in this thread
// and in those that it starts later.
class SignalWatch {
 public:
  SignalWatch(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int)> call);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

 private:
  static int dispatch(sd_event_source* source, const signalfd_siginfo* info, void* self);
  std::vector<sd_event_source*> sources_;
  std::function<void(int)> call_;
};

class EventLoop::Spawned {
 public:
  Spawned() noexcept = default;
  Spawned(Spawned&&) noexcept = default;
  Spawned& operator=(Spawned&&) noexcept = default;
  ~Spawned() = default;
  [[nodiscard]] bool running() const noexcept { return state_ && !state_->finished; }
  void cancel() noexcept { state_.reset(); }

 private:
  friend class EventLoop;
  struct State {
    Task<void> root;
    std::function<void(bool)> done;
    bool finished = false;
  };
  static Task<void> drive(EventLoop* loop, std::weak_ptr<State> state, Task<void> task);
  std::shared_ptr<State> state_;
};

// co_await SleepUntil(loop, when): destroyed with the frame that waits.
class SleepUntil {
 public:
  SleepUntil(EventLoop& loop, MonotonicTime when) : loop_(loop), when_(when) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    timer_.emplace(loop_, when_, [awaiting] { awaiting.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  EventLoop& loop_;
  MonotonicTime when_;
  std::optional<Timer> timer_;
};

struct TimedOut {};

// co_await with_deadline(loop, when, task): the task's value, or TimedOut, in which case the task
// has been cancelled.
template <class T>
class WithDeadline {
 public:
  WithDeadline(EventLoop& loop, MonotonicTime when, Task<T> task)
      : loop_(loop), when_(when), task_(std::move(task)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    task_.handle().promise().continuation = awaiting;
    timer_.emplace(loop_, when_, [this, awaiting] {
      task_.cancel();
      awaiting.resume();
    });
    return task_.handle();
  }
  std::expected<T, TimedOut> await_resume() {
    timer_.reset();
    if (!task_.handle()) return std::unexpected(TimedOut{});
    if constexpr (std::is_void_v<T>) {
      task_.handle().promise().take();
      return {};
    } else {
      return task_.handle().promise().take();
    }
  }

 private:
  EventLoop& loop_;
  MonotonicTime when_;
  Task<T> task_;
  std::optional<Timer> timer_;
};

template <class T>
WithDeadline<T> with_deadline(EventLoop& loop, MonotonicTime when, Task<T> task) {
  return WithDeadline<T>(loop, when, std::move(task));
}

// The real clock.
class LoopClock final : public Clock {
 public:
  explicit LoopClock(EventLoop& loop) : loop_(loop) {}
  [[nodiscard]] MonotonicTime now() const override;
  [[nodiscard]] BootTime boot_time() const override;
  [[nodiscard]] std::time_t wall_time() const override;
  Task<void> sleep_until(MonotonicTime when) override;

 private:
  EventLoop& loop_;
};

}  // namespace pamcognito::runtime
