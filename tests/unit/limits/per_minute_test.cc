#include "daemon/limits/per_minute.h"

#include <chrono>
#include <string>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using limits::PerMinute;
using Count = PerMinute::Count;
using namespace std::chrono_literals;

constexpr runtime::BootTime kStart{100h};

void the_first_beyond_the_bound_is_told_once(void**) {
  PerMinute counts(2);
  assert_true(counts.count("uid:1001", kStart) == Count::within);
  assert_true(counts.count("uid:1001", kStart) == Count::within);
  assert_true(counts.count("uid:1001", kStart) == Count::first_beyond);
  for (int i = 0; i < 100; ++i) assert_true(counts.count("uid:1001", kStart) == Count::beyond);
}

void one_key_takes_nothing_from_another(void**) {
  PerMinute counts(1);
  for (int i = 0; i < 100; ++i) (void)counts.count("uid:1001", kStart);
  assert_true(counts.count("uid:1002", kStart) == Count::within);
}

void a_minute_later_it_begins_anew(void**) {
  PerMinute counts(1);
  for (int i = 0; i < 3; ++i) (void)counts.count("uid:1001", kStart);
  assert_true(counts.count("uid:1001", kStart + 59s) == Count::beyond);
  assert_true(counts.count("uid:1001", kStart + 60s) == Count::within);
  assert_true(counts.count("uid:1001", kStart + 60s) == Count::first_beyond);
}

void too_many_keys_share_one_count(void**) {
  PerMinute counts(1);
  for (int i = 0; i < 4096; ++i)
    assert_true(counts.count("host:" + std::to_string(i), kStart) == Count::within);
  assert_true(counts.count("host:a", kStart) == Count::within);
  assert_true(counts.count("host:b", kStart) == Count::first_beyond);
  assert_true(counts.count("host:c", kStart) == Count::beyond);
  // A key that has its own count keeps it.
  assert_true(counts.count("host:7", kStart) == Count::first_beyond);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_first_beyond_the_bound_is_told_once),
      cmocka_unit_test(one_key_takes_nothing_from_another),
      cmocka_unit_test(a_minute_later_it_begins_anew),
      cmocka_unit_test(too_many_keys_share_one_count),
  };
  return cmocka_run_group_tests_name("per_minute", tests, nullptr, nullptr);
}
