// Cognito's schedule of locks: 2^(n-5) seconds after the n-th failure, at most 15 minutes.
#include "tests/pool/lockout.h"

#include <cstdint>

#include "tests/pool/cmocka.h"

using namespace pamcognito::pool;

namespace {

void schedule(void** /*state*/) {
  Lockout lock;
  int64_t now = 1'000'000;
  for (int failure = 1; failure <= 4; ++failure) {
    assert_true(lock.attempt(now));
    lock.failed(now);
    assert_int_equal(lock.locked_for_ms(now), 0);
  }
  const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900};
  for (const int64_t expected : seconds) {
    assert_true(lock.attempt(now));
    lock.failed(now);
    assert_int_equal(lock.locked_for_ms(now), expected * 1000);
    assert_false(lock.attempt(now + expected * 1000 - 1));
    now += expected * 1000;
  }
}

void attempts_in_a_lock_do_not_lengthen_it(void** /*state*/) {
  Lockout lock;
  for (int failure = 1; failure <= 5; ++failure) lock.failed(0);
  for (int attempt = 0; attempt < 10; ++attempt) assert_false(lock.attempt(500));
  assert_int_equal(lock.failures(), 5);
  assert_true(lock.attempt(1000));
}

void success_and_silence_forget(void** /*state*/) {
  Lockout lock;
  for (int failure = 1; failure <= 4; ++failure) {
    assert_true(lock.attempt(0));
    lock.failed(0);
  }
  lock.succeeded();
  assert_int_equal(lock.failures(), 0);

  assert_true(lock.attempt(0));
  lock.failed(0);
  constexpr int64_t kQuarterHour = 15 * 60 * 1000;
  assert_true(lock.attempt(kQuarterHour - 1));
  assert_int_equal(lock.failures(), 1);
  assert_true(lock.attempt(2 * kQuarterHour - 1));
  assert_int_equal(lock.failures(), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(schedule),
                              cmocka_unit_test(attempts_in_a_lock_do_not_lengthen_it),
                              cmocka_unit_test(success_and_silence_forget)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
