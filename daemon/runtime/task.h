#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace pamcognito::runtime {

template <class T>
class Task;

namespace detail {

// g++ 12 destroys an aggregate temporary twice when it is the argument of a coroutine. A type with
// a constructor of its own is safe, and so is one that has nothing to destroy.
template <class T>
inline constexpr bool kSafeCoroutineArgument =
    !std::is_aggregate_v<std::remove_cvref_t<T>> ||
    std::is_trivially_destructible_v<std::remove_cvref_t<T>>;

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr exception;

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

// A coroutine that starts when it is awaited, and is cancelled by destroying the Task: its frame
// goes, and with it every object in it, down to the awaiter that it is suspended on, whose
// destructor takes itself out of the event loop. One owner, one awaiter, one thread.
//
// An exception that leaves the coroutine is thrown again at the await; errors are values, so this
// is for std::bad_alloc and the like, and ends at the root (spawn).
template <class T>
class [[nodiscard]] Task {
 public:
  using Handle = std::coroutine_handle<detail::Promise<T>>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      cancel();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { cancel(); }

  void cancel() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle handle;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        handle.promise().continuation = awaiting;
        return handle;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

  // For those who drive a task by hand: with_deadline and spawn.
  [[nodiscard]] Handle handle() const noexcept { return handle_; }

 private:
  Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// Lets a coroutine wait for a result that a callback reports, once. Lives in the waiting
// coroutine's frame or in the object that reports; the reporting object must know by other means
// that it still lives.
template <class T>
class OneShot {
 public:
  OneShot() = default;
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;

  // Resumes the waiter, if there is one, before it returns. The first report counts.
  void report(T value) {
    if (value_) return;
    value_.emplace(std::move(value));
    if (waiting_) std::exchange(waiting_, nullptr).resume();
  }

  [[nodiscard]] bool await_ready() const noexcept { return value_.has_value(); }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept { waiting_ = awaiting; }
  T await_resume() { return std::move(*value_); }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiting_;
};

}  // namespace pamcognito::runtime

// Every coroutine that returns a Task takes its promise type from here, so the g++ 12 rule is held
// here.
template <class T, class... Args>
struct std::coroutine_traits<pamcognito::runtime::Task<T>, Args...> {
  static_assert((pamcognito::runtime::detail::kSafeCoroutineArgument<Args> && ...),
                "a coroutine's parameter must not be an aggregate that has something to destroy: "
                "give the type a constructor (docs/decisions/0001-coroutines.md)");
  using promise_type = pamcognito::runtime::detail::Promise<T>;
};
