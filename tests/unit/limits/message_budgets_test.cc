#include "daemon/limits/message_budgets.h"

#include <chrono>
#include <string>

#include "daemon/runtime/metrics.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::limits;
using pamcognito::policy::LimitsConfig;
using pamcognito::runtime::BootTime;
using std::chrono::seconds;

BootTime at(long second) {
  return BootTime(seconds(second));
}

void five_answered_messages_and_no_sixth(void**) {
  MessageBudgets budgets{LimitsConfig()};
  for (int i = 0; i < 5; ++i) {
    assert_true(budgets.permitted("alice", at(i)));
    budgets.caused("alice", at(i));
    budgets.answered("alice");
  }
  assert_false(budgets.permitted("alice", at(899)));
  assert_true(budgets.permitted("bob", at(899)));
  assert_true(budgets.permitted("alice", at(900)));
  budgets.caused("alice", at(900));
  assert_false(budgets.permitted("alice", at(900)));
}

void none_after_two_that_nobody_answered(void**) {
  MessageBudgets budgets{LimitsConfig()};
  budgets.caused("alice", at(0));
  assert_true(budgets.permitted("alice", at(1)));
  budgets.caused("alice", at(100));
  assert_false(budgets.permitted("alice", at(101)));
  // The first is older than the window, the newest is not: still two in a row.
  assert_false(budgets.permitted("alice", at(999)));
  assert_true(budgets.permitted("alice", at(1000)));
}

void an_answer_ends_the_row(void**) {
  MessageBudgets budgets{LimitsConfig()};
  budgets.caused("alice", at(0));
  budgets.caused("alice", at(0));
  budgets.answered("alice");
  assert_true(budgets.permitted("alice", at(1)));
  budgets.answered("nobody");
  assert_true(budgets.permitted("nobody", at(1)));
}

void a_reload_keeps_what_was_counted(void**) {
  MessageBudgets budgets{LimitsConfig()};
  budgets.caused("alice", at(0));
  LimitsConfig strict;
  strict.messages_unanswered = 1;
  budgets.set_limits(strict);
  assert_false(budgets.permitted("alice", at(1)));
  strict.message_window = seconds(60);
  budgets.set_limits(strict);
  assert_true(budgets.permitted("alice", at(60)));
}

void a_pool_that_sends_unasked_does_not_grow_the_daemon(void**) {
  MessageBudgets budgets{LimitsConfig()};
  for (int i = 0; i < 1000; ++i) budgets.caused("alice", at(i / 10));
  assert_false(budgets.permitted("alice", at(100)));
  assert_true(budgets.permitted("alice", at(100 + 900)));
}

void many_users_are_bounded(void**) {
  MessageBudgets budgets{LimitsConfig()};
  for (int i = 0; i < 65536; ++i) budgets.caused("user" + std::to_string(i), at(0));
  assert_false(budgets.permitted("late", at(1)));
  assert_true(budgets.permitted("user7", at(1)));
  assert_true(budgets.permitted("late", at(900)));
}

double counted(const char* name, const char* label, const char* value) {
  for (const auto& sample : pamcognito::runtime::metrics().samples())
    if (sample.name == name && sample.labels.at(label) == value) return sample.value;
  return 0;
}

void messages_and_refusals_are_counted_once(void**) {
  const auto messages = [](const char* kind) {
    return counted("pam_cognito_messages_total", "kind", kind);
  };
  const auto refused = [] { return counted("pam_cognito_limits_hit_total", "limit", "messages"); };
  const double sign_in = messages("sign-in");
  const double reset = messages("reset");
  const double before = refused();
  MessageBudgets of_sign_ins{LimitsConfig()};
  MessageBudgets of_resets(LimitsConfig(), "reset");
  MessageBudgets by_origin(LimitsConfig(), "");
  of_sign_ins.caused("alice", at(0));
  of_sign_ins.caused("alice", at(0));
  of_resets.caused("alice", at(0));
  by_origin.caused("somewhere", at(0));
  assert_true(messages("sign-in") == sign_in + 2);
  assert_true(messages("reset") == reset + 1);
  assert_true(of_resets.permitted("alice", at(0)));
  assert_true(refused() == before);
  assert_false(of_sign_ins.permitted("alice", at(0)));
  assert_true(refused() == before + 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(five_answered_messages_and_no_sixth),
      cmocka_unit_test(none_after_two_that_nobody_answered),
      cmocka_unit_test(an_answer_ends_the_row),
      cmocka_unit_test(a_reload_keeps_what_was_counted),
      cmocka_unit_test(a_pool_that_sends_unasked_does_not_grow_the_daemon),
      cmocka_unit_test(many_users_are_bounded),
      cmocka_unit_test(messages_and_refusals_are_counted_once),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
