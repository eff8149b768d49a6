#include "daemon/limits/first_logins.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "daemon/runtime/metrics.h"

namespace pamcognito::limits {
namespace {

constexpr std::chrono::minutes kMinute{1};

}  // namespace

FirstLoginRates::Answer FirstLoginRates::take(const Origin& origin, runtime::BootTime now) {
  while (!permitted_.empty() && now - permitted_.front().when >= kMinute) permitted_.pop_front();
  std::string source = origin.network();
  const auto of_source = std::ranges::count(permitted_, source, &Permitted::source);
  // The source first: one that is beyond its own bound has nothing to do with the machine's.
  if (std::cmp_greater_equal(of_source, limits_.first_logins_per_source)) {
    runtime::metrics().count("pam_cognito_limits_hit_total",
                             {{"limit", "first-logins-per-source"}});
    return Answer::beyond_source;
  }
  if (permitted_.size() >= limits_.first_logins) {
    runtime::metrics().count("pam_cognito_limits_hit_total", {{"limit", "first-logins"}});
    return Answer::beyond_machine;
  }
  permitted_.push_back({std::move(source), now});
  return Answer::permitted;
}

bool FirstLoginRates::is_to_be_logged(Answer refusal, runtime::BootTime now) {
  std::optional<runtime::BootTime>& logged = logged_.at(static_cast<std::size_t>(refusal));
  if (logged && now - *logged < kMinute) return false;
  logged = now;
  return true;
}

}  // namespace pamcognito::limits
