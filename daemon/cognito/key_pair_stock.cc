#include "daemon/cognito/key_pair_stock.h"

#include <expected>
#include <utility>

namespace pamcognito::cognito {
namespace {

// Long enough for the request that goes out with a pair to be on its way first.
constexpr runtime::milliseconds kPause{5};

}  // namespace

KeyPairStock::KeyPairStock(runtime::EventLoop& loop, std::size_t size) : loop_(loop), size_(size) {
  make_one_soon();
}

std::expected<srp::KeyPair, srp::SrpError> KeyPairStock::take() {
  if (ready_.empty()) {
    if (!timer_) make_one_soon();
    return srp::KeyPair::generate();
  }
  srp::KeyPair pair = std::move(ready_.front());
  ready_.pop_front();
  if (!timer_) make_one_soon();
  return pair;
}

void KeyPairStock::make_one_soon() {
  timer_.emplace(loop_, loop_.now() + kPause, [this] {
    timer_.reset();
    if (ready_.size() >= size_) return;
    auto pair = srp::KeyPair::generate();
    if (!pair) return;  // take() tries again
    ready_.push_back(std::move(*pair));
    if (ready_.size() < size_) make_one_soon();
  });
}

}  // namespace pamcognito::cognito
