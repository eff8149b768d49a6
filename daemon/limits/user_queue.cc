#include "daemon/limits/user_queue.h"

namespace pamcognito::limits {

UserQueue::Waiter::~Waiter() {
  switch (state_) {
    case State::idle:
    case State::taken:
      return;
    case State::waiting: {
      const auto found = queue_.users_.find(user_);
      if (found != queue_.users_.end()) found->second.remove(this);
      return;
    }
    case State::granted:
      // The coroutine went before it could take what it was given.
      queue_.granted_.remove(this);
      queue_.finish(user_);
      return;
  }
}

bool UserQueue::Waiter::await_ready() {
  const bool is_free = queue_.users_.try_emplace(user_).second;
  if (is_free) state_ = State::granted;
  return is_free;
}

void UserQueue::Waiter::await_suspend(std::coroutine_handle<> awaiting) {
  awaiting_ = awaiting;
  queue_.users_[user_].push_back(this);
  state_ = State::waiting;
}

UserQueue::Turn UserQueue::Waiter::await_resume() {
  state_ = State::taken;
  return {&queue_, user_};
}

void UserQueue::finish(const std::string& user) noexcept {
  if (closed_) return;
  const auto found = users_.find(user);
  if (found == users_.end()) return;
  if (found->second.empty()) {
    users_.erase(found);
    return;
  }
  // The node moves from one list to the other: this must not need memory.
  Waiter* const next = found->second.front();
  granted_.splice(granted_.end(), found->second, found->second.begin());
  next->state_ = Waiter::State::granted;
  resume_granted();
}

void UserQueue::resume_granted() noexcept {
  if (resuming_) return;
  resuming_ = true;
  while (!granted_.empty()) {
    Waiter* const next = granted_.front();
    granted_.pop_front();
    next->awaiting_.resume();
  }
  resuming_ = false;
}

}  // namespace pamcognito::limits
