#pragma once

#include "cli/doctor/checks.h"
#include "cli/pool_probe.h"

namespace pamcognito::cli {

// Judges the pool's answer: the network, the certificate, this machine's clock and the app client.
// A pure function.
Findings judge_pool_answer(const cognito::PoolConfig& pool, const PoolAnswer& answer);

}  // namespace pamcognito::cli
