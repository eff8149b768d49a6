#include <chrono>
#include <string>
#include <utility>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using sign_in::SignInResult;

constexpr char kOffered[] = R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])";

void password_then_totp(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers.push_back(" 123456 ");
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::totp);
  assert_text(world.operations(), "sign_in, respond SOFTWARE_TOKEN_MFA, verify");
  assert_text(world.pool.calls[0].username, "alice");
  assert_text(world.pool.calls[0].password, "right password");
  assert_text(world.pool.calls[1].values["SOFTWARE_TOKEN_MFA_CODE"], "123456");
  assert_text(world.person->prompts[0], "Password: ");
  assert_false(world.person->echoes[0]);
  assert_true(world.person->purposes[1] == Purpose::code);
  assert_true(world.person->echoes[1]);  // sshd: a stored password does not fill a visible prompt
  assert_int_equal(world.pool.prewarmed, 1);
  assert_true(world.revoked.empty());
}

void success_that_nobody_takes_is_revoked(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers.push_back("123456");
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::success);
  }
  assert_int_equal(world.revoked.size(), 1);
  assert_text(world.revoked[0], "refresh");
}

void sms_and_email(void**) {
  for (const auto& [name, parameter] : {std::pair{ChallengeName::sms_mfa, "SMS_MFA_CODE"},
                                        std::pair{ChallengeName::email_otp, "EMAIL_OTP_CODE"}}) {
    World world;
    world.pool.reply_challenge(name, {{"CODE_DELIVERY_DESTINATION", "+*******4567"}});
    world.pool.reply_tokens();
    world.person->answers.push_back("12345678");
    assert_outcome(world.run().outcome, Outcome::success);
    assert_text(world.pool.calls[1].values[parameter], "12345678");
    assert_true(world.person->prompts[1].contains("+*******4567"));
  }
}

void wrong_code_is_asked_for_again(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::code_mismatch);
  world.pool.reply_error(ErrorKind::expired_code,
                         "Your software token has already been used once.");
  world.pool.reply_tokens();
  world.person->answers = {"right password", "111111", "222222", "333333"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[2], prompts::wrong_code(2));
  assert_text(world.person->notices[3], prompts::code_already_used());
}

// A greeter that shows the notice or the question: else nobody knows what is wanted.
void a_caller_with_one_text_reads_the_notice_in_the_question(void**) {
  World world;
  world.program = "lightdm";
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::code_mismatch);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "111111", "222222"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[2], prompts::wrong_code(2) + "\n" + world.person->prompts[1]);
  assert_text(world.person->notices[2], "");
}

void three_wrong_codes_end_it(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  for (int i = 0; i < 3; ++i) world.pool.reply_error(ErrorKind::code_mismatch);
  world.person->answers = {"right password", "111111", "222222", "333333", "444444"};
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_int_equal(world.pool.calls.size(), 4);
}

void what_is_no_code_is_never_sent(void**) {
  for (const char* answer : {"12345", "1234567", "12345a", "", "abcdef", "12 345",
                             "\x01"
                             "12345"}) {
    World world;
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.person->answers = {"right password", answer, answer, answer};
    assert_outcome(world.run().outcome, Outcome::tries_exhausted);
    assert_text(world.operations(), "sign_in");
    assert_text(world.person->notices[2], prompts::not_a_totp_code());
  }
}

void answer_equal_to_the_password_is_never_sent(void**) {
  for (const ChallengeName name : {ChallengeName::software_token_mfa, ChallengeName::sms_mfa}) {
    World world;
    world.pool.reply_challenge(name);
    world.person->answers = {"123456", "123456"};  // even a password that looks like a code
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::conversation_broken);
    assert_text(result.cause, "answer-is-the-password");
    assert_text(world.operations(), "sign_in");
  }
}

void decoys_are_never_sent(void**) {
  for (const char* decoy : {"\x08\n\r\x7fINCORRECT", "", "caf\xe9", "tab\there", "del\x7f"}) {
    World world;
    world.person->answers = {decoy};
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::refused);
    assert_text(result.notice.text, prompts::refused());
    assert_true(world.pool.calls.empty());
    assert_true(world.clock.slept == std::chrono::milliseconds(250));  // as long as a refusal
  }
}

void attackers_cannot_spend_the_users_attempts(void**) {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.pool.reply_error(ErrorKind::not_authorized, "Incorrect username or password.");
    assert_outcome(world.run().outcome, Outcome::refused);
    world.next_sign_in();
  }
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_true(world.pool.calls.empty());

  // The user at the console has one left.
  world.next_sign_in();
  world.origin = limits::Origin::of_uid(1001);
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers.push_back("123456");
  assert_outcome(world.run().outcome, Outcome::success);
}

void what_was_not_sent_costs_no_attempt(void**) {
  World world;
  for (int i = 0; i < 10; ++i) {
    const bool proved = i % 2 == 0;
    world.pool.reply_error(proved ? ErrorKind::unreachable : ErrorKind::not_connected, {}, false);
    assert_outcome(world.run().outcome, proved ? Outcome::unavailable : Outcome::failed);
    world.next_sign_in();
  }
  world.pool.reply_error(ErrorKind::not_authorized);
  assert_outcome(world.run().outcome, Outcome::refused);
}

void a_pool_that_vanishes_after_the_password_is_not_unavailable(void**) {
  World world;
  world.pool.reply_error(ErrorKind::unreachable, {}, true);
  assert_outcome(world.run().outcome, Outcome::failed);
}

void an_unknown_result_costs_an_attempt(void**) {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.pool.reply_error(ErrorKind::connection_cut);
    assert_outcome(world.run().outcome, Outcome::failed);
    world.next_sign_in();
  }
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
}

void totp_survives_an_expired_session(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::not_authorized, "any text: the clock says enough");
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers.push_back("123456");
  world.person->before_answer = [&world] { world.clock.advance(std::chrono::seconds(171)); };
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "sign_in, respond SOFTWARE_TOKEN_MFA, sign_in, respond SOFTWARE_TOKEN_MFA, verify");
  assert_text(world.pool.calls[3].values["SOFTWARE_TOKEN_MFA_CODE"], "123456");
  assert_int_equal(world.person->prompts.size(), 2);  // silently
}

void a_session_is_repeated_once_only(void**) {
  World world;
  for (int i = 0; i < 2; ++i) {
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.pool.reply_error(ErrorKind::not_authorized, kChallengeSessionExpired);
  }
  world.person->answers.push_back("123456");
  assert_outcome(world.run().outcome, Outcome::refused);
}

void a_fresh_session_that_is_refused_is_final(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::not_authorized, "User is disabled.");
  world.person->answers.push_back("123456");
  assert_outcome(world.run().outcome, Outcome::refused);
  assert_text(world.operations(), "sign_in, respond SOFTWARE_TOKEN_MFA");
}

void a_user_whose_last_sign_in_was_not_kept_is_told(void**) {
  World world;
  world.pin(world.pool.verified->sub);
  sessions::NewSession large;
  large.user = world.user;
  large.verified = *world.pool.verified;
  large.verified.groups.assign(2000, std::string(128, 'g'));  // fits into no session
  cognito::Tokens tokens;
  tokens.refresh_token = "refresh token";
  (void)world.services();  // configures the keeper
  world.keeper->keep(std::move(large),
                     sessions::PendingTokens(std::move(tokens), [](std::string) {}));

  then_totp(world);
  world.person->answers = {"right password", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.notice.text, prompts::session_not_kept());
}

void sms_after_an_expired_session_is_a_new_code(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_error(ErrorKind::not_authorized, kChallengeSessionExpired);
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "111111", "222222"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[2], prompts::code_expired() + " " + prompts::new_code_sent());
  assert_text(world.pool.calls[3].values["SMS_MFA_CODE"], "222222");
}

void another_factor_after_the_repeat_drops_the_code(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::not_authorized, kChallengeSessionExpired);
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "111111", "222222"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "sign_in, respond SOFTWARE_TOKEN_MFA, sign_in, respond SMS_MFA, verify");
  assert_text(world.pool.calls[3].values["SMS_MFA_CODE"], "222222");
}

void an_empty_answer_sends_the_message_again_once(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::email_otp);
  world.pool.reply_challenge(ChallengeName::email_otp);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "", "", "4711"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(), "sign_in, sign_in, respond EMAIL_OTP, verify");
  assert_text(world.person->notices[2], prompts::new_code_sent());
  assert_text(world.person->notices[3], prompts::no_new_code());
}

void an_expired_message_code_brings_a_new_one_once(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_error(ErrorKind::expired_code);
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_error(ErrorKind::expired_code);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "1111", "2222", "3333"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "sign_in, respond SMS_MFA, sign_in, respond SMS_MFA, respond SMS_MFA, verify");
  assert_text(world.person->notices[2], prompts::code_expired() + " " + prompts::new_code_sent());
  assert_text(world.person->notices[3], prompts::code_expired());
}

void unanswered_messages_stop(void**) {
  World world;
  for (int i = 0; i < 2; ++i) {
    world.pool.reply_challenge(ChallengeName::sms_mfa);
    assert_outcome(world.run().outcome, Outcome::conversation_broken);  // nobody types a code
    world.next_sign_in();
  }
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::tries_exhausted);
  assert_text(result.cause, "message-budget");
  assert_true(world.pool.calls.empty());
}

void policy_chooses_the_factor(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::select_mfa_type, {{"MFAS_CAN_CHOOSE", kOffered}});
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers.push_back("123456");
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.pool.calls[1].values["ANSWER"], "SOFTWARE_TOKEN_MFA");
}

void the_person_chooses_the_factor(void**) {
  World world;
  world.config->mfa.ask_method = true;
  world.pool.reply_challenge(ChallengeName::select_mfa_type, {{"MFAS_CAN_CHOOSE", kOffered}});
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "3", "2", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[2], prompts::not_in_list());
  assert_text(world.pool.calls[1].values["ANSWER"], "SMS_MFA");
}

void nothing_acceptable_is_refused_before_any_message(void**) {
  for (const char* offered :
       {R"(["SMS_MFA"])", "", "[]", "{}", "[1]", R"(["NEW_MFA"])", "[[[[[[[[[[1"}) {
    World world;
    world.config->mfa.methods = {Method::totp};
    world.pool.reply_challenge(ChallengeName::select_mfa_type, {{"MFAS_CAN_CHOOSE", offered}});
    assert_outcome(world.run().outcome, Outcome::not_permitted);
    assert_text(world.operations(), "sign_in");
  }
}

void a_factor_outside_methods_is_refused(void**) {
  World world;
  world.config->mfa.methods = {Method::totp};
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.person->answers.push_back("123456");
  assert_outcome(world.run().outcome, Outcome::not_permitted);
  assert_text(world.operations(), "sign_in");
}

void one_prompt_takes_password_and_code(void**) {
  World world;
  world.config->services["sshd"].single_prompt = true;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"pass+word+123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.pool.calls[0].password, "pass+word");
  assert_text(world.pool.calls[1].values["SOFTWARE_TOKEN_MFA_CODE"], "123456");
  assert_true(world.person->purposes[0] == Purpose::password_and_code);
  assert_int_equal(world.person->prompts.size(), 1);
}

void one_prompt_without_a_code_makes_no_call(void**) {
  for (const char* answer :
       {"password", "password+12345", "password+1234567", "+123456", "123456"}) {
    World world;
    world.config->services["sshd"].single_prompt = true;
    world.person->answers = {answer};
    assert_outcome(world.run().outcome, Outcome::refused);
    assert_true(world.pool.calls.empty());
  }
}

void one_prompt_has_one_try_and_totp_only(void**) {
  World world;
  world.config->services["sshd"].single_prompt = true;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::code_mismatch);
  world.person->answers = {"password+123456", "654321"};
  assert_outcome(world.run().outcome, Outcome::refused);
  assert_int_equal(world.person->prompts.size(), 1);

  World sms;
  sms.config->services["sshd"].single_prompt = true;
  sms.pool.reply_challenge(ChallengeName::sms_mfa);
  sms.person->answers = {"password+123456"};
  assert_outcome(sms.run().outcome, Outcome::not_permitted);
  assert_text(sms.operations(), "sign_in");
}

void endless_challenges_are_cut(void**) {
  World world;
  for (int i = 0; i < 50; ++i) {
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.person->answers.push_back("123456");
  }
  assert_outcome(world.run().outcome, Outcome::failed);
  assert_true(world.pool.calls.size() <= 21);
}

void a_flow_that_is_cancelled_at_a_prompt_leaves_nothing(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.person->before_answer = [&world] {
    world.person->never_answers = world.person->prompts.size() == 2;
  };
  sign_in::SignIn sign_in(world.services(), world.request(), world.person.get());
  assert_false(world.drive(sign_in.run()).has_value());

  // The user's turn is free again, and the right password cost no attempt.
  world.next_sign_in();
  world.pool.reply_error(ErrorKind::not_authorized);
  assert_outcome(world.run().outcome, Outcome::refused);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(password_then_totp),
      cmocka_unit_test(success_that_nobody_takes_is_revoked),
      cmocka_unit_test(sms_and_email),
      cmocka_unit_test(wrong_code_is_asked_for_again),
      cmocka_unit_test(a_caller_with_one_text_reads_the_notice_in_the_question),
      cmocka_unit_test(three_wrong_codes_end_it),
      cmocka_unit_test(what_is_no_code_is_never_sent),
      cmocka_unit_test(answer_equal_to_the_password_is_never_sent),
      cmocka_unit_test(decoys_are_never_sent),
      cmocka_unit_test(attackers_cannot_spend_the_users_attempts),
      cmocka_unit_test(what_was_not_sent_costs_no_attempt),
      cmocka_unit_test(a_pool_that_vanishes_after_the_password_is_not_unavailable),
      cmocka_unit_test(an_unknown_result_costs_an_attempt),
      cmocka_unit_test(totp_survives_an_expired_session),
      cmocka_unit_test(a_session_is_repeated_once_only),
      cmocka_unit_test(a_fresh_session_that_is_refused_is_final),
      cmocka_unit_test(a_user_whose_last_sign_in_was_not_kept_is_told),
      cmocka_unit_test(sms_after_an_expired_session_is_a_new_code),
      cmocka_unit_test(another_factor_after_the_repeat_drops_the_code),
      cmocka_unit_test(an_empty_answer_sends_the_message_again_once),
      cmocka_unit_test(an_expired_message_code_brings_a_new_one_once),
      cmocka_unit_test(unanswered_messages_stop),
      cmocka_unit_test(policy_chooses_the_factor),
      cmocka_unit_test(the_person_chooses_the_factor),
      cmocka_unit_test(nothing_acceptable_is_refused_before_any_message),
      cmocka_unit_test(a_factor_outside_methods_is_refused),
      cmocka_unit_test(one_prompt_takes_password_and_code),
      cmocka_unit_test(one_prompt_without_a_code_makes_no_call),
      cmocka_unit_test(one_prompt_has_one_try_and_totp_only),
      cmocka_unit_test(endless_challenges_are_cut),
      cmocka_unit_test(a_flow_that_is_cancelled_at_a_prompt_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
