#include "daemon/limits/failure_budgets.h"

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/runtime/metrics.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::limits;
using pamcognito::policy::LimitsConfig;
using pamcognito::runtime::BootTime;
using std::chrono::seconds;

constexpr uid_t kAlice = 1000;

BootTime at(long second) {
  return BootTime(seconds(second));
}
Origin host(int last) {
  return Origin::of_host("192.0.2." + std::to_string(last));
}

bool fails(FailureBudgets& budgets, const Origin& origin, long second = 0,
           const std::string& user = "alice") {
  return budgets.take(user, kAlice, origin, at(second)).has_value();
}

void attackers_share_three_and_the_user_keeps_the_fourth(void**) {
  FailureBudgets budgets{LimitsConfig()};
  assert_true(fails(budgets, host(1)));
  assert_true(fails(budgets, host(2)));
  assert_true(fails(budgets, Origin::local()));
  assert_false(fails(budgets, host(1)));
  assert_false(fails(budgets, host(9)));
  assert_false(fails(budgets, Origin::of_uid(1001)));
  assert_true(fails(budgets, Origin::of_uid(kAlice)));
  assert_false(fails(budgets, Origin::of_uid(kAlice)));
}

void a_known_origin_may_use_all_four(void**) {
  FailureBudgets budgets{LimitsConfig()};
  budgets.take("alice", kAlice, host(1), at(0))->give_back();
  budgets.signed_in("alice", host(1));
  for (int i = 0; i < 4; ++i) assert_true(fails(budgets, host(1)));
  assert_false(fails(budgets, host(1)));
  assert_false(fails(budgets, host(2)));
}

// take() and room() agree, and room() counts nothing.
void room_is_what_can_be_taken(void**) {
  FailureBudgets budgets{LimitsConfig()};
  const auto room = [&](const Origin& origin, long second) {
    return budgets.room("alice", kAlice, origin, at(second));
  };
  assert_int_equal(room(host(1), 0).left, 3);
  assert_int_equal(room(Origin::of_uid(kAlice), 0).left, 4);
  for (long second : {10L, 20L, 30L}) assert_true(fails(budgets, host(1), second));
  assert_int_equal(room(host(1), 40).left, 0);
  assert_int_equal(room(host(1), 40).free_in.count(), 870);  // the first one's 900 s
  assert_int_equal(room(Origin::of_uid(kAlice), 40).left, 1);
  assert_int_equal(room(Origin::of_uid(kAlice), 40).free_in.count(), 0);
  assert_true(fails(budgets, Origin::of_uid(kAlice), 40));
  assert_int_equal(room(Origin::of_uid(kAlice), 40).left, 0);
  assert_int_equal(room(host(1), 910).left, 1);
  assert_true(fails(budgets, host(1), 910));
}

void an_origin_that_is_remembered_is_known(void**) {
  FailureBudgets budgets{LimitsConfig()};
  budgets.remember("alice", host(1));
  for (int i = 0; i < 3; ++i) assert_true(fails(budgets, host(2)));
  assert_false(fails(budgets, host(2)));
  assert_true(fails(budgets, host(1)));
  budgets.remember("bob", Origin::of_host("bobs-desk"));
  for (int i = 0; i < 3; ++i) assert_true(fails(budgets, host(2), 0, "bob"));
  assert_false(fails(budgets, Origin::of_host("bobs-desk"), 0, "bob"));
}

void a_sign_in_at_a_seat_forgets_the_failures_there(void**) {
  for (const Origin& own : {Origin::of_uid(kAlice), Origin::local()}) {
    FailureBudgets budgets{LimitsConfig()};
    assert_true(fails(budgets, own));
    assert_true(fails(budgets, host(2)));
    assert_true(fails(budgets, host(2)));
    budgets.signed_in("alice", own);
    // Two of host 2 are left: one more from unknown origins, two more in all.
    assert_true(fails(budgets, host(3)));
    assert_false(fails(budgets, host(3)));
    assert_true(fails(budgets, own));
    assert_false(fails(budgets, own));
  }
}

// A guesser behind the same NAT, or at the same xrdp, as the user, who signs in again and again.
void a_sign_in_gives_a_guesser_beside_it_nothing_back(void**) {
  for (const Origin& shared : {host(1), Origin::unknown()}) {
    FailureBudgets budgets{LimitsConfig()};
    int guesses = 0;
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 5; ++i) guesses += fails(budgets, shared) ? 1 : 0;
      budgets.signed_in("alice", shared);
    }
    assert_in_range(guesses, 3, 4);
    assert_false(fails(budgets, shared, 899));
    assert_true(fails(budgets, shared, 900));
  }
}

void what_is_given_back_does_not_count(void**) {
  FailureBudgets budgets{LimitsConfig()};
  for (int i = 0; i < 20; ++i) {
    auto attempt = budgets.take("alice", kAlice, host(1), at(0));
    assert_true(attempt.has_value());
    attempt->give_back();
    attempt->give_back();
  }
  for (int i = 0; i < 3; ++i) assert_true(fails(budgets, host(1)));
  assert_false(fails(budgets, host(1)));
}

void an_attempt_moves_with_its_duty(void**) {
  FailureBudgets budgets{LimitsConfig()};
  auto first = budgets.take("alice", kAlice, host(1), at(0));
  auto second = budgets.take("alice", kAlice, host(1), at(0));
  Attempt moved = std::move(*first);
  first->give_back();
  moved = std::move(*second);  // the first attempt counts from now on for good
  moved.give_back();
  assert_true(fails(budgets, host(1)));
  assert_true(fails(budgets, host(1)));
  assert_false(fails(budgets, host(1)));
}

void failures_age_by_the_window(void**) {
  FailureBudgets budgets{LimitsConfig()};
  assert_true(fails(budgets, host(1), 0));
  assert_true(fails(budgets, host(1), 100));
  assert_true(fails(budgets, host(1), 200));
  assert_false(fails(budgets, host(1), 899));
  assert_true(fails(budgets, host(1), 900));
  assert_false(fails(budgets, host(1), 999));
  assert_true(fails(budgets, host(1), 1000));
}

void users_have_budgets_of_their_own(void**) {
  FailureBudgets budgets{LimitsConfig()};
  for (int i = 0; i < 3; ++i) assert_true(fails(budgets, host(1)));
  assert_false(fails(budgets, host(1)));
  assert_true(fails(budgets, host(1), 0, "bob"));
  budgets.signed_in("bob", host(1));
  assert_false(fails(budgets, host(1)));
}

void who_is_known(void**) {
  FailureBudgets budgets{LimitsConfig()};
  assert_true(budgets.knows("alice", kAlice, Origin::of_uid(kAlice)));
  assert_false(budgets.knows("alice", kAlice, Origin::of_uid(kAlice + 1)));
  assert_false(budgets.knows("alice", kAlice, host(1)));
  budgets.remember("alice", host(1));
  assert_true(budgets.knows("alice", kAlice, host(1)));
  assert_false(budgets.knows("bob", kAlice + 1, host(1)));
}

void the_oldest_known_origin_is_forgotten(void**) {
  FailureBudgets budgets{LimitsConfig()};
  budgets.take("alice", kAlice, host(100), at(0))->give_back();
  for (int i = 0; i <= 16; ++i) budgets.signed_in("alice", host(i));
  for (int i = 0; i < 3; ++i) assert_true(fails(budgets, host(0)));
  assert_false(fails(budgets, host(0)));
  assert_true(fails(budgets, host(1)));
}

void a_reload_keeps_what_was_counted(void**) {
  FailureBudgets budgets{LimitsConfig()};
  for (int i = 0; i < 3; ++i) assert_true(fails(budgets, host(1)));
  LimitsConfig strict;
  strict.failures = 3;
  strict.failures_unknown_origin = 1;
  budgets.set_limits(strict);
  assert_false(fails(budgets, Origin::of_uid(kAlice)));
  budgets.set_limits(LimitsConfig());
  assert_true(fails(budgets, Origin::of_uid(kAlice)));
}

// Attackers and the user act in any order and at any time: in any window, at most three failures
// come from attackers and four in all.
void no_interleaving_passes_the_budget(void**) {
  struct Sent {
    long second;
    bool stranger;
    bool counts;
  };
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) {
      return std::uniform_int_distribution<unsigned>(0, n - 1)(random);
    };
    FailureBudgets budgets{LimitsConfig()};
    std::vector<Sent> sent;
    std::vector<std::pair<std::size_t, Attempt>> open;
    long now = 0;
    for (int step = 0; step < 300; ++step) {
      now += below(200);
      if (below(3) == 0 && !open.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(below(static_cast<unsigned>(open.size())));
        const auto chosen = open.begin() + which;
        if (below(2) == 0) {
          chosen->second.give_back();
          sent[chosen->first].counts = false;
        }
        open.erase(chosen);
      }
      const bool own = below(4) == 0;
      const Origin origin = own ? Origin::of_uid(kAlice) : host(static_cast<int>(below(6)));
      auto attempt = budgets.take("alice", kAlice, origin, at(now));
      if (attempt) {
        sent.push_back({now, !own, true});
        open.emplace_back(sent.size() - 1, std::move(*attempt));
      }
      const auto in_window = [&](const Sent& each) {
        return each.counts && now - each.second < 900;
      };
      const auto all = std::ranges::count_if(sent, in_window);
      const auto strangers = std::ranges::count_if(
          sent, [&](const Sent& each) { return each.stranger && in_window(each); });
      assert_in_range(all, 0, 4);
      assert_in_range(strangers, 0, 3);
      // And the budget is not smaller than promised either.
      if (!attempt) assert_true(all == 4 || (!own && strangers == 3));
    }
  }
}

void many_users_are_bounded_without_forgetting_failures(void**) {
  FailureBudgets budgets{LimitsConfig()};
  const auto name = [](int i) { return "user" + std::to_string(i); };
  for (int i = 0; i < 65536; ++i) assert_true(fails(budgets, host(1), 0, name(i)));
  assert_false(fails(budgets, host(1), 1, "late"));
  assert_true(fails(budgets, host(1), 1, name(0)));
  assert_true(fails(budgets, host(1), 900, "late"));
  assert_true(fails(budgets, host(1), 900, name(0)));
  assert_true(fails(budgets, host(1), 900, name(0)));
  assert_false(fails(budgets, host(1), 900, name(0)));
}

double counted() {
  for (const auto& sample : pamcognito::runtime::metrics().samples())
    if (sample.name == "pam_cognito_limits_hit_total" && sample.labels.at("limit") == "failures")
      return sample.value;
  return 0;
}

// The origins of a user who had no failure lately are the first to go when a new user fails, and
// not before.
void asking_for_room_forgets_no_origin(void**) {
  constexpr int kMostUsers = 65536;
  FailureBudgets budgets{LimitsConfig()};
  for (int i = 0; i < kMostUsers; ++i) budgets.remember("user" + std::to_string(i), host(1));
  assert_int_equal(budgets.room("alice", kAlice, host(2), at(0)).left, 3);
  assert_true(budgets.knows("user0", kAlice, host(1)));
  assert_true(fails(budgets, host(2)));
  assert_false(budgets.knows("user0", kAlice, host(1)));
}

void a_refusal_is_counted(void**) {
  FailureBudgets budgets{LimitsConfig()};
  for (int i = 0; i < 3; ++i) assert_true(fails(budgets, host(i)));
  const double before = counted();
  assert_false(fails(budgets, host(9)));
  assert_true(counted() == before + 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(attackers_share_three_and_the_user_keeps_the_fourth),
      cmocka_unit_test(a_known_origin_may_use_all_four),
      cmocka_unit_test(room_is_what_can_be_taken),
      cmocka_unit_test(an_origin_that_is_remembered_is_known),
      cmocka_unit_test(a_sign_in_at_a_seat_forgets_the_failures_there),
      cmocka_unit_test(a_sign_in_gives_a_guesser_beside_it_nothing_back),
      cmocka_unit_test(what_is_given_back_does_not_count),
      cmocka_unit_test(an_attempt_moves_with_its_duty),
      cmocka_unit_test(failures_age_by_the_window),
      cmocka_unit_test(users_have_budgets_of_their_own),
      cmocka_unit_test(who_is_known),
      cmocka_unit_test(the_oldest_known_origin_is_forgotten),
      cmocka_unit_test(a_reload_keeps_what_was_counted),
      cmocka_unit_test(no_interleaving_passes_the_budget),
      cmocka_unit_test(many_users_are_bounded_without_forgetting_failures),
      cmocka_unit_test(asking_for_room_forgets_no_origin),
      cmocka_unit_test(a_refusal_is_counted),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
