#include <string>
#include <utility>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// UserNotConfirmedException: the code of the sign-up, then on with the sign-in. Cognito answers it
// to any password, and it is not known at which of the two SRP calls: so nothing is proved by it.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using sign_in::SignInResult;

constexpr bool kAtEitherCall[] = {false, true};  // InitiateAuth, RespondToAuthChallenge

void not_confirmed(World& world, bool password_sent = true) {
  world.pool.reply_error(ErrorKind::user_not_confirmed, "User is not confirmed.", password_sent);
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
}

void user_not_confirmed_code_and_on(void**) {
  World world;
  not_confirmed(world);
  world.person->answers = {"right password", " 123456 ", "654321"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "sign_in, confirm_sign_up, sign_in, respond SOFTWARE_TOKEN_MFA, verify");
  assert_text(world.pool.calls[1].username, "alice");
  assert_text(world.pool.calls[1].values.at("code"), "123456");
  assert_text(world.pool.calls[2].password, "right password");
  assert_text(world.person->prompts[1], prompts::confirmation_code(false));
  assert_text(world.person->notices[2], prompts::account_confirmed());
  assert_true(world.person->purposes[1] == Purpose::code);
}

void confirmation_is_no_second_factor(void**) {
  World world;
  world.pool.reply_error(ErrorKind::user_not_confirmed);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  expect_closed(world, Outcome::not_permitted, "no-second-factor");
  assert_int_equal(world.revoked.size(), 1);
}

// For every password: an attacker may be typing.
void nothing_is_sent_and_no_address_shown(void**) {
  for (const bool password_sent : kAtEitherCall) {
    World world;
    not_confirmed(world, password_sent);
    world.person->answers = {"any password", "", "", ""};
    expect_closed(world, Outcome::tries_exhausted, "wrong-code");
    assert_text(world.operations(), "sign_in");
    assert_text(world.person->prompts[1], prompts::confirmation_code(false));
    for (const std::string& notice : world.person->notices)
      assert_false(notice.contains("a***@e***"));
  }
}

void an_empty_answer_sends_the_code_again_where_self_service_allows_it(void**) {
  for (const bool password_sent : kAtEitherCall) {
    World world;
    world.config->password.self_service = true;
    not_confirmed(world, password_sent);
    world.person->answers = {"right password", "", "123456", "654321"};
    assert_outcome(world.run().outcome, Outcome::success);
    assert_text(world.operations(),
                "sign_in, resend, confirm_sign_up, sign_in, respond SOFTWARE_TOKEN_MFA, verify");
    assert_text(world.person->prompts[1], prompts::confirmation_code(true));
    assert_text(world.person->notices[2], prompts::new_code_sent());
  }
}

// Otherwise an attacker could ask for the state of the account, and guess passwords, without end.
void each_sign_in_of_an_unconfirmed_account_is_an_attempt(void**) {
  for (const bool password_sent : kAtEitherCall) {
    World world;
    unsigned opened = 0;
    for (; opened < 20; ++opened) {
      not_confirmed(world, password_sent);
      world.person->answers = {"guess " + std::to_string(opened)};
      if (world.run().cause == "failure-budget") break;
      world.next_sign_in();
    }
    assert_in_range(opened, 1, 5);
  }
}

// The same for the other errors that tell the state of an account.
void no_state_of_an_account_is_told_without_end(void**) {
  for (const ErrorKind kind :
       {ErrorKind::password_reset_required, ErrorKind::temporary_password_expired,
        ErrorKind::user_disabled, ErrorKind::user_not_found}) {
    World world;
    unsigned opened = 0;
    for (; opened < 20; ++opened) {
      world.pool.reply_error(kind, "state", false);
      world.person->answers = {"guess " + std::to_string(opened)};
      if (world.run().cause == "failure-budget") break;
      world.next_sign_in();
    }
    assert_in_range(opened, 1, 5);
  }
}

void the_code_is_sent_again_twice_at_most(void**) {
  World world;
  world.config->password.self_service = true;
  world.reset_messages.set_limits({.messages = 5, .messages_unanswered = 5});
  not_confirmed(world);
  world.person->answers = {"right password", "", "", "", "", "", ""};
  expect_closed(world, Outcome::tries_exhausted, "wrong-code");
  assert_text(world.operations(), "sign_in, resend, resend");
  assert_text(world.person->notices.back(), prompts::no_new_code());
}

void resends_have_a_budget_apart_from_sign_in_codes(void**) {
  World world;
  world.origin = limits::Origin::of_uid(1001);
  world.config->password.self_service = true;
  for (int i = 0; i < 2; ++i) {
    not_confirmed(world);
    world.person->answers = {"right password", ""};
    expect_closed(world, Outcome::conversation_broken, "caller-gone");
    world.next_sign_in();
  }
  // No third one, which is not told; the code that came is still good.
  not_confirmed(world);
  then_totp(world);
  world.person->answers = {"right password", "", "654321", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.calls_of("resend"), 0);
  assert_text(world.person->notices[2], prompts::new_code_sent());
  assert_true(world.messages.permitted("alice", world.clock.boot_time()));
}

void a_resend_that_fails_ends_it(void**) {
  for (const auto& [kind, outcome] : {std::pair{ErrorKind::internal_error, Outcome::failed},
                                      std::pair{ErrorKind::forbidden, Outcome::failed},
                                      std::pair{ErrorKind::not_connected, Outcome::failed}}) {
    World world;
    world.config->password.self_service = true;
    not_confirmed(world);
    world.pool.fail("resend", kind);
    world.person->answers = {"right password", "", "123456"};
    assert_outcome(world.run().outcome, outcome);
  }
}

void a_resend_that_the_account_does_not_allow_reads_as_one_that_was_made(void**) {
  for (const ErrorKind kind :
       {ErrorKind::limit_exceeded, ErrorKind::code_delivery_failure, ErrorKind::user_not_found}) {
    World world;
    world.config->password.self_service = true;
    not_confirmed(world);
    world.pool.fail("resend", kind);
    world.person->answers = {"right password", "", "123456", "654321"};
    assert_outcome(world.run().outcome, Outcome::success);
    assert_text(world.person->notices[2], prompts::new_code_sent());
  }
}

void a_wrong_code_is_asked_for_again(void**) {
  World world;
  world.origin = limits::Origin::of_uid(1001);
  not_confirmed(world);
  world.pool.fail("confirm_sign_up", ErrorKind::code_mismatch);
  world.pool.fail("confirm_sign_up", ErrorKind::expired_code);
  world.person->answers = {"right password", "1111", "2222", "3333", "654321"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[2], prompts::wrong_code());
  assert_text(world.person->notices[3], prompts::code_expired());
}

void three_wrong_codes_end_it(void**) {
  World world;
  world.origin = limits::Origin::of_uid(1001);
  not_confirmed(world);
  for (int i = 0; i < 4; ++i) world.pool.fail("confirm_sign_up", ErrorKind::expired_code);
  world.person->answers = {"right password", "1111", "2222", "3333", "4444"};
  expect_closed(world, Outcome::tries_exhausted, "wrong-code");
  assert_int_equal(world.person->prompts.size(), 4);
}

void wrong_codes_count_as_attempts(void**) {
  World world;
  not_confirmed(world);
  for (int i = 0; i < 3; ++i) world.pool.fail("confirm_sign_up", ErrorKind::code_mismatch);
  world.person->answers = {"right password", "1111", "2222", "3333"};
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
  world.next_sign_in();
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
}

void other_errors_end_it(void**) {
  for (const auto& [kind, outcome] :
       {std::pair{ErrorKind::alias_exists, Outcome::failed},
        std::pair{ErrorKind::too_many_failed_attempts, Outcome::tries_exhausted},
        std::pair{ErrorKind::not_authorized, Outcome::refused},
        std::pair{ErrorKind::user_lambda_validation, Outcome::refused},
        std::pair{ErrorKind::not_connected, Outcome::failed},
        std::pair{ErrorKind::timed_out, Outcome::failed}}) {
    World world;
    not_confirmed(world);
    world.pool.fail("confirm_sign_up", kind, "raw text");
    world.person->answers = {"right password", "123456", "123456"};
    const SignInResult result = world.run();
    assert_outcome(result.outcome, outcome);
    assert_false(result.notice.text.contains("raw text"));
  }
}

void the_password_is_no_code(void**) {
  World world;
  not_confirmed(world);
  world.person->answers = {"123456", "123456"};
  expect_closed(world, Outcome::conversation_broken, "answer-is-the-password");
  assert_text(world.operations(), "sign_in");
}

void a_caller_with_one_prompt_is_refused(void**) {
  World world;
  world.config->services["sshd"].single_prompt = true;
  not_confirmed(world);
  world.person->answers = {"password+123456", "123456"};
  expect_closed(world, Outcome::refused, "user-not-confirmed");
  assert_int_equal(world.person->prompts.size(), 1);
}

void confirmed_and_then_to_be_reset(void**) {
  World world;
  world.origin = limits::Origin::of_uid(1001);
  world.pool.reply_error(ErrorKind::user_not_confirmed);
  world.pool.reply_error(ErrorKind::password_reset_required);
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "4711", "4712", "new", "new", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
}

void never_confirmed_for_good_is_cut(void**) {
  World world;
  world.origin = limits::Origin::of_uid(1001);
  for (int i = 0; i < 5; ++i) world.pool.reply_error(ErrorKind::user_not_confirmed);
  world.person->answers = {"right password", "4711", "4712", "4713", "4714"};
  expect_closed(world, Outcome::refused, "user-not-confirmed");
  assert_text(world.operations(), "sign_in, confirm_sign_up, sign_in, confirm_sign_up, sign_in");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(user_not_confirmed_code_and_on),
      cmocka_unit_test(confirmation_is_no_second_factor),
      cmocka_unit_test(nothing_is_sent_and_no_address_shown),
      cmocka_unit_test(an_empty_answer_sends_the_code_again_where_self_service_allows_it),
      cmocka_unit_test(each_sign_in_of_an_unconfirmed_account_is_an_attempt),
      cmocka_unit_test(no_state_of_an_account_is_told_without_end),
      cmocka_unit_test(the_code_is_sent_again_twice_at_most),
      cmocka_unit_test(resends_have_a_budget_apart_from_sign_in_codes),
      cmocka_unit_test(a_resend_that_fails_ends_it),
      cmocka_unit_test(a_wrong_code_is_asked_for_again),
      cmocka_unit_test(three_wrong_codes_end_it),
      cmocka_unit_test(wrong_codes_count_as_attempts),
      cmocka_unit_test(a_resend_that_the_account_does_not_allow_reads_as_one_that_was_made),
      cmocka_unit_test(other_errors_end_it),
      cmocka_unit_test(the_password_is_no_code),
      cmocka_unit_test(a_caller_with_one_prompt_is_refused),
      cmocka_unit_test(confirmed_and_then_to_be_reset),
      cmocka_unit_test(never_confirmed_for_good_is_cut),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
