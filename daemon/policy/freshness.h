#pragma once

#include <chrono>
#include <cstdint>

#include "daemon/policy/config.h"

// How long a verification by the pool may still be trusted. cognitod remembers when the pool last
// confirmed an account. Re-authentication (reauth.h) and the account phase (sessions/decisions.h)
// both ask here whether that is recent enough, so that they cannot differ at the edges.
//
// Ages are by CLOCK_BOOTTIME, which a user cannot set. Both edges fail closed: an age that equals
// its limit is beyond it, so a limit of 0 is never met, and a negative age, of a clock that went
// back, is within no limit.
namespace pamcognito::policy {

enum class Freshness : std::uint8_t {
  fresh,     // within [session] revalidate: counts without asking the pool
  in_grace,  // within unreachable_grace after that: counts while the pool is proved unreachable
  stale,     // beyond both: counts only if the pool confirms it now
};

Freshness freshness(std::chrono::nanoseconds age, const SessionConfig& session);

bool is_within(std::chrono::nanoseconds age, std::chrono::seconds limit);

}  // namespace pamcognito::policy
