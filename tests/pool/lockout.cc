#include "tests/pool/lockout.h"

#include <algorithm>

namespace pamcognito::pool {

namespace {

constexpr int kFreeFailures = 5;
constexpr int64_t kLongestLockMs = 15 * 60 * 1000;
constexpr int64_t kForgetAfterMs = 15 * 60 * 1000;

int64_t lock_after(int failures) {
  // Beyond ten doublings the cap has long been reached, and a shift must stay small.
  const int doublings = std::min(failures - kFreeFailures, 10);
  return std::min((int64_t{1000} << doublings), kLongestLockMs);
}

}  // namespace

bool Lockout::attempt(int64_t now_ms) {
  if (locked_for_ms(now_ms) > 0) {
    last_attempt_ms_ = now_ms;
    return false;
  }
  if (failures_ > 0 && now_ms - last_attempt_ms_ >= kForgetAfterMs) succeeded();
  last_attempt_ms_ = now_ms;
  return true;
}

void Lockout::failed(int64_t now_ms) {
  ++failures_;
  if (failures_ >= kFreeFailures) locked_until_ms_ = now_ms + lock_after(failures_);
}

int64_t Lockout::locked_for_ms(int64_t now_ms) const {
  return failures_ >= kFreeFailures ? std::max<int64_t>(0, locked_until_ms_ - now_ms) : 0;
}

}  // namespace pamcognito::pool
