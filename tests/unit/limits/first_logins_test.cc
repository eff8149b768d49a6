#include "daemon/limits/first_logins.h"

#include <chrono>
#include <cstddef>
#include <string>

#include "daemon/runtime/metrics.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::limits;
using pamcognito::policy::LimitsConfig;
using pamcognito::runtime::BootTime;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Answer = FirstLoginRates::Answer;

constexpr BootTime kStart{seconds(360'000)};

BootTime at(long second) {
  return kStart + seconds(second);
}
Origin host(const std::string& address) {
  return Origin::of_host(address);
}
// The i-th network that is a source of its own.
Origin source(unsigned i) {
  return host("10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".7");
}

// So many of `wanted` are permitted.
unsigned permitted(FirstLoginRates& rates, const Origin& origin, unsigned wanted, long second = 0) {
  unsigned count = 0;
  for (unsigned i = 0; i < wanted; ++i)
    if (rates.take(origin, at(second)) == Answer::permitted) ++count;
  return count;
}

void a_source_has_twenty_in_a_minute(void**) {
  FirstLoginRates rates{LimitsConfig()};
  assert_int_equal(permitted(rates, source(1), 1000), 20);
  assert_true(rates.take(source(1), at(0)) == Answer::beyond_source);
  assert_int_equal(permitted(rates, source(2), 1000), 20);
}

void the_machine_has_sixty(void**) {
  FirstLoginRates rates{LimitsConfig()};
  for (unsigned i = 0; i < 3; ++i) assert_int_equal(permitted(rates, source(i), 20), 20);
  assert_true(rates.take(source(3), at(0)) == Answer::beyond_machine);
  assert_true(rates.take(source(1), at(0)) == Answer::beyond_source);
  assert_int_equal(rates.counted(), 60);
}

void an_ipv4_source_is_a_24_and_an_ipv6_source_a_64(void**) {
  FirstLoginRates rates{{.first_logins_per_source = 2}};
  assert_int_equal(permitted(rates, host("192.0.2.1"), 1), 1);
  assert_int_equal(permitted(rates, host("192.0.2.254"), 1), 1);
  assert_int_equal(permitted(rates, host("::ffff:192.0.2.3"), 1), 0);
  assert_int_equal(permitted(rates, host("192.0.3.1"), 1), 1);

  assert_int_equal(permitted(rates, host("2001:db8:0:1::1"), 1), 1);
  assert_int_equal(permitted(rates, host("2001:db8:0:1:ffff:ffff:ffff:ffff"), 1), 1);
  assert_int_equal(permitted(rates, host("2001:db8:0:1:2:3:4:5"), 1), 0);
  assert_int_equal(permitted(rates, host("2001:db8:0:2::1"), 1), 1);
}

// All names that are no address are one source, and so are all programs that report no host.
void other_origins_are_one_source_each(void**) {
  FirstLoginRates rates{{.first_logins_per_source = 1}};
  assert_int_equal(permitted(rates, host("a.example"), 1), 1);
  assert_int_equal(permitted(rates, host("b.example"), 1), 0);
  assert_int_equal(permitted(rates, Origin::unknown(), 1), 1);
  assert_int_equal(permitted(rates, Origin::unknown(), 1), 0);
  assert_int_equal(permitted(rates, Origin::local(), 1), 1);
  assert_int_equal(permitted(rates, Origin::local(), 1), 0);
}

// Not twice the bound across the border of two minutes.
void each_stays_for_a_minute(void**) {
  FirstLoginRates rates{LimitsConfig()};
  assert_int_equal(permitted(rates, source(1), 10, 0), 10);
  assert_int_equal(permitted(rates, source(1), 100, 59), 10);
  assert_true(rates.take(source(1), at(60) - milliseconds(1)) == Answer::beyond_source);
  assert_int_equal(permitted(rates, source(1), 100, 60), 10);
  assert_int_equal(permitted(rates, source(1), 100, 118), 0);
  assert_int_equal(permitted(rates, source(1), 100, 119), 10);
}

// An attacker with any number of networks neither makes the table grow nor gets his count
// forgotten.
void other_sources_remove_no_count(void**) {
  FirstLoginRates rates{{.first_logins = 30}};
  assert_int_equal(permitted(rates, source(0), 20), 20);
  for (unsigned i = 1; i <= 50'000; ++i) (void)rates.take(source(i), at(1));
  assert_int_equal(rates.counted(), 30);
  assert_int_equal(permitted(rates, source(0), 100, 59), 0);
  // The machine's minute still has the ten of other sources.
  assert_int_equal(permitted(rates, source(0), 100, 60), 20);
  assert_int_equal(rates.counted(), 30);
}

void a_reload_keeps_what_was_counted(void**) {
  FirstLoginRates rates{LimitsConfig()};
  assert_int_equal(permitted(rates, source(1), 20), 20);
  rates.set_limits({.first_logins = 5, .first_logins_per_source = 5});
  assert_true(rates.take(source(2), at(30)) == Answer::beyond_machine);
  assert_int_equal(permitted(rates, source(2), 9, 60), 5);
}

void a_refusal_is_logged_once_a_minute(void**) {
  FirstLoginRates rates{LimitsConfig()};
  assert_true(rates.is_to_be_logged(Answer::beyond_source, at(0)));
  assert_true(rates.is_to_be_logged(Answer::beyond_machine, at(1)));
  for (long second = 2; second < 60; ++second) {
    assert_false(rates.is_to_be_logged(Answer::beyond_source, at(second)));
    assert_false(rates.is_to_be_logged(Answer::beyond_machine, at(second)));
  }
  assert_true(rates.is_to_be_logged(Answer::beyond_source, at(60)));
  assert_false(rates.is_to_be_logged(Answer::beyond_machine, at(60)));
}

unsigned hits(const std::string& limit) {
  for (const auto& sample : pamcognito::runtime::metrics().samples())
    if (sample.name == "pam_cognito_limits_hit_total" && sample.labels.at("limit") == limit)
      return static_cast<unsigned>(sample.value);
  return 0;
}

void refusals_are_counted_for_monitoring(void**) {
  const unsigned source_before = hits("first-logins-per-source");
  const unsigned machine_before = hits("first-logins");
  FirstLoginRates rates{{.first_logins = 2, .first_logins_per_source = 1}};
  assert_int_equal(permitted(rates, source(1), 3), 1);
  assert_int_equal(permitted(rates, source(2), 1), 1);
  assert_int_equal(permitted(rates, source(3), 5), 0);
  assert_int_equal(hits("first-logins-per-source") - source_before, 2);
  assert_int_equal(hits("first-logins") - machine_before, 5);
}

std::string name(std::size_t i) {
  return "scan." + std::to_string(i);
}

// A name keeps its failures: none goes for another one's sake.
void the_table_of_names_is_fixed_and_evicts_nothing(void**) {
  constexpr uid_t kUid = 0x70000001;
  FirstLogins limits{LimitsConfig()};
  FailureBudgets& failures = limits.failures;
  for (std::size_t i = 0; i < 2 * FirstLogins::kMaxNames; ++i)
    (void)failures.take(name(i), kUid, source(1), at(static_cast<long>(i) / 20));
  assert_int_equal(failures.users(), FirstLogins::kMaxNames);
  assert_true(failures.has_place(name(7), at(500)));
  assert_false(failures.has_place(name(8000), at(500)));
  assert_int_equal(failures.room(name(8000), kUid, source(1), at(500)).left, 0);
  for (int i = 0; i < 2; ++i)
    assert_true(failures.take(name(7), kUid, source(2), at(500)).has_value());
  assert_false(failures.take(name(7), kUid, source(3), at(500)).has_value());
  // A place is free when the failures of its name have expired.
  assert_false(failures.has_place("late.user", at(899)));
  assert_true(failures.has_place("late.user", at(900)));
  assert_true(failures.take("late.user", kUid, source(1), at(900)).has_value());
  assert_true(failures.users() <= FirstLogins::kMaxNames);
}

void the_table_of_messages_is_fixed(void**) {
  FirstLogins limits{LimitsConfig()};
  for (MessageBudgets* budgets : {&limits.messages, &limits.reset_messages}) {
    for (std::size_t i = 0; i < 2 * FirstLogins::kMaxNames; ++i)
      if (budgets->permitted(name(i), at(0))) budgets->caused(name(i), at(0));
    assert_int_equal(budgets->users(), FirstLogins::kMaxNames);
    assert_true(budgets->permitted("late.user", at(900)));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_source_has_twenty_in_a_minute),
      cmocka_unit_test(the_machine_has_sixty),
      cmocka_unit_test(an_ipv4_source_is_a_24_and_an_ipv6_source_a_64),
      cmocka_unit_test(other_origins_are_one_source_each),
      cmocka_unit_test(each_stays_for_a_minute),
      cmocka_unit_test(other_sources_remove_no_count),
      cmocka_unit_test(a_reload_keeps_what_was_counted),
      cmocka_unit_test(a_refusal_is_logged_once_a_minute),
      cmocka_unit_test(refusals_are_counted_for_monitoring),
      cmocka_unit_test(the_table_of_names_is_fixed_and_evicts_nothing),
      cmocka_unit_test(the_table_of_messages_is_fixed),
  };
  return cmocka_run_group_tests_name("first_logins", tests, nullptr, nullptr);
}
