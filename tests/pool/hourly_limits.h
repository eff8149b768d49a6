#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace pamcognito::pool {

// Cognito's limits for calls about codes and passwords: so many an hour for each user and
// operation ("Quotas in Amazon Cognito"). Users are counted by name, those that do not exist too.
class HourlyLimits {
 public:
  // Counts one call; false, and not counted, when `most` were made within the last hour.
  // 0 means no limit.
  [[nodiscard]] bool take(const std::string& operation, const std::string& username, int64_t most,
                          int64_t now_ms);
  void forget(const std::string& username);
  void clear() { calls_.clear(); }

 private:
  std::map<std::pair<std::string, std::string>, std::deque<int64_t>> calls_;
};

}  // namespace pamcognito::pool
