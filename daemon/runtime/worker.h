#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "common/fd.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/task.h"

namespace pamcognito::runtime {

struct WorkerBusy {};

// One thread for calls that would block the loop, such as NSS. Jobs run in order; at most
// max_waiting wait, beyond that the caller is told WorkerBusy. A job must not throw, must not touch
// the loop, and must bring its own data: the waiting task may be gone when it ends.
//
//   auto name = co_await worker.run([uid] { return look_up(uid); });   // expected<…, WorkerBusy>
class Worker {
 public:
  Worker(EventLoop& loop, std::size_t max_waiting);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Waits for the job that runs now; those that wait are dropped.
  ~Worker();

  template <class Job>
  auto run(Job job) {
    // g++ 12 destroys a closure twice that is a temporary of a co_await expression.
    static_assert(std::is_trivially_destructible_v<Job>,
                  "a worker's job captures nothing that has to be destroyed: hand it a pointer "
                  "(docs/decisions/0001-coroutines.md)");
    return Call<std::invoke_result_t<Job>>(*this, std::move(job));
  }

  // The same for a job that has something to destroy: it is in `data`, which the job shares.
  //
  //   const auto result = co_await worker.run_with(std::move(data), &write_them);
  template <class Data, class Result>
  auto run_with(std::shared_ptr<Data> data, Result (*work)(Data&)) {
    return Call<Result>(*this, [data = std::move(data), work] { return work(*data); });
  }

 private:
  template <class Result>
  class Call {
   public:
    template <class Job>
    Call(Worker& worker, Job job) : state_(std::make_shared<State>()) {
      // Two closures over one state: the first in the thread, the second on the loop.
      accepted_ = worker.enqueue([state = state_, job = std::move(job)] { state->result = job(); },
                                 [weak = std::weak_ptr(state_)] {
                                   const auto state = weak.lock();
                                   if (state && state->awaiting)
                                     std::exchange(state->awaiting, nullptr).resume();
                                   else if (state)
                                     state->finished = true;
                                 });
    }
    [[nodiscard]] bool await_ready() const noexcept { return !accepted_ || state_->finished; }
    void await_suspend(std::coroutine_handle<> awaiting) noexcept { state_->awaiting = awaiting; }
    std::expected<Result, WorkerBusy> await_resume() {
      if (!accepted_) return std::unexpected(WorkerBusy{});
      return std::move(*state_->result);
    }
    Call(Call&&) = delete;
    Call& operator=(Call&&) = delete;
    ~Call() { state_->awaiting = nullptr; }

   private:
    struct State {
      std::optional<Result>
          result;  // written by the thread, read on the loop after it has reported
      std::coroutine_handle<> awaiting;  // loop only
      bool finished = false;             // loop only
    };
    std::shared_ptr<State> state_;
    bool accepted_ = false;
  };

  struct Job {
    std::function<void()> work;
    std::function<void()> report;
  };

  bool enqueue(std::function<void()> work, std::function<void()> report);
  void thread_main();
  void deliver();

  const std::size_t max_waiting_;
  Fd wake_;  // eventfd: the thread wakes the loop
  std::mutex mutex_;
  std::condition_variable work_there_;
  std::deque<Job> waiting_;                     // guarded by mutex_
  std::deque<std::function<void()>> finished_;  // guarded by mutex_
  bool stopping_ = false;                       // guarded by mutex_
  std::optional<IoWatch> watch_;
  std::thread thread_;
};

}  // namespace pamcognito::runtime
