#include "daemon/policy/freshness.h"

#include <array>
#include <chrono>
#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::policy;
using std::chrono::nanoseconds;
using std::chrono::seconds;

SessionConfig session(seconds revalidate, seconds grace) {
  SessionConfig config;
  config.revalidate = revalidate;
  config.unreachable_grace = grace;
  return config;
}

struct Case {
  const char* name;
  seconds revalidate;
  seconds grace;
  nanoseconds age;
  Freshness expected;
};

constexpr nanoseconds kTick{1};

constexpr std::array kCases = {
    Case{"verified now", seconds(300), seconds(60), seconds(0), Freshness::fresh},
    Case{"just within revalidate", seconds(300), seconds(60), seconds(300) - kTick,
         Freshness::fresh},
    Case{"as old as revalidate", seconds(300), seconds(60), seconds(300), Freshness::in_grace},
    Case{"just within the grace", seconds(300), seconds(60), seconds(360) - kTick,
         Freshness::in_grace},
    Case{"as old as both together", seconds(300), seconds(60), seconds(360), Freshness::stale},
    Case{"no grace", seconds(300), seconds(0), seconds(300), Freshness::stale},
    Case{"revalidate = 0 is never met", seconds(0), seconds(0), seconds(0), Freshness::stale},
    Case{"revalidate = 0 leaves the grace", seconds(0), seconds(60), seconds(0),
         Freshness::in_grace},
    Case{"a clock that went back", seconds(300), seconds(60), -kTick, Freshness::stale},
    Case{"a clock that went back far", seconds(300), seconds(60), seconds(-300), Freshness::stale},
};

void both_edges_fail_closed(void**) {
  for (const Case& each : kCases)
    if (freshness(each.age, session(each.revalidate, each.grace)) != each.expected)
      fail_msg("%s", each.name);
}

// An older verification is never trusted more.
void trust_only_falls_with_age(void**) {
  for (const seconds revalidate : {seconds(0), seconds(1), seconds(3)}) {
    for (const seconds grace : {seconds(0), seconds(1), seconds(3)}) {
      Freshness last = Freshness::fresh;
      for (nanoseconds age = seconds(0); age < seconds(8); age += std::chrono::milliseconds(250)) {
        const Freshness now = freshness(age, session(revalidate, grace));
        assert_true(now >= last);
        last = now;
      }
      assert_true(last == Freshness::stale);
    }
  }
}

void a_limit_excludes_itself_and_negative_ages(void**) {
  assert_true(is_within(seconds(0), seconds(1)));
  assert_true(is_within(seconds(1) - kTick, seconds(1)));
  assert_false(is_within(seconds(1), seconds(1)));
  assert_false(is_within(seconds(0), seconds(0)));
  assert_false(is_within(-kTick, seconds(1)));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(both_edges_fail_closed),
      cmocka_unit_test(trust_only_falls_with_age),
      cmocka_unit_test(a_limit_excludes_itself_and_negative_ages),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
