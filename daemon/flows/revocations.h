#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/event_loop.h"

namespace pamcognito::flows {

// Revokes refresh tokens in the background: of sign-ins that policy refused, that nobody took over,
// or whose session ended. At most kMaxWaiting at once; a token beyond that is left to expire, with
// a line in the log.
class Revocations {
 public:
  static constexpr std::size_t kMaxWaiting = 256;

  // Both outlive this.
  Revocations(runtime::EventLoop& loop, runtime::Clock& clock) : loop_(loop), clock_(clock) {}
  Revocations(const Revocations&) = delete;
  Revocations& operator=(const Revocations&) = delete;

  // `pool` outlives the revocation.
  void add(cognito::UserPool* pool, std::string refresh_token);
  // Calls once none is under way any more; at once, from the loop, if none is.
  void when_idle(std::function<void()> call);

 private:
  runtime::Task<void> revoke(cognito::UserPool* pool, std::string refresh_token);
  void finished(std::uint64_t id);

  runtime::EventLoop& loop_;
  runtime::Clock& clock_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, runtime::EventLoop::Spawned> running_;
  std::function<void()> when_idle_;
};

}  // namespace pamcognito::flows
