#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "daemon/runtime/clock.h"

namespace pamcognito::limits {

// Counts how often something was done in a minute by each of those who do it (a uid, an origin, a
// user). The minutes are the same for all and begin with the first count after the last one's end,
// so that across a border twice the bound may pass. In memory, bounded. Ages by boot time.
class PerMinute {
 public:
  enum class Count : std::uint8_t {
    within,
    first_beyond,  // the bound is passed with this one: once a minute for each key
    beyond,
  };

  explicit PerMinute(unsigned most) : most_(most) {}
  PerMinute(const PerMinute&) = delete;
  PerMinute& operator=(const PerMinute&) = delete;

  [[nodiscard]] Count count(const std::string& key, runtime::BootTime now);

 private:
  // Keys in one minute; those beyond it share one count.
  static constexpr std::size_t kMaxKeys = 4096;

  const unsigned most_;
  std::optional<runtime::BootTime> began_;
  std::map<std::string, unsigned> counts_;
};

}  // namespace pamcognito::limits
