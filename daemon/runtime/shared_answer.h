#pragma once

#include <coroutine>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/task.h"

namespace pamcognito::runtime {

// One answer that several coroutines wait for. A waiter that is destroyed takes itself off the
// list; the remaining waiters still get theirs.
template <class T>
class SharedAnswer {
 public:
  SharedAnswer() = default;
  SharedAnswer(const SharedAnswer&) = delete;
  SharedAnswer& operator=(const SharedAnswer&) = delete;

  [[nodiscard]] const std::optional<T>& get() const noexcept { return answer_; }

  // Call once. The loop resumes the waiters later, because a waiter may destroy the caller of
  // give(). `self` owns this object, or the object that this is a member of.
  static void give(EventLoop& loop, std::shared_ptr<SharedAnswer> self, T answer) {
    self->answer_.emplace(std::move(answer));
    if (self->waiting_.empty()) return;
    loop.post([self = std::move(self)] {
      while (!self->waiting_.empty()) {
        const std::coroutine_handle<> next = self->waiting_.front();
        self->waiting_.pop_front();
        next.resume();
      }
    });
  }

  // co_await answer: until it is given.
  auto operator co_await() {
    class Awaiter {
     public:
      explicit Awaiter(SharedAnswer* answer) : answer_(answer) {}
      Awaiter(const Awaiter&) = delete;
      Awaiter& operator=(const Awaiter&) = delete;
      ~Awaiter() {
        if (waits_) std::erase(answer_->waiting_, handle_);
      }
      [[nodiscard]] bool await_ready() const noexcept { return answer_->answer_.has_value(); }
      void await_suspend(std::coroutine_handle<> awaiting) {
        handle_ = awaiting;
        waits_ = true;
        answer_->waiting_.push_back(awaiting);
      }
      void await_resume() noexcept { waits_ = false; }

     private:
      SharedAnswer* answer_;
      std::coroutine_handle<> handle_;
      bool waits_ = false;
    };
    return Awaiter(this);
  }

 private:
  std::optional<T> answer_;
  std::list<std::coroutine_handle<>> waiting_;
};

// Waits for an answer, and keeps it meanwhile.
template <class T>
Task<void> wait_for_answer(std::shared_ptr<SharedAnswer<T>> answer) {
  co_await *answer;
}
// The same for the owner of an answer.
template <class Owner>
Task<void> wait_for_answer(std::shared_ptr<Owner> owner) {
  co_await owner->answer;
}

}  // namespace pamcognito::runtime
