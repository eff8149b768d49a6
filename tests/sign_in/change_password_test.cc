#include <algorithm>
#include <string>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// passwd(1): a whole sign-in, then the new password, set with its access token.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using sign_in::SignInResult;

void begin(World& world) {
  world.goal = sign_in::Goal::change_password;
  world.service = "passwd";
  world.origin = limits::Origin::of_uid(1001);
}

void passwd_signs_in_and_changes_the_password(void**) {
  World world;
  begin(world);
  then_totp(world);
  world.person->answers = {"right password", "123456", "new password", "new password"};
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::success);
    assert_text(result.cause, "password-changed");
    assert_text(result.notice.text, "");  // passwd(1) prints a line of its own
  }
  assert_text(world.operations(), "sign_in, respond SOFTWARE_TOKEN_MFA, verify, change_password");
  const PoolCall& call = world.pool.calls.back();
  assert_text(call.values.at("access_token"), "access");
  assert_text(call.values.at("previous"), "right password");
  assert_text(call.password, "new password");
  assert_text(world.person->prompts[0], prompts::current_password());
  assert_true(world.person->purposes[0] == Purpose::password);
  assert_text(world.person->prompts[2], prompts::new_password(false));
  assert_true(world.person->purposes[2] == Purpose::new_password);
  assert_true(world.person->purposes[3] == Purpose::new_password_again);
  assert_int_equal(world.revoked.size(), 1);
}

void it_is_asked_for_after_a_full_sign_in_only(void**) {
  World no_factor;
  begin(no_factor);
  no_factor.pool.reply_tokens();
  no_factor.person->answers = {"right password", "new", "new"};
  expect_closed(no_factor, Outcome::not_permitted, "no-second-factor");

  World not_allowed;
  begin(not_allowed);
  then_totp(not_allowed);
  not_allowed.pool.verified->groups.clear();
  not_allowed.person->answers = {"right password", "123456", "new", "new"};
  expect_closed(not_allowed, Outcome::not_permitted, "access");

  World somebody_else;
  begin(somebody_else);
  then_totp(somebody_else);
  somebody_else.pool.verified->username = "bob";
  somebody_else.person->answers = {"right password", "123456", "new", "new"};
  expect_closed(somebody_else, Outcome::not_permitted, "identity");

  for (const World* world : {&no_factor, &not_allowed, &somebody_else}) {
    assert_int_equal(world->calls_of("change_password"), 0);
    assert_int_equal(std::ranges::count(world->person->purposes, Purpose::new_password), 0);
  }
}

void a_sign_in_never_asks_for_it(void**) {
  World world;
  then_totp(world);
  world.person->answers = {"right password", "123456", "new", "new"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.calls_of("change_password"), 0);
}

void it_is_not_asked_for_twice_after_a_forced_change(void**) {
  World world;
  begin(world);
  world.pool.reply_challenge(ChallengeName::new_password_required);
  then_totp(world);
  world.person->answers = {"temporary", "new password", "new password", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.notice.text, "");  // passwd(1) prints a line of its own
  assert_int_equal(world.calls_of("change_password"), 0);
}

void the_policys_word_is_shown_and_another_one_taken(void**) {
  World world;
  begin(world);
  then_totp(world);
  world.pool.fail("change_password", ErrorKind::invalid_password,
                  "Password did not conform with policy: Password not long enough");
  world.pool.fail("change_password", ErrorKind::password_history_policy_violation, "used before");
  world.person->answers = {"right password", "123456", "a", "a", "b", "b", "new", "new"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[4], "Password not accepted: Password not long enough");
  assert_text(world.person->notices[6], "Password not accepted: used before");
}

void three_refused_ones_end_it(void**) {
  World world;
  begin(world);
  then_totp(world);
  for (int i = 0; i < 4; ++i) world.pool.fail("change_password", ErrorKind::invalid_password);
  world.person->answers = {"right password", "123456", "a", "a", "b", "b", "c", "c", "d", "d"};
  expect_closed(world, Outcome::tries_exhausted, "new-password");
}

void the_present_one_and_what_cannot_be_typed_are_never_sent(void**) {
  World world;
  begin(world);
  then_totp(world);
  world.person->answers = {"right password", "123456",    "right password",
                           "with\ttab",      "different", "differently"};
  expect_closed(world, Outcome::tries_exhausted, "new-password");
  assert_int_equal(world.calls_of("change_password"), 0);
}

void no_success_without_the_change(void**) {
  for (const cognito::ErrorRow& row : cognito::error_rows()) {
    World world;
    begin(world);
    then_totp(world);
    world.pool.fail("change_password", row.kind, "raw text");
    world.person->answers = {"right password", "123456", "new", "new"};
    {
      const SignInResult result = world.run();
      assert_true(result.outcome != Outcome::success && result.outcome != Outcome::unavailable);
      assert_false(result.notice.text.contains("raw text"));
      const bool asked_again = row.kind == ErrorKind::invalid_password ||
                               row.kind == ErrorKind::password_history_policy_violation;
      if (!asked_again) assert_true(result.notice.text.starts_with(prompts::not_changed()));
    }
    assert_int_equal(world.revoked.size(), 1);
  }
}

void an_empty_password_leads_to_a_reset_where_that_is_allowed(void**) {
  World world;
  begin(world);
  world.config->password.self_service = true;
  then_totp(world);
  world.person->answers = {"", "yes", "4711", "new", "new", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.notice.text, "");  // passwd(1) prints a line of its own
  assert_int_equal(world.calls_of("change_password"), 0);
}

void nothing_is_asked_where_a_password_cannot_be_changed(void**) {
  for (const bool single_prompt : {true, false}) {
    World world;
    begin(world);
    if (single_prompt)
      world.config->services["passwd"].single_prompt = true;
    else
      world.config->pool.auth_flow = cognito::AuthFlow::custom;
    world.person->answers = {"right password+123456"};
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::failed);
    assert_text(result.cause, "cannot-change-here");
    assert_text(result.notice.text, prompts::cannot_change_here());
    assert_true(world.person->prompts.empty() && world.pool.calls.empty());
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(passwd_signs_in_and_changes_the_password),
      cmocka_unit_test(it_is_asked_for_after_a_full_sign_in_only),
      cmocka_unit_test(a_sign_in_never_asks_for_it),
      cmocka_unit_test(it_is_not_asked_for_twice_after_a_forced_change),
      cmocka_unit_test(the_policys_word_is_shown_and_another_one_taken),
      cmocka_unit_test(three_refused_ones_end_it),
      cmocka_unit_test(the_present_one_and_what_cannot_be_typed_are_never_sent),
      cmocka_unit_test(no_success_without_the_change),
      cmocka_unit_test(an_empty_password_leads_to_a_reset_where_that_is_allowed),
      cmocka_unit_test(nothing_is_asked_where_a_password_cannot_be_changed),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
