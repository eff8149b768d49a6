#pragma once

#include "cli/doctor/checks.h"
#include "cli/pool_probe.h"

namespace pamcognito::cli {

// What the pool's answer says of the way there, its certificate, this machine's clock and the app
// client. A pure function.
Findings judge_pool_answer(const cognito::PoolConfig& pool, const PoolAnswer& answer);

}  // namespace pamcognito::cli
