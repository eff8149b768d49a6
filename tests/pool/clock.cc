#include "tests/pool/clock.h"

#include <chrono>

namespace pamcognito::pool {

namespace {

template <typename Clock>
int64_t now_ms() {
  const auto since_epoch = Clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

}  // namespace

int64_t PoolClock::life_ms() const {
  return now_ms<std::chrono::steady_clock>() + life_offset_;
}

int64_t PoolClock::wall_ms() const {
  return now_ms<std::chrono::system_clock>() + wall_offset_;
}

int64_t PoolClock::totp_ms() const {
  return wall_ms() + totp_offset_;
}

}  // namespace pamcognito::pool
