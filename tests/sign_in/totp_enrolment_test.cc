#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/prompts/texts.h"
#include "tests/sign_in/enrolling.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scripted.h"

// TOTP set up in the middle of a sign-in: by the session of MFA_SETUP, or by policy with the access
// token.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using policy::Enroll;
using sign_in::SignInResult;

constexpr std::string_view kGrouped = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ";
constexpr char kSecret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

void mfa_setup_enrols_totp_by_session(void**) {
  World world;
  by_session(world, {" 123456 "});
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::totp);
  assert_text(world.operations(),
              "sign_in, associate, verify_totp, respond MFA_SETUP, verify, get_user, "
              "set_preference");
  // Each session is the one that the step before handed out.
  assert_text(world.pool.calls[1].values.at("session"), "session");
  assert_text(world.pool.calls[2].values.at("session"), "associated 1");
  assert_text(world.pool.calls[3].values.at("(session)"), "checked 2");
  assert_text(world.pool.calls[2].values.at("code"), "123456");
  assert_text(world.pool.calls[2].values.at("access_token"), "");
}

void the_prompt_shows_secret_account_and_qr_code(void**) {
  World world;
  world.config->mfa.app_label = "Example Ltd";
  by_session(world, {"123456"});
  assert_outcome(world.run().outcome, Outcome::success);
  const std::string& prompt = world.person->prompts[1];
  assert_true(prompt.contains(kGrouped));
  assert_true(prompt.contains("Example Ltd") && prompt.contains("alice"));
  assert_true(prompt.contains("\xe2\x96\x80"));  // a half block
  assert_true(world.person->purposes[1] == Purpose::code);
}

void a_screen_without_fixed_letters_gets_the_secret_alone(void**) {
  World world;
  world.service = "lightdm";
  by_session(world, {"123456"});
  assert_outcome(world.run().outcome, Outcome::success);
  assert_true(world.person->prompts[1].contains(kGrouped));
  assert_false(world.person->prompts[1].contains("\xe2\x96"));
}

void the_device_is_named_user_at_host(void**) {
  World world;
  by_session(world, {"123456"});
  assert_outcome(world.run().outcome, Outcome::success);
  std::array<char, 256> host{};
  assert_int_equal(::gethostname(host.data(), host.size() - 1), 0);
  assert_text(world.call("verify_totp").values.at("device"), std::string("alice@") + host.data());
}

// By each of the three ways in which the pool reports it.
void a_wrong_code_by_status_error_is_asked_for_again(void**) {
  World world;
  by_session(world, {"111111", "222222"});
  world.pool.wrong_setup_codes = 1;
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[2], prompts::totp_setup_again());
  assert_text(world.person->notices[2], prompts::wrong_code(2));
  assert_text(world.pool.calls[3].values.at("session"), "checked 2");  // the newer session
}

void wrong_by(ErrorKind kind, const std::string& notice) {
  World world;
  by_session(world, {"111111", "222222"});
  world.pool.fail("verify_totp", kind);
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[2], notice);
  assert_text(world.pool.calls[3].values.at("session"), "associated 1");  // the same session
}

void a_wrong_code_by_enable_software_token_mfa_is_asked_for_again(void**) {
  wrong_by(ErrorKind::enable_software_token_mfa, prompts::wrong_code(2));
}

void a_wrong_code_by_code_mismatch_is_asked_for_again(void**) {
  wrong_by(ErrorKind::code_mismatch, prompts::wrong_code(2));
}

void a_code_that_was_used_already_is_told_so(void**) {
  wrong_by(ErrorKind::expired_code, prompts::code_already_used());
}

void three_wrong_codes_end_it(void**) {
  for (const bool session : {true, false}) {
    World world;
    if (session)
      by_session(world, {"111111", "222222", "333333", "444444"});
    else
      by_access_token(world, {"111111", "222222", "333333", "444444"});
    world.pool.wrong_setup_codes = 3;
    expect_closed(world, Outcome::tries_exhausted, "wrong-code");
    assert_int_equal(world.person->prompts.size(), 4);
    assert_int_equal(world.calls_of("set_preference"), 0);
  }
}

void what_is_no_code_is_never_sent(void**) {
  for (const char* answer : {"12345", "1234567", "", "b", "as", "aa", "12345a", "GEZDGN"}) {
    World world;
    by_session(world, {answer, answer, answer, "123456"});
    expect_closed(world, Outcome::tries_exhausted, "wrong-code");
    assert_text(world.operations(), "sign_in, associate");
  }
}

void the_password_is_no_code_of_the_app(void**) {
  World world;
  by_session(world, {"right password"});
  expect_closed(world, Outcome::conversation_broken, "answer-is-the-password");
  assert_text(world.operations(), "sign_in, associate");
}

void a_qr_code_in_letters_on_demand(void**) {
  World world;
  by_session(world, {"a", "123456"});
  assert_outcome(world.run().outcome, Outcome::success);
  assert_true(world.person->prompts[2].contains("##"));
  assert_false(world.person->prompts[2].contains("\xe2\x96"));
  assert_true(world.person->prompts[2].contains(kGrouped));
}

void no_qr_code_on_demand(void**) {
  World world;
  by_session(world, {" N ", "123456"});
  assert_outcome(world.run().outcome, Outcome::success);
  assert_false(world.person->prompts[2].contains("##"));
  assert_false(world.person->prompts[2].contains("\xe2\x96"));
  assert_true(world.person->prompts[2].contains(kGrouped));
}

void the_secret_again_on_demand(void**) {
  World world;
  by_session(world, {"a", "111111", "s", "123456"});
  world.pool.wrong_setup_codes = 1;
  assert_outcome(world.run().outcome, Outcome::success);
  assert_false(world.person->prompts[3].contains(kGrouped));
  assert_text(world.person->prompts[4], world.person->prompts[2]);  // in the form shown last
}

void other_forms_have_a_limit(void**) {
  World world;
  by_session(world, std::vector<std::string>(50, "s"));
  expect_closed(world, Outcome::tries_exhausted, "wrong-code");
  assert_int_equal(world.person->prompts.size(), 1 + 1 + 6 + 2);  // six forms, then three tries
  assert_text(world.operations(), "sign_in, associate");
}

void other_forms_cost_no_try(void**) {
  World world;
  by_session(world, {"a", "n", "s", "111111", "222222", "123456"});
  world.pool.wrong_setup_codes = 2;
  assert_outcome(world.run().outcome, Outcome::success);
}

void a_session_that_ends_while_typing_begins_again_once(void**) {
  World world;
  demand_setup(world);
  by_session(world, {"111111", "222222"});
  world.pool.fail("verify_totp", ErrorKind::not_authorized, kChallengeSessionExpired);
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "sign_in, associate, verify_totp, sign_in, associate, verify_totp, "
              "respond MFA_SETUP, verify, get_user, set_preference");
  assert_text(world.person->notices[2], prompts::setup_starts_again());
  assert_true(world.person->prompts[2].contains(kGrouped));
}

void a_session_that_is_old_by_the_clock_has_ended(void**) {
  World world;
  demand_setup(world);
  by_session(world, {"111111", "222222"});
  world.pool.fail("verify_totp", ErrorKind::not_authorized, "any text");
  world.person->before_answer = [&world] {
    if (world.person->prompts.size() == 2) world.clock.advance(std::chrono::seconds(171));
  };
  assert_outcome(world.run().outcome, Outcome::success);
}

void a_session_that_ends_twice_ends_the_sign_in(void**) {
  World world;
  demand_setup(world);
  by_session(world, {"111111", "222222", "333333"});
  world.pool.fail("verify_totp", ErrorKind::not_authorized, kChallengeSessionExpired);
  world.pool.fail("verify_totp", ErrorKind::not_authorized, kChallengeSessionExpired);
  expect_closed(world, Outcome::failed, "challenge-session-over");
  assert_int_equal(world.person->prompts.size(), 3);
}

void a_fresh_session_that_is_refused_is_final(void**) {
  World world;
  by_session(world, {"111111", "222222"});
  world.pool.fail("verify_totp", ErrorKind::not_authorized, "User is disabled.");
  expect_closed(world, Outcome::refused, "not-authorized");
}

void eighty_nine_seconds_are_too_little_time(void**) {
  for (const bool session : {true, false}) {
    World world;
    if (session)
      by_session(world, {"123456"});
    else
      by_access_token(world, {"123456"});
    world.person->time_left = std::chrono::seconds(89);
    {
      const SignInResult result = world.run();
      assert_outcome(result.outcome, Outcome::failed);
      assert_text(result.cause, "no-time-to-set-up");
      assert_text(result.notice.text, prompts::no_time_to_set_up(true));
    }
    assert_int_equal(world.calls_of("associate"), 0);
    assert_int_equal(world.revoked.size(), world.pool.issued);
  }
}

void ninety_seconds_are_enough_time(void**) {
  for (const bool session : {true, false}) {
    World world;
    if (session)
      by_session(world, {"123456"});
    else
      by_access_token(world, {"123456"});
    world.person->time_left = std::chrono::seconds(90);
    assert_outcome(world.run().outcome, Outcome::success);
  }
}

// Each time that the key is shown, and before each question near the end.
void the_time_left_is_told(void**) {
  World world;
  by_session(world, {"n", "111111", "n", "222222"});
  world.pool.wrong_setup_codes = 1;
  world.person->time_left = std::chrono::seconds(299);
  world.person->before_answer = [&world] {
    constexpr std::array left = {250, 89, 31, 30};  // after each answer
    const std::size_t answered = world.person->prompts.size();
    if (answered > 1 && answered - 2 < left.size())
      world.person->time_left = std::chrono::seconds(left[answered - 2]);
  };
  assert_outcome(world.run().outcome, Outcome::success);
  const std::vector<std::string>& prompts = world.person->prompts;
  assert_int_equal(prompts.size(), 5);
  assert_text(prompts[0], "Password: ");
  assert_true(prompts[1].contains("\nYou have 4 minutes.\n"));
  assert_true(prompts[2].contains("\nYou have 4 minutes.\n"));
  assert_text(prompts[3], prompts::totp_setup_again());
  assert_false(prompts[4].contains("You have") || prompts[4].contains("seconds left"));
}

void a_question_near_the_end_says_so(void**) {
  for (const auto& [left, told] : {std::pair<int, std::string>{31, ""},
                                   {30, "30 seconds left.\n"},
                                   {1, "1 second left.\n"},
                                   {0, ""}}) {
    World world;
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.pool.reply_tokens();
    world.person->answers = {"right password", "123456"};
    world.person->time_left = std::chrono::seconds(left);
    assert_outcome(world.run().outcome, Outcome::success);
    assert_text(world.person->prompts[0], "Password: ");  // an ssh client may look for it
    assert_text(world.person->prompts[1], told + "Code from your authenticator app: ");
  }
}

void a_pool_without_totp_says_where_else(void**) {
  World world;
  by_session(world, {"123456"});
  world.pool.fail("associate", ErrorKind::software_token_mfa_not_found, "raw text");
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::not_permitted);
  assert_text(result.cause, "totp-not-in-pool");
  assert_text(result.notice.text, prompts::cannot_set_up());
  assert_text(result.detail, "raw text");
}

void an_associate_that_fails_lets_nobody_in(void**) {
  for (const bool session : {true, false}) {
    World world;
    if (session)
      by_session(world, {"123456"});
    else
      by_access_token(world, {"123456"});
    world.pool.fail("associate", ErrorKind::concurrent_modification);
    expect_closed(world, Outcome::failed, "concurrent-modification");
    assert_int_equal(world.person->prompts.size(), 1);
  }
}

void the_secret_is_in_no_field_of_the_result(void**) {
  for (const ErrorKind kind : {ErrorKind::internal, ErrorKind::invalid_parameter,
                               ErrorKind::timed_out, ErrorKind::not_authorized}) {
    for (const char* operation : {"verify_totp", "get_user", "set_preference"}) {
      World world;
      by_session(world, {"123456"});
      world.pool.fail(operation, kind);
      const SignInResult result = world.run();
      for (const std::string& field :
           {result.cause, result.detail, result.request_id, result.notice.text}) {
        assert_false(field.contains(kSecret) || field.contains(kGrouped));
        assert_false(field.contains("123456"));
      }
    }
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(mfa_setup_enrols_totp_by_session),
      cmocka_unit_test(the_prompt_shows_secret_account_and_qr_code),
      cmocka_unit_test(a_screen_without_fixed_letters_gets_the_secret_alone),
      cmocka_unit_test(the_device_is_named_user_at_host),
      cmocka_unit_test(a_wrong_code_by_status_error_is_asked_for_again),
      cmocka_unit_test(a_wrong_code_by_enable_software_token_mfa_is_asked_for_again),
      cmocka_unit_test(a_wrong_code_by_code_mismatch_is_asked_for_again),
      cmocka_unit_test(a_code_that_was_used_already_is_told_so),
      cmocka_unit_test(three_wrong_codes_end_it),
      cmocka_unit_test(what_is_no_code_is_never_sent),
      cmocka_unit_test(the_password_is_no_code_of_the_app),
      cmocka_unit_test(a_qr_code_in_letters_on_demand),
      cmocka_unit_test(no_qr_code_on_demand),
      cmocka_unit_test(the_secret_again_on_demand),
      cmocka_unit_test(other_forms_have_a_limit),
      cmocka_unit_test(other_forms_cost_no_try),
      cmocka_unit_test(a_session_that_ends_while_typing_begins_again_once),
      cmocka_unit_test(a_session_that_is_old_by_the_clock_has_ended),
      cmocka_unit_test(a_session_that_ends_twice_ends_the_sign_in),
      cmocka_unit_test(a_fresh_session_that_is_refused_is_final),
      cmocka_unit_test(eighty_nine_seconds_are_too_little_time),
      cmocka_unit_test(ninety_seconds_are_enough_time),
      cmocka_unit_test(the_time_left_is_told),
      cmocka_unit_test(a_question_near_the_end_says_so),
      cmocka_unit_test(a_pool_without_totp_says_where_else),
      cmocka_unit_test(an_associate_that_fails_lets_nobody_in),
      cmocka_unit_test(the_secret_is_in_no_field_of_the_result),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
