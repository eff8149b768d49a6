#pragma once

#include <coroutine>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>

namespace pamcognito::limits {

// Password steps of one user go to the pool one after the other, or parallel guesses would pass the
// failure budget together.
//
//   const UserQueue::Turn turn = co_await queue.turn(user);   // until `turn` is destroyed
//
// First come, first served. A waiter whose coroutine is destroyed leaves the queue. The one whose
// turn comes is resumed from within ~Turn; the queue must outlive turns and waiters.
class UserQueue {
 public:
  class Turn {
   public:
    Turn(Turn&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)), user_(std::move(other.user_)) {}
    Turn& operator=(Turn&&) = delete;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (queue_ != nullptr) queue_->finish(user_);
    }

   private:
    friend class UserQueue;
    Turn(UserQueue* queue, std::string user) : queue_(queue), user_(std::move(user)) {}
    UserQueue* queue_;
    std::string user_;
  };

  class Waiter {
   public:
    Waiter(UserQueue& queue, std::string user) : queue_(queue), user_(std::move(user)) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter();
    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> awaiting);
    [[nodiscard]] Turn await_resume();

   private:
    friend class UserQueue;
    enum class State : std::uint8_t { idle, waiting, granted, taken };
    UserQueue& queue_;
    std::string user_;
    std::coroutine_handle<> awaiting_;
    State state_ = State::idle;
  };

  UserQueue() = default;
  UserQueue(const UserQueue&) = delete;
  UserQueue& operator=(const UserQueue&) = delete;

  // For the shutdown: waiting tasks are granted nothing from now on, so that no step begins.
  void close() noexcept { closed_ = true; }

  [[nodiscard]] Waiter turn(std::string user) { return {*this, std::move(user)}; }

 private:
  void finish(const std::string& user) noexcept;
  void resume_granted() noexcept;
  bool closed_ = false;
  // An entry exists while a task has the user's turn. Its list holds the tasks that wait for it.
  std::map<std::string, std::list<Waiter*>> users_;
  std::list<Waiter*> granted_;  // to be resumed
  bool resuming_ = false;
};

}  // namespace pamcognito::limits
