#include "daemon/limits/open_sign_ins.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "daemon/runtime/metrics.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::limits;

std::string user(std::size_t i) {
  return "user" + std::to_string(i);
}
Origin host(std::size_t i) {
  return Origin::of_host("10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) +
                         "." + std::to_string(i % 256));
}

// Takes a place for a user of its own each time; how many were to be had.
std::size_t takes(OpenSignIns& open, std::vector<SignInPlace>& places, const Origin& origin,
                  std::size_t wanted, bool first_logins = false) {
  std::size_t got = 0;
  while (got < wanted) {
    auto place = open.take(user(got), origin, first_logins);
    if (!place) break;
    places.push_back(std::move(*place));
    ++got;
  }
  return got;
}

void each_kind_of_origin_has_its_bound(void**) {
  OpenSignIns open;
  std::vector<SignInPlace> places;
  assert_int_equal(takes(open, places, host(1), 1000), 32);
  assert_int_equal(takes(open, places, host(2), 1000), 32);
  assert_int_equal(takes(open, places, Origin::local(), 1000), 64);
  assert_int_equal(takes(open, places, Origin::of_uid(1000), 1000), 64);
  assert_int_equal(takes(open, places, Origin::of_uid(1001), 1000), 64);
  assert_int_equal(open.count(), 256);
}

void a_user_has_eight_from_one_origin(void**) {
  OpenSignIns open;
  std::vector<SignInPlace> places;
  for (int i = 0; i < 8; ++i) places.push_back(open.take("alice", host(1)).value());
  assert_false(open.take("alice", host(1)).has_value());
  assert_true(open.take("alice", host(2)).has_value());
  assert_true(open.take("bob", host(1)).has_value());
}

void first_logins_have_half_of_an_origin(void**) {
  OpenSignIns open;
  std::vector<SignInPlace> first;
  std::vector<SignInPlace> places;
  assert_int_equal(takes(open, first, host(1), 1000, true), 16);
  assert_int_equal(takes(open, places, host(1), 1000), 16);
  assert_int_equal(takes(open, first, host(2), 1000, true), 16);
  // A place of a first login is free for another one again, also after a move.
  SignInPlace moved = std::move(first.front());
  first.front() = std::move(first.back());
  first.pop_back();
  assert_false(open.take("late", host(1), true).has_value());
  moved = open.take("alice", Origin::local()).value();
  assert_true(open.take("late", host(1), true).has_value());
  assert_false(open.take("late", host(2), true).has_value());
}

// A flood of names without an account leaves three of four places.
void first_logins_have_a_quarter_of_all(void**) {
  OpenSignIns open;
  std::vector<SignInPlace> first;
  for (std::size_t i = 0; i < 1000; ++i) (void)takes(open, first, host(i), 32, true);
  assert_int_equal(first.size(), OpenSignIns::kMaxOpen / 4);
  assert_false(open.take("late", host(5000), true).has_value());
  std::vector<SignInPlace> places;
  for (std::size_t i = 0; i < 1000; ++i) (void)takes(open, places, host(10'000 + i), 32);
  assert_int_equal(places.size(), OpenSignIns::kMaxOpen / 4 * 3 - OpenSignIns::kKeptForLocal);
  first.clear();
  places.clear();
  assert_int_equal(open.count(), 0);
  assert_true(open.take("late", host(5000), true).has_value());
}

void a_place_is_free_again_when_it_is_destroyed(void**) {
  OpenSignIns open;
  for (int i = 0; i < 100; ++i) assert_true(open.take("alice", host(1)).has_value());
  assert_int_equal(open.count(), 0);
  std::vector<SignInPlace> places;
  for (int i = 0; i < 8; ++i) places.push_back(open.take("alice", host(1)).value());
  SignInPlace moved = std::move(places.back());
  places.pop_back();
  assert_int_equal(open.count(), 8);
  moved = open.take("bob", host(2)).value();
  assert_int_equal(open.count(), 8);
  assert_true(open.take("alice", host(1)).has_value());
}

void remote_hosts_leave_places_for_local_ones(void**) {
  OpenSignIns open;
  std::vector<SignInPlace> places;
  std::size_t remote = 0;
  for (std::size_t i = 0; i < 1000; ++i) remote += takes(open, places, host(i), 1000);
  assert_int_equal(remote, 4096 - 64);
  assert_false(open.take("alice", host(5000)).has_value());
  assert_int_equal(takes(open, places, Origin::local(), 1000), 64);
  assert_int_equal(open.count(), 4096);
  assert_false(open.take("alice", Origin::of_uid(1000)).has_value());
  places.clear();
  assert_int_equal(open.count(), 0);
  assert_true(open.take("alice", Origin::of_uid(1000)).has_value());
}

double counted() {
  for (const auto& sample : pamcognito::runtime::metrics().samples())
    if (sample.name == "pam_cognito_limits_hit_total" &&
        sample.labels.at("limit") == "open-sign-ins")
      return sample.value;
  return 0;
}

void a_refusal_is_counted(void**) {
  OpenSignIns open;
  std::vector<SignInPlace> places;
  assert_int_equal(takes(open, places, host(1), OpenSignIns::kPerHost), OpenSignIns::kPerHost);
  const double before = counted();
  assert_false(open.take("late", host(1)).has_value());
  assert_true(counted() == before + 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_kind_of_origin_has_its_bound),
      cmocka_unit_test(a_user_has_eight_from_one_origin),
      cmocka_unit_test(first_logins_have_half_of_an_origin),
      cmocka_unit_test(first_logins_have_a_quarter_of_all),
      cmocka_unit_test(a_place_is_free_again_when_it_is_destroyed),
      cmocka_unit_test(remote_hosts_leave_places_for_local_ones),
      cmocka_unit_test(a_refusal_is_counted),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
