#include "daemon/limits/per_minute.h"

#include <chrono>

namespace pamcognito::limits {

PerMinute::Count PerMinute::count(const std::string& key, runtime::BootTime now) {
  if (!began_ || now - *began_ >= std::chrono::minutes(1)) {
    began_ = now;
    counts_.clear();
  }
  const bool has_room = counts_.size() < kMaxKeys || counts_.contains(key);
  unsigned& counted = counts_[has_room ? key : std::string()];
  if (counted > most_) return Count::beyond;
  ++counted;
  return counted > most_ ? Count::first_beyond : Count::within;
}

}  // namespace pamcognito::limits
