#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/event_loop.h"

namespace pamcognito::sessions {

// Tokens of a sign-in. The destructor revokes them (a refusal, a fault, a host process that died),
// unless a session has taken them over.
class PendingTokens {
 public:
  PendingTokens(cognito::Tokens tokens, std::function<void(std::string)> revoke_later);
  PendingTokens(PendingTokens&& other) noexcept;
  PendingTokens& operator=(PendingTokens&& other) noexcept;
  PendingTokens(const PendingTokens&) = delete;
  PendingTokens& operator=(const PendingTokens&) = delete;
  ~PendingTokens();

  [[nodiscard]] const cognito::Tokens& get() const noexcept { return tokens_; }
  // Hands them over: they are no longer revoked here.
  [[nodiscard]] cognito::Tokens take();

 private:
  cognito::Tokens tokens_;
  std::function<void(std::string)> revoke_later_;  // empty: moved from
};

// Revokes refresh tokens in the background: of sign-ins that policy refused, that no session took
// over, or whose session ended. kMaxAtOnce at once, kMaxWaiting more wait; a token beyond that is
// left to expire, and the log has their number.
class Revocations {
 public:
  static constexpr std::size_t kMaxAtOnce = 16;
  static constexpr std::size_t kMaxWaiting = 256;

  // Both outlive this.
  Revocations(runtime::EventLoop& loop, runtime::Clock& clock) : loop_(loop), clock_(clock) {}
  Revocations(const Revocations&) = delete;
  Revocations& operator=(const Revocations&) = delete;

  void add(std::shared_ptr<cognito::UserPool> pool, std::string refresh_token);
  // The same for a session. If it has a confirmed device, that is forgotten first, with an access
  // token that a refresh gives.
  void add(std::shared_ptr<cognito::UserPool> pool, cognito::RefreshProof proof);
  // Calls once none is under way any more; at once, from the loop, if none is.
  void when_idle(std::function<void()> call);

 private:
  struct Waiting {
    std::shared_ptr<cognito::UserPool> pool;
    cognito::RefreshProof proof;
  };
  void start(std::shared_ptr<cognito::UserPool> pool, cognito::RefreshProof proof);
  runtime::Task<void> revoke(std::shared_ptr<cognito::UserPool> pool, cognito::RefreshProof proof);
  runtime::Task<std::string> forget_device(cognito::UserPool* pool, cognito::RefreshProof proof,
                                           runtime::MonotonicTime deadline);
  void finished(std::uint64_t id);

  runtime::EventLoop& loop_;
  runtime::Clock& clock_;
  std::uint64_t next_id_ = 1;
  std::size_t left_to_expire_ = 0;
  std::deque<Waiting> waiting_;
  std::map<std::uint64_t, runtime::EventLoop::Spawned> running_;
  std::function<void()> when_idle_;
};

}  // namespace pamcognito::sessions
