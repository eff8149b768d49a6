#include <string>
#include <utility>
#include <vector>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// CUSTOM_CHALLENGE, with a password first (auth_flow = custom-srp) and without one (custom).
namespace pamcognito::test {
namespace {

using cognito::AuthFlow;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using sign_in::SignInResult;

void use_flow(World& world, AuthFlow flow) {
  world.config->pool.auth_flow = flow;
}

void ask(World& world, cognito::StringMap parameters = {}) {
  world.pool.reply_challenge(ChallengeName::custom_challenge, std::move(parameters));
}

void custom_challenge_after_the_password_shows_the_prompt_and_passes_the_answer_on(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  ask(world, {{"prompt", "Your badge number:"}});
  then_totp(world);
  world.person->answers = {"right password", " B 17 ", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::totp);
  assert_text(world.person->prompts[1], "Your badge number: ");
  assert_true(world.person->purposes[1] == Purpose::other);
  assert_false(world.person->echoes[1]);
  assert_text(world.pool.calls[1].values.at("ANSWER"), " B 17 ");  // as it was typed
  assert_text(world.pool.calls[1].values.at("(session)"), "session");
}

void custom_challenge_without_a_password_takes_what_was_typed_as_its_first_answer(void**) {
  World world;
  use_flow(world, AuthFlow::custom);
  ask(world, {{"prompt", "never shown"}});
  then_totp(world);
  world.person->answers = {"right answer", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.person->prompts.size(), 2);
  assert_text(world.person->prompts[0], "Password: ");
  assert_text(world.pool.calls[1].values.at("ANSWER"), "right answer");
}

void named_parameters_are_shown_in_order(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  world.config->custom_challenge.prompt = {"title", "absent", "question"};
  world.config->custom_challenge.show_answer = true;
  ask(world, {{"question", "Colour of the day:"},
              {"title", "Example\x1b[2J Ltd"},
              {"secretHint", "not to be shown"}});
  then_totp(world);
  world.person->answers = {"right password", "blue", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[1], "Example?[2J Ltd\nColour of the day: ");
  assert_true(world.person->echoes[1]);
}

void unnamed_parameters_are_never_shown(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  ask(world, {{"question", "not to be shown"}, {"answer", "42"}});
  then_totp(world);
  world.person->answers = {"right password", "blue", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[1], "Answer: ");
}

void as_many_rounds_as_the_pool_wants(void**) {
  for (const AuthFlow flow : {AuthFlow::custom_srp, AuthFlow::custom}) {
    World world;
    use_flow(world, flow);
    for (int i = 0; i < 5; ++i) ask(world);
    then_totp(world);
    world.person->answers = {"right password", "1", "2", "3", "4", "5"};
    if (flow == AuthFlow::custom) world.person->answers.pop_back();
    world.person->answers.push_back("123456");
    assert_outcome(world.run().outcome, Outcome::success);
    assert_int_equal(world.pool.calls.size(), 1 + 5 + 1 + 1);
  }
}

void twenty_rounds_are_the_limit(void**) {
  for (const AuthFlow flow : {AuthFlow::custom_srp, AuthFlow::custom}) {
    World world;
    use_flow(world, flow);
    world.config->mfa.methods = {Method::custom};
    world.failures.set_limits({.failures = 50, .failures_unknown_origin = 50});
    for (int i = 0; i < 50; ++i) {
      ask(world);
      world.person->answers.push_back("again");
    }
    world.pool.reply_tokens();
    expect_closed(world, Outcome::failed, "too-many-challenges");
    assert_int_equal(world.pool.calls.size(), 21);
  }
}

void it_counts_as_a_factor_only_where_methods_name_it(void**) {
  for (const bool named : {true, false}) {
    World world;
    use_flow(world, AuthFlow::custom_srp);
    if (named) world.config->mfa.methods = {Method::totp, Method::custom};
    ask(world);
    world.pool.reply_tokens();
    world.person->answers = {"right password", "blue"};
    if (named) {
      const SignInResult result = world.run();
      assert_outcome(result.outcome, Outcome::success);
      assert_true(result.factor == Method::custom);
    } else {
      expect_closed(world, Outcome::not_permitted, "factor-not-accepted");
      assert_int_equal(world.revoked.size(), 1);
    }
  }
}

void answers_for_the_password_are_never_both_factors(void**) {
  for (const int rounds : {1, 2, 5}) {
    World world;
    use_flow(world, AuthFlow::custom);
    world.config->mfa.methods = {Method::custom};
    for (int i = 0; i < rounds; ++i) ask(world);
    world.pool.reply_tokens();
    world.person->answers = {"right answer", "1", "2", "3", "4"};
    expect_closed(world, Outcome::not_permitted, "no-second-factor");
    assert_int_equal(world.revoked.size(), 1);
  }
}

// A code that was given before anything was proved is a first factor, if any.
// auth_flow = custom, and a pool that goes on without a question: nobody is anybody yet.
void nothing_is_asked_of_who_proved_nothing(void**) {
  for (const ChallengeName name :
       {ChallengeName::email_otp, ChallengeName::software_token_mfa, ChallengeName::select_mfa_type,
        ChallengeName::mfa_setup, ChallengeName::new_password_required}) {
    World world;
    use_flow(world, AuthFlow::custom);
    world.config->mfa.require = false;
    world.pool.reply_challenge(name, {{"MFAS_CAN_CHOOSE", R"(["SMS_MFA"])"}});
    world.pool.reply_tokens();
    world.person->answers = {"anything", "123456", "123456"};
    expect_closed(world, Outcome::not_permitted, "no-first-factor");
    assert_text(world.operations(), "sign_in");
    assert_int_equal(world.person->prompts.size(), 1);
  }
}

void tokens_without_a_question_let_nobody_in(void**) {
  for (const bool require : {true, false}) {
    World world;
    use_flow(world, AuthFlow::custom);
    world.config->mfa.methods = {Method::custom, Method::totp};
    world.config->mfa.require = require;
    world.config->mfa.enroll = policy::Enroll::anywhere;
    world.pool.reply_tokens();
    world.person->answers = {"anything", "123456"};
    expect_closed(world, Outcome::not_permitted, "no-first-factor");
    assert_text(world.operations(), "sign_in");
  }
}

void two_custom_answers_without_a_password_are_one_factor(void**) {
  World world;
  use_flow(world, AuthFlow::custom);
  world.config->mfa.methods = {Method::custom};
  ask(world);
  world.pool.reply_challenge(ChallengeName::new_password_required);
  ask(world);
  world.pool.reply_tokens();
  world.person->answers = {"first", "new password", "new password", "second"};
  expect_closed(world, Outcome::not_permitted, "no-second-factor");
}

void one_attempt_is_held_over_all_rounds_and_given_back(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  for (int i = 0; i < 4; ++i) {
    for (int round = 0; round < 4; ++round) ask(world);
    then_totp(world);
    world.person->answers = {"right password", "1", "2", "3", "4", "123456"};
    assert_outcome(world.run().outcome, Outcome::success);
    world.next_sign_in();
  }
}

void a_wrong_answer_costs_one_attempt(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  for (int i = 0; i < 3; ++i) {
    ask(world);
    ask(world);
    world.pool.reply_error(ErrorKind::not_authorized, "Incorrect username or password.");
    world.person->answers = {"right password", "wrong", "wrong"};
    expect_closed(world, Outcome::refused, "not-authorized");
    world.next_sign_in();
  }
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
  assert_true(world.pool.calls.empty());
}

void an_answer_that_was_not_sent_costs_no_attempt(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  for (int i = 0; i < 5; ++i) {
    ask(world);
    world.pool.reply_error(ErrorKind::not_connected);
    world.person->answers = {"right password", "blue"};
    expect_closed(world, Outcome::failed, "not-connected");
    world.next_sign_in();
  }
}

void giving_up_in_the_middle_costs_an_attempt(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  for (int i = 0; i < 3; ++i) {
    ask(world);
    ask(world);
    world.person->answers = {"right password", "wrong"};
    expect_closed(world, Outcome::conversation_broken, "caller-gone");
    world.next_sign_in();
  }
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
}

void an_empty_answer_is_passed_on(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  ask(world);
  then_totp(world);
  world.person->answers = {"right password", "", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.pool.calls[1].values.at("ANSWER"), "");
}

void a_decoy_is_never_sent(void**) {
  for (const char* decoy : {"\x08\n\r\x7fINCORRECT", "caf\xe9", "\x1b"}) {
    World world;
    use_flow(world, AuthFlow::custom_srp);
    ask(world);
    world.person->answers = {"right password", decoy, decoy, decoy, "blue"};
    expect_closed(world, Outcome::tries_exhausted, "custom-answer");
    assert_text(world.operations(), "sign_in");

    World first;
    use_flow(first, AuthFlow::custom);
    ask(first);
    first.person->answers = {decoy};
    expect_closed(first, Outcome::refused, "not-a-password");
    assert_true(first.pool.calls.empty());
  }
}

void the_password_may_be_the_answer(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  ask(world);
  then_totp(world);
  world.person->answers = {"right password", "right password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
}

// Without a password the pool's own code may send messages to the user who is named. Attempts bound
// an attacker, and leave the user's own origin its share.
void an_attacker_is_bounded_by_attempts_and_the_users_own_place_is_not(void**) {
  World world;
  use_flow(world, AuthFlow::custom);
  ask(world);
  then_totp(world);
  world.person->answers = {"right answer", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  world.failures.signed_in("alice", world.origin);
  world.next_sign_in();
  const limits::Origin home = world.origin;
  world.origin = limits::Origin::of_host("203.0.113.9");
  for (int i = 0; i < 3; ++i) {
    ask(world);
    world.person->answers = {"guess"};
    world.pool.reply_error(ErrorKind::not_authorized);
    expect_closed(world, Outcome::refused, "not-authorized");
    world.next_sign_in();
  }
  ask(world);
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
  world.next_sign_in();
  world.origin = home;
  ask(world);
  then_totp(world);
  world.person->answers = {"right answer", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
}

void three_answers_share_an_attempt(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  for (int i = 0; i < 30; ++i) {
    ask(world);
    world.person->answers.push_back("guess");
  }
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
  assert_int_equal(world.calls_of("respond CUSTOM_CHALLENGE"), 9);
}

void a_question_that_nobody_answers_counts_as_a_message(void**) {
  World world;
  use_flow(world, AuthFlow::custom_srp);
  for (int i = 0; i < 2; ++i) {
    ask(world);
    world.person->answers = {"right password"};
    expect_closed(world, Outcome::conversation_broken, "caller-gone");
    world.next_sign_in();
  }
  expect_closed(world, Outcome::tries_exhausted, "message-budget");
}

void one_prompt_answers_the_first_question_only(void**) {
  World world;
  use_flow(world, AuthFlow::custom);
  world.config->services["sshd"].single_prompt = true;
  ask(world);
  then_totp(world);
  world.person->answers = {"right answer+123456"};
  assert_outcome(world.run().outcome, Outcome::success);

  for (const AuthFlow flow : {AuthFlow::custom, AuthFlow::custom_srp}) {
    World more;
    use_flow(more, flow);
    more.config->services["sshd"].single_prompt = true;
    ask(more);
    ask(more);
    more.person->answers = {"right answer+123456", "blue"};
    expect_closed(more, Outcome::failed, "challenge-not-supported");
    assert_int_equal(more.person->prompts.size(), 1);
  }
}

void a_question_that_comes_with_plain_srp_is_asked_too(void**) {
  World world;
  ask(world, {{"prompt", "Captcha:"}});
  then_totp(world);
  world.person->answers = {"right password", "x7", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
}

void unavailable_never_follows_an_answer(void**) {
  World world;
  use_flow(world, AuthFlow::custom);
  ask(world);
  ask(world);
  world.pool.reply_error(ErrorKind::not_connected, {}, false);
  world.person->answers = {"right answer", "blue"};
  expect_closed(world, Outcome::failed, "not-connected");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(
          custom_challenge_after_the_password_shows_the_prompt_and_passes_the_answer_on),
      cmocka_unit_test(
          custom_challenge_without_a_password_takes_what_was_typed_as_its_first_answer),
      cmocka_unit_test(named_parameters_are_shown_in_order),
      cmocka_unit_test(unnamed_parameters_are_never_shown),
      cmocka_unit_test(as_many_rounds_as_the_pool_wants),
      cmocka_unit_test(twenty_rounds_are_the_limit),
      cmocka_unit_test(it_counts_as_a_factor_only_where_methods_name_it),
      cmocka_unit_test(answers_for_the_password_are_never_both_factors),
      cmocka_unit_test(nothing_is_asked_of_who_proved_nothing),
      cmocka_unit_test(tokens_without_a_question_let_nobody_in),
      cmocka_unit_test(two_custom_answers_without_a_password_are_one_factor),
      cmocka_unit_test(one_attempt_is_held_over_all_rounds_and_given_back),
      cmocka_unit_test(a_wrong_answer_costs_one_attempt),
      cmocka_unit_test(an_answer_that_was_not_sent_costs_no_attempt),
      cmocka_unit_test(giving_up_in_the_middle_costs_an_attempt),
      cmocka_unit_test(an_empty_answer_is_passed_on),
      cmocka_unit_test(a_decoy_is_never_sent),
      cmocka_unit_test(the_password_may_be_the_answer),
      cmocka_unit_test(an_attacker_is_bounded_by_attempts_and_the_users_own_place_is_not),
      cmocka_unit_test(three_answers_share_an_attempt),
      cmocka_unit_test(a_question_that_nobody_answers_counts_as_a_message),
      cmocka_unit_test(one_prompt_answers_the_first_question_only),
      cmocka_unit_test(a_question_that_comes_with_plain_srp_is_asked_too),
      cmocka_unit_test(unavailable_never_follows_an_answer),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
