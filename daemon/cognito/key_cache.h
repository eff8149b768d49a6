#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/cognito/api_client.h"
#include "daemon/cognito/jwk.h"
#include "daemon/runtime/event_loop.h"

namespace pamcognito::cognito {

// The pool's public keys, by JWKS URI and kid. A known kid is served without a time limit (the pool
// replaces a kid, never a key behind it). An unknown kid fetches the set once, however many ask; if
// the set does not have it either, the URI is not asked again for 10 s.
class KeyCache {
 public:
  KeyCache(runtime::EventLoop& loop, runtime::Clock& clock, ApiClient& api)
      : loop_(loop), clock_(clock), api_(api) {}

  // `uri` is one of the configuration's: the cache holds one set for each.
  runtime::Task<PoolResult<PublicKey>> key(std::string uri, std::string kid, Call call);
  // Fetches the set, unless that is under way.
  void refresh(const std::string& uri);

 private:
  struct Waiter;
  struct WaitForFetch;
  struct Set {
    KeySet keys;
    PoolResult<void> last_fetch;
    runtime::MonotonicTime closed_until{};  // no fetch for an unknown kid before
    runtime::EventLoop::Spawned fetch;
    bool fetching = false;
    std::vector<std::weak_ptr<Waiter>> waiters;
  };

  void start_fetch(const std::string& uri, Set& set);
  runtime::Task<void> fetch(std::string uri, Set* set);
  runtime::Task<void> wait(Set* set);
  static void end_fetch(Set& set, bool threw);

  runtime::EventLoop& loop_;
  runtime::Clock& clock_;
  ApiClient& api_;
  std::map<std::string, Set, std::less<>> sets_;
};

}  // namespace pamcognito::cognito
