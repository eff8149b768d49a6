#include "daemon/cognito/reachability.h"

#include <array>
#include <ctime>
#include <string>

// cmocka.h wants these first, and its macros fit no header after it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace pamcognito::cognito;
using pamcognito::runtime::MonotonicTime;
using pamcognito::runtime::seconds;

constexpr seconds kAfter{300};

// Rounds at the pace of the background, from a clock of the test's own.
class Script {
 public:
  Reach play(Round round, int times = 1, seconds pace = Reachability::kBetweenRounds) {
    for (int i = 0; i < times; ++i) {
      now_ += pace;
      reach_.note(round, now_);
    }
    return reach_.state();
  }
  Reachability& reach() { return reach_; }
  [[nodiscard]] MonotonicTime now() const { return now_; }

 private:
  Reachability reach_{kAfter};
  MonotonicTime now_{seconds(7)};
};

void five_minutes_of_failures_are_proof(void**) {
  Script script;
  assert_true(script.play(Round::reached) == Reach::reachable);
  assert_true(script.play(Round::failed, 12) == Reach::in_doubt);  // 275 s
  assert_true(script.play(Round::failed) == Reach::unreachable);   // 300 s
  assert_true(script.play(Round::failed, 100) == Reach::unreachable);
}

void one_contact_ends_it(void**) {
  Script script;
  assert_true(script.play(Round::failed, 13) == Reach::unreachable);
  assert_true(script.play(Round::reached) == Reach::reachable);
  assert_true(script.play(Round::failed, 12) == Reach::in_doubt);
  assert_true(script.play(Round::failed) == Reach::unreachable);
  script.reach().reached();  // of a sign-in
  assert_true(script.reach().state() == Reach::reachable);
  assert_true(script.play(Round::failed, 12) == Reach::in_doubt);
}

void a_round_that_is_undecided_breaks_the_sequence(void**) {
  Script script;
  assert_true(script.play(Round::failed, 12) == Reach::in_doubt);
  assert_true(script.play(Round::undecided) == Reach::in_doubt);
  assert_true(script.play(Round::failed, 12) == Reach::in_doubt);
  assert_true(script.play(Round::failed) == Reach::unreachable);
  assert_true(script.play(Round::undecided) == Reach::in_doubt);
  assert_true(script.play(Round::failed, 12) == Reach::in_doubt);
}

void a_gap_breaks_the_sequence(void**) {
  Script script;
  assert_true(script.play(Round::failed, 12) == Reach::in_doubt);
  assert_true(script.play(Round::failed, 1, seconds(61)) == Reach::in_doubt);
  assert_true(script.play(Round::failed, 11) == Reach::in_doubt);
  // Few rounds over a long time say nothing about the time between them.
  Script sparse;
  assert_true(sparse.play(Round::failed, 10, seconds(200)) == Reach::in_doubt);
}

void failures_of_sign_ins_prove_nothing(void**) {
  Script script;
  (void)script.play(Round::reached);
  for (int i = 0; i < 1000; ++i) script.reach().doubt(script.now() + seconds(i));
  assert_true(script.reach().state() == Reach::in_doubt);
  assert_true(script.reach().since() == script.now());
}

void no_route_is_a_local_fact_after_three(void**) {
  Script script;
  assert_true(script.play(Round::no_route, 2) == Reach::in_doubt);
  assert_true(script.play(Round::no_route) == Reach::unreachable);
  Script broken;
  assert_true(broken.play(Round::no_route, 2) == Reach::in_doubt);
  assert_true(broken.play(Round::failed) == Reach::in_doubt);
  assert_true(broken.play(Round::no_route, 2) == Reach::in_doubt);
  assert_true(broken.play(Round::undecided) == Reach::in_doubt);
  assert_true(broken.play(Round::no_route, 2) == Reach::in_doubt);
  assert_true(broken.play(Round::no_route) == Reach::unreachable);
}

constexpr AddressProbe fresh(Probe result) {
  return {.fresh = true, .result = result};
}
constexpr AddressProbe stale(Probe result) {
  return {.fresh = false, .result = result};
}

void a_round_is_judged_by_fresh_addresses(void**) {
  struct Case {
    const char* name;
    std::array<AddressProbe, 2> known;
    Probe by_name;
    Round expected;
  };
  constexpr Case cases[] = {
      {"all failed", {fresh(Probe::failed), fresh(Probe::failed)}, Probe::failed, Round::failed},
      {"the resolver alone",
       {fresh(Probe::failed), fresh(Probe::failed)},
       Probe::unresolved,
       Round::failed},
      {"one was reached",
       {fresh(Probe::failed), fresh(Probe::reached)},
       Probe::unresolved,
       Round::reached},
      {"an old one was reached",
       {fresh(Probe::failed), stale(Probe::reached)},
       Probe::unresolved,
       Round::reached},
      {"by name", {fresh(Probe::failed), fresh(Probe::failed)}, Probe::reached, Round::reached},
      {"old ones prove nothing",
       {stale(Probe::failed), stale(Probe::failed)},
       Probe::failed,
       Round::undecided},
      {"a fresh one does",
       {stale(Probe::failed), fresh(Probe::failed)},
       Probe::failed,
       Round::failed},
      {"a shortage",
       {fresh(Probe::failed), fresh(Probe::undecided)},
       Probe::failed,
       Round::undecided},
      {"a shortage of the resolver's",
       {fresh(Probe::failed), fresh(Probe::failed)},
       Probe::undecided,
       Round::undecided},
      {"a captive portal",
       {fresh(Probe::failed), fresh(Probe::failed)},
       Probe::foreign,
       Round::undecided},
      {"a foreign certificate",
       {fresh(Probe::foreign), fresh(Probe::failed)},
       Probe::unresolved,
       Round::undecided},
      {"no route",
       {stale(Probe::no_route), stale(Probe::no_route)},
       Probe::unresolved,
       Round::no_route},
      {"no route to one",
       {fresh(Probe::no_route), fresh(Probe::failed)},
       Probe::unresolved,
       Round::failed},
  };
  for (const Case& one : cases) {
    print_message("%s\n", one.name);
    assert_true(judge(one.known, one.by_name, true) == one.expected);
  }
}

void only_a_machine_that_never_reached_a_pool_trusts_the_resolver(void**) {
  for (const Probe by_name : {Probe::unresolved, Probe::failed}) {
    assert_true(judge({}, by_name, false) == Round::failed);
    assert_true(judge({}, by_name, true) == Round::undecided);
  }
  assert_true(judge({}, Probe::no_route, false) == Round::no_route);
  assert_true(judge({}, Probe::no_route, true) == Round::undecided);
  assert_true(judge({}, Probe::foreign, false) == Round::undecided);
}

constexpr std::time_t kDay = 86400;

void what_was_verified_is_read_back(void**) {
  KnownAddresses known("pool.example:443");
  assert_false(known.ever_reached());
  assert_true(known.verified("192.0.2.1", 10 * kDay, "eth0 10.0.0.1"));
  assert_true(known.verified("2001:db8::1", 10 * kDay, ""));
  assert_false(known.verified("192.0.2.1", 10 * kDay + 60, "eth0 10.0.0.1"));
  assert_true(known.verified("192.0.2.1", 10 * kDay + 60, "wlan0 10.0.0.1"));
  assert_true(known.verified("192.0.2.1", 11 * kDay, "wlan0 10.0.0.1"));
  assert_false(known.verified("pool.example", 11 * kDay, ""));
  KnownAddresses read("pool.example:443");
  assert_true(read.load(known.text()).has_value());
  assert_true(read.ever_reached());
  assert_int_equal(read.all().size(), 2);
  assert_string_equal(read.all()[0].address.c_str(), "192.0.2.1");
  assert_string_equal(read.all()[0].network.c_str(), "wlan0 10.0.0.1");
  assert_int_equal(read.all()[0].verified_at, 11 * kDay);
  assert_string_equal(read.all()[1].network.c_str(), "");
  KnownAddresses other("other.example:443");
  assert_true(other.load(known.text()).has_value());
  assert_true(other.ever_reached() && other.all().empty());
}

void a_damaged_file_has_no_address_and_ends_the_trust_in_the_resolver(void**) {
  const std::string first = "pam-cognito pool addresses 1\nhost h:443\n";
  std::string crowd = first;
  for (int i = 0; i <= 16; ++i) crowd += "address 192.0.2." + std::to_string(i) + " 1 n\n";
  for (const std::string& text :
       {std::string(), std::string("garbage\n"), first + "address\n", first + "address 192.0.2.1\n",
        first + "address 192.0.2.1 soon n\n", first + "address pool.example 1 n\n",
        first + "more 1\n", first + "address 192.0.2.1 1 " + std::string(200, 'x') + "\n", crowd,
        first + std::string(20000, '\n')}) {
    KnownAddresses known("h:443");
    assert_false(known.load(text).has_value());
    assert_true(known.ever_reached() && known.all().empty());
  }
}

void at_most_sixteen_and_the_oldest_goes(void**) {
  KnownAddresses known("h:443");
  for (int i = 0; i < 17; ++i)
    (void)known.verified("192.0.2." + std::to_string(i), 100 * kDay + (i == 5 ? -9 : i), "n");
  assert_int_equal(known.all().size(), 16);
  for (const KnownAddress& one : known.all())
    assert_string_not_equal(one.address.c_str(), "192.0.2.5");
  known.drop("192.0.2.1");
  assert_int_equal(known.all().size(), 15);
}

void fresh_is_48_hours_and_this_network(void**) {
  KnownAddress known;
  known.verified_at = 10 * kDay;
  known.network = "eth0 10.0.0.1";
  assert_true(KnownAddresses::is_fresh(known, 12 * kDay, "eth0 10.0.0.1"));
  assert_false(KnownAddresses::is_fresh(known, 12 * kDay + 1, "eth0 10.0.0.1"));
  assert_false(KnownAddresses::is_fresh(known, 10 * kDay - 1, "eth0 10.0.0.1"));
  assert_false(KnownAddresses::is_fresh(known, 11 * kDay, "eth0 10.0.0.2"));
  assert_false(KnownAddresses::is_fresh(known, 11 * kDay, ""));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(five_minutes_of_failures_are_proof),
      cmocka_unit_test(one_contact_ends_it),
      cmocka_unit_test(a_round_that_is_undecided_breaks_the_sequence),
      cmocka_unit_test(a_gap_breaks_the_sequence),
      cmocka_unit_test(failures_of_sign_ins_prove_nothing),
      cmocka_unit_test(no_route_is_a_local_fact_after_three),
      cmocka_unit_test(a_round_is_judged_by_fresh_addresses),
      cmocka_unit_test(only_a_machine_that_never_reached_a_pool_trusts_the_resolver),
      cmocka_unit_test(what_was_verified_is_read_back),
      cmocka_unit_test(a_damaged_file_has_no_address_and_ends_the_trust_in_the_resolver),
      cmocka_unit_test(at_most_sixteen_and_the_oldest_goes),
      cmocka_unit_test(fresh_is_48_hours_and_this_network),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
