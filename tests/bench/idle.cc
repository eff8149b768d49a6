#include <string>

#include "tests/bench/measure.h"
#include "tests/bench/person.h"
#include "tests/bench/rows.h"

namespace pamcognito::bench {
namespace {

// cognitod closes what it does not use after 20 s.
constexpr long kUntilIdleMs = 22'000;
constexpr long kWatchedMs = 5'000;

}  // namespace

void measure_idle(Report* report, test::Pool* pool, const test::Cognitod& daemon) {
  (void)sign_in(pool);
  pause_ms(kUntilIdleMs);
  const long before = sleeps_of(daemon.pid());
  pause_ms(kWatchedMs);
  const long sleeps = sleeps_of(daemon.pid()) - before;
  const Memory memory = memory_of(daemon.pid());

  Row dirty{.id = "idle_private_dirty",
            .what = "idle daemon: private dirty",
            .unit = "MiB",
            .decimals = 2,
            .figure = memory.private_dirty / 1024};
  dirty.limit = 4;
  dirty.budget = "≤ 4 MiB";
  dirty.note = "after one sign-in and 22 s, with the system's CA bundle loaded";
  report->add(dirty);

  Row proportional{.id = "idle_pss",
                   .what = "idle daemon: PSS",
                   .unit = "MiB",
                   .decimals = 2,
                   .figure = memory.proportional / 1024};
  proportional.note =
      "here this program shares libcurl and libssl with the daemon; the budget, "
      "10 MiB, is for a booted machine";
  report->add(proportional);

  Row wake_ups{.id = "idle_wake_ups",
               .what = "idle daemon: wake-ups in 5 s",
               .unit = "",
               .figure = static_cast<double>(sleeps)};
  wake_ups.limit = 0;
  wake_ups.budget = "0";
  report->add(wake_ups);
}

}  // namespace pamcognito::bench
