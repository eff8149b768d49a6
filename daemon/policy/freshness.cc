#include "daemon/policy/freshness.h"

namespace pamcognito::policy {

Freshness freshness(std::chrono::nanoseconds age, const SessionConfig& session) {
  if (is_within(age, session.revalidate)) return Freshness::fresh;
  return is_within(age, session.revalidate + session.unreachable_grace) ? Freshness::in_grace
                                                                        : Freshness::stale;
}

bool is_within(std::chrono::nanoseconds age, std::chrono::seconds limit) {
  return age >= std::chrono::nanoseconds::zero() && age < limit;
}

}  // namespace pamcognito::policy
