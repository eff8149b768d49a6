#include <deque>
#include <string>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// A new password by a code: demanded by an admin (PasswordResetRequiredException), or forgotten.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using sign_in::SignInResult;

void allow_self_service(World& world) {
  world.config->password.self_service = true;
}

void demand(World& world) {
  world.pool.reply_error(ErrorKind::password_reset_required, "Password reset required");
  then_totp(world);
}

void password_reset_required_code_new_password_and_on(void**) {
  World world;
  demand(world);
  world.person->answers = {"old password", " 4711 ", "new password", "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "sign_in, confirm_forgot_password, sign_in, respond SOFTWARE_TOKEN_MFA, verify");
  assert_text(world.pool.calls[1].username, "alice");
  assert_text(world.pool.calls[1].password, "new password");
  assert_text(world.pool.calls[1].values.at("code"), "4711");
  assert_text(world.pool.calls[2].password, "new password");
  assert_text(world.person->prompts[1], prompts::reset_code(false));
  assert_text(world.person->notices[4], prompts::password_was_set());
  assert_true(world.person->purposes[1] == Purpose::code);
  assert_true(world.person->purposes[2] == Purpose::new_password);
  assert_true(world.person->purposes[3] == Purpose::new_password_again);
}

void a_reset_is_no_second_factor(void**) {
  for (const bool demanded : {true, false}) {
    World world;
    allow_self_service(world);
    if (demanded) world.pool.reply_error(ErrorKind::password_reset_required);
    world.pool.reply_tokens();
    world.person->answers = demanded ? std::deque<std::string>{"old", "4711", "new", "new"}
                                     : std::deque<std::string>{"", "yes", "4711", "new", "new"};
    expect_closed(world, Outcome::not_permitted, "no-second-factor");
    assert_int_equal(world.revoked.size(), 1);
  }
}

void a_caller_with_one_prompt_has_no_reset(void**) {
  World world;
  allow_self_service(world);
  world.config->password.reset_services = {"sshd"};
  world.config->services["sshd"].single_prompt = true;
  world.person->answers = {"", "yes"};
  expect_closed(world, Outcome::refused, "no-code-after-password");
  assert_true(world.pool.calls.empty());

  World demanded;
  demanded.config->services["sshd"].single_prompt = true;
  demand(demanded);
  demanded.person->answers = {"password+123456", "4711", "new", "new"};
  expect_closed(demanded, Outcome::refused, "password-reset-required");
  assert_int_equal(demanded.person->prompts.size(), 1);
}

// Cognito demands a reset after every password, so a user who resets one has proved none.
void the_destination_is_never_shown(void**) {
  for (const bool demanded : {true, false}) {
    World world;
    allow_self_service(world);
    if (demanded)
      demand(world);
    else
      then_totp(world);
    world.person->answers = {demanded ? "old" : "", "", "4711", "new", "new", "123456"};
    if (!demanded) world.person->answers.insert(world.person->answers.begin() + 1, "yes");
    assert_outcome(world.run().outcome, Outcome::success);
    for (const auto* texts : {&world.person->notices, &world.person->prompts})
      for (const std::string& text : *texts) assert_false(text.contains("a***@e***"));
  }
}

void the_code_is_sent_twice_at_most(void**) {
  for (const bool demanded : {true, false}) {
    World world;
    world.reset_messages.set_limits({.messages = 5, .messages_unanswered = 5});
    allow_self_service(world);
    if (demanded) {
      demand(world);
      world.person->answers = {"old", "", "", "", "", "", "", ""};
    } else {
      world.person->answers = {"", "yes", "", "", "", "", ""};
    }
    expect_closed(world, Outcome::tries_exhausted, "wrong-code");
    assert_int_equal(world.calls_of("forgot_password"), 2);
    assert_text(world.person->notices.back(), prompts::no_new_code());
  }
}

void a_refused_password_is_asked_again_without_the_code(void**) {
  World world;
  demand(world);
  world.pool.fail("confirm_forgot_password", ErrorKind::invalid_password,
                  "Password did not conform with policy: Password not long enough");
  world.pool.fail("confirm_forgot_password", ErrorKind::password_history_policy_violation, "used");
  world.person->answers = {"old", "4711", "a", "a", "b", "b", "new", "new", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[4], "Password not accepted: Password not long enough");
  assert_true(world.person->purposes[4] == Purpose::new_password);
  assert_text(world.pool.calls[3].values.at("code"), "4711");
  assert_text(world.pool.calls[3].password, "new");
}

void a_wrong_code_is_asked_again_without_the_password(void**) {
  World world;
  world.origin = limits::Origin::of_uid(1001);  // has one attempt more than an attacker
  demand(world);
  world.pool.fail("confirm_forgot_password", ErrorKind::code_mismatch);
  world.pool.fail("confirm_forgot_password", ErrorKind::expired_code);
  world.person->answers = {"old", "1111", "new", "new", "2222", "3333", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[4], prompts::wrong_code());
  assert_text(world.person->notices[5], prompts::wrong_code());
  assert_true(world.person->purposes[5] == Purpose::code);
  assert_text(world.pool.calls[3].values.at("code"), "3333");
  assert_text(world.pool.calls[3].password, "new");
}

void three_refusals_end_it(void**) {
  World world;
  demand(world);
  for (int i = 0; i < 4; ++i)
    world.pool.fail("confirm_forgot_password", ErrorKind::invalid_password);
  world.person->answers = {"old", "4711", "a", "a", "b", "b", "c", "c", "d", "d"};
  expect_closed(world, Outcome::tries_exhausted, "reset");
  assert_int_equal(world.calls_of("confirm_forgot_password"), 3);
}

void what_is_no_code_is_never_sent(void**) {
  for (const char* answer : {"123", "12345678901", "abcd", "47-11", "\x08\n\r\x7fINC"}) {
    World world;
    demand(world);
    world.person->answers = {"old", answer, answer, answer, "4711"};
    expect_closed(world, Outcome::tries_exhausted, "wrong-code");
    assert_text(world.operations(), "sign_in");
    assert_text(world.person->notices[2], prompts::not_a_code());
  }
}

void the_password_is_no_code(void**) {
  World world;
  demand(world);
  world.person->answers = {"123456", "123456"};
  expect_closed(world, Outcome::conversation_broken, "answer-is-the-password");
  assert_text(world.operations(), "sign_in");
}

void no_attempt_left_ends_a_reset_before_the_call(void**) {
  World world;
  demand(world);  // one of three
  for (int i = 0; i < 4; ++i) world.pool.fail("confirm_forgot_password", ErrorKind::code_mismatch);
  world.person->answers = {"old", "1111", "new", "new", "2222", "3333"};
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
  assert_int_equal(world.calls_of("confirm_forgot_password"), 2);
}

void a_reset_in_a_circle_is_cut(void**) {
  World world;
  world.origin = limits::Origin::of_uid(1001);
  for (int i = 0; i < 5; ++i) world.pool.reply_error(ErrorKind::password_reset_required);
  world.person->answers = {"old",  "4711", "new1", "new1", "4712",
                           "new2", "new2", "4713", "new3", "new3"};
  expect_closed(world, Outcome::refused, "password-reset-required");
  assert_int_equal(world.calls_of("sign_in"), 3);
}

void passwd_after_a_reset_does_not_ask_again(void**) {
  World world;
  world.goal = sign_in::Goal::change_password;
  demand(world);
  world.person->answers = {"old", "4711", "new", "new", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.notice.text, prompts::password_changed());
  assert_int_equal(world.calls_of("change_password"), 0);
}

// PasswordResetRequiredException before the password was judged: an attacker may be typing, and the
// administrator's code counts.
void demanded_of_a_stranger(World& world) {
  world.pool.reply_error(ErrorKind::password_reset_required, "Password reset required", false);
  world.person->answers = {"anything", "", "", "", ""};
}

void an_attacker_has_nothing_sent_where_a_reset_was_demanded(void**) {
  World world;
  demanded_of_a_stranger(world);
  expect_closed(world, Outcome::tries_exhausted, "wrong-code");
  assert_int_equal(world.calls_of("forgot_password"), 0);
  assert_text(world.person->prompts[1], prompts::reset_code(false));
}

void with_self_service_an_attacker_does_not_learn_where_the_code_went(void**) {
  World world;
  world.config->password.self_service = true;
  demanded_of_a_stranger(world);
  expect_closed(world, Outcome::conversation_broken, "caller-gone");
  assert_int_equal(world.calls_of("forgot_password"), 2);
  for (const std::string& notice : world.person->notices)
    assert_false(notice.contains(world.pool.delivery));
}

// The log has the errors that the user is not told, and no success.
void the_log_has_what_the_person_is_not_told(void**) {
  World world;
  demanded_of_a_stranger(world);
  world.person->answers = {"anything", "1111", "new", "new", "2222", "3333"};
  for (int i = 0; i < 3; ++i)
    world.pool.fail("confirm_forgot_password", ErrorKind::user_not_found, "gone");
  const SignInResult result = world.run();
  assert_true(result.outcome != Outcome::success);
  assert_text(result.detail, "user-not-found: gone");
  for (const std::string& notice : world.person->notices) assert_false(notice.contains("gone"));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_attacker_has_nothing_sent_where_a_reset_was_demanded),
      cmocka_unit_test(with_self_service_an_attacker_does_not_learn_where_the_code_went),
      cmocka_unit_test(the_log_has_what_the_person_is_not_told),
      cmocka_unit_test(password_reset_required_code_new_password_and_on),
      cmocka_unit_test(a_reset_is_no_second_factor),
      cmocka_unit_test(a_caller_with_one_prompt_has_no_reset),
      cmocka_unit_test(the_destination_is_never_shown),
      cmocka_unit_test(the_code_is_sent_twice_at_most),
      cmocka_unit_test(a_refused_password_is_asked_again_without_the_code),
      cmocka_unit_test(a_wrong_code_is_asked_again_without_the_password),
      cmocka_unit_test(three_refusals_end_it),
      cmocka_unit_test(what_is_no_code_is_never_sent),
      cmocka_unit_test(the_password_is_no_code),
      cmocka_unit_test(no_attempt_left_ends_a_reset_before_the_call),
      cmocka_unit_test(a_reset_in_a_circle_is_cut),
      cmocka_unit_test(passwd_after_a_reset_does_not_ask_again),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
