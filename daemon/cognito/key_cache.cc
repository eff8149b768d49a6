#include "daemon/cognito/key_cache.h"

#include <chrono>
#include <coroutine>
#include <expected>
#include <string_view>
#include <utility>

#include "daemon/cognito/error_table.h"

namespace pamcognito::cognito {
namespace {

using runtime::MonotonicTime;
using runtime::Task;

constexpr runtime::seconds kFetchTime{3};
constexpr runtime::seconds kUnknownKidPause{10};

}  // namespace

// Lives in the coroutine that waits. If the coroutine is cancelled, the set's weak pointer expires.
struct KeyCache::Waiter {
  std::coroutine_handle<> awaiting;
};

struct KeyCache::WaitForFetch {
  explicit WaitForFetch(Set& set) : set_(set) {}
  [[nodiscard]] bool await_ready() const noexcept { return !set_.fetching; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    waiter_ = std::make_shared<Waiter>(awaiting);
    set_.waiters.push_back(waiter_);
  }
  void await_resume() const noexcept {}

 private:
  Set& set_;
  std::shared_ptr<Waiter> waiter_;
};

Task<void> KeyCache::wait(Set* set) {
  co_await WaitForFetch(*set);
}

Task<void> KeyCache::fetch(std::string uri, Set* set) {
  PoolResult<std::string> text = co_await api_.get(std::move(uri), clock_.now() + kFetchTime);
  if (!text) {
    set->last_fetch = std::unexpected(std::move(text.error()));
    co_return;
  }
  auto keys = parse_key_set(*text);
  if (!keys) {
    set->last_fetch = std::unexpected(PoolError(ErrorKind::bad_response, "JWKS: " + keys.error()));
    co_return;
  }
  set->keys = std::move(*keys);
  set->last_fetch = {};
}

void KeyCache::start_fetch(const std::string& uri, Set& set) {
  set.fetching = true;
  set.fetch = loop_.spawn(fetch(uri, &set), [&set](bool threw) { end_fetch(set, threw); });
}

void KeyCache::end_fetch(Set& set, bool threw) {
  if (threw) set.last_fetch = std::unexpected(PoolError(ErrorKind::internal, "JWKS"));
  set.fetching = false;
  // A resumed waiter may cancel others of the list, or begin to wait again.
  const auto waiters = std::exchange(set.waiters, {});
  for (const auto& weak : waiters) {
    if (const auto waiter = weak.lock()) waiter->awaiting.resume();
  }
}

void KeyCache::refresh(const std::string& uri) {
  Set& set = sets_[uri];
  if (!set.fetching) start_fetch(uri, set);
}

Task<PoolResult<PublicKey>> KeyCache::key(std::string uri, std::string kid, Call call) {
  Set& set = sets_[uri];
  if (const auto known = set.keys.find(kid); known != set.keys.end()) co_return known->second;
  if (!set.fetching && clock_.now() >= set.closed_until) start_fetch(uri, set);
  if (set.fetching) {
    // All sign-ins share the fetch, and it outlives this one: only the wait for it is traced here.
    const MonotonicTime began = clock_.now();
    const auto waited = co_await runtime::with_deadline(loop_, call.deadline, wait(&set));
    std::string_view ending = "ok";
    if (!waited) ending = to_string(ErrorKind::timed_out);
    if (waited && !set.last_fetch) ending = to_string(set.last_fetch.error().kind);
    if (call.trace != nullptr) {
      const auto took = std::chrono::duration_cast<runtime::milliseconds>(clock_.now() - began);
      call.trace->note(log_name(Operation::get_keys), ending, took, {});
    }
    if (!waited) {
      co_return std::unexpected(PoolError(ErrorKind::timed_out, "JWKS: no answer in time"));
    }
    if (!set.last_fetch) co_return std::unexpected(set.last_fetch.error());
    if (const auto fetched = set.keys.find(kid); fetched != set.keys.end()) {
      co_return fetched->second;
    }
    set.closed_until = clock_.now() + kUnknownKidPause;
  }
  co_return std::unexpected(
      PoolError(ErrorKind::tokens_rejected, "the pool's keys have none of the token's kid"));
}

}  // namespace pamcognito::cognito
