#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <optional>

#include "daemon/cognito/srp.h"
#include "daemon/runtime/event_loop.h"

namespace pamcognito::cognito {

// A few ephemeral SRP pairs made ahead, so that a sign-in does not wait for its first
// exponentiation. Each is used once. After one was taken, the stock is refilled one pair at a time
// and a little later, when the sign-in that took it waits for the network. A new connection alone
// never causes a refill.
class KeyPairStock {
 public:
  KeyPairStock(runtime::EventLoop& loop, std::size_t size);

  // From the stock, or made now if it is empty.
  std::expected<srp::KeyPair, srp::SrpError> take();
  [[nodiscard]] std::size_t ready() const { return ready_.size(); }

 private:
  void make_one_soon();

  runtime::EventLoop& loop_;
  std::size_t size_;
  std::deque<srp::KeyPair> ready_;
  std::optional<runtime::Timer> timer_;
};

}  // namespace pamcognito::cognito
