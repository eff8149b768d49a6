#include "tests/pool/hourly_limits.h"

namespace pamcognito::pool {

namespace {

constexpr int64_t kHourMs = 60LL * 60 * 1000;

}  // namespace

bool HourlyLimits::take(const std::string& operation, const std::string& username, int64_t most,
                        int64_t now_ms) {
  if (most <= 0) return true;
  std::deque<int64_t>& calls = calls_[{username, operation}];
  while (!calls.empty() && now_ms - calls.front() >= kHourMs) calls.pop_front();
  if (static_cast<int64_t>(calls.size()) >= most) return false;
  calls.push_back(now_ms);
  return true;
}

void HourlyLimits::forget(const std::string& username) {
  std::erase_if(calls_, [&](const auto& entry) { return entry.first.first == username; });
}

}  // namespace pamcognito::pool
