#include <cstddef>
#include <string>
#include <vector>

#include "daemon/prompts/texts.h"
#include "daemon/sign_in/code.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// At a code prompt, the letter o asks for another factor of the account. Cognito lets the user
// choose in a new sign-in only, and only if the account prefers none.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using sign_in::CodeForm;
using sign_in::SignInResult;

constexpr char kTwo[] = R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])";
constexpr char kThree[] = R"(["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"])";
constexpr char kAppPrompt[] = "Code from your authenticator app: ";
constexpr char kAppPromptWithOther[] = "Code from your authenticator app (o = other method): ";

// The pool's answers to a password and to the choice that it leaves open.
void reply_choice(World& world, const char* offered, ChallengeName chosen) {
  world.pool.reply_challenge(ChallengeName::select_mfa_type, {{"MFAS_CAN_CHOOSE", offered}});
  world.pool.reply_challenge(chosen);
}

std::vector<std::string> chosen(const World& world) {
  std::vector<std::string> answers;
  for (const PoolCall& call : world.pool.calls)
    if (call.operation == "respond SELECT_MFA_TYPE") answers.push_back(call.values.at("ANSWER"));
  return answers;
}

void the_letter_is_no_code(void**) {
  for (const char* typed : {"o", "O", " o "}) {
    assert_true(prompts::is_other_method(typed));
    assert_false(sign_in::code_in(typed, CodeForm::totp).has_value());
    assert_false(sign_in::code_in(typed, CodeForm::message).has_value());
  }
  for (const char* typed : {"", "0", "oo", "o1", "other", "123456", "\xd0\xbe"})
    assert_false(prompts::is_other_method(typed));
}

void the_other_one_of_two_is_asked_for_at_once(void**) {
  World world;
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  reply_choice(world, kTwo, ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", " O ", "654321"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::sms);
  assert_text(world.operations(),
              "sign_in, respond SELECT_MFA_TYPE, sign_in, respond SELECT_MFA_TYPE, respond "
              "SMS_MFA, verify");
  assert_true(chosen(world) == std::vector<std::string>({"SOFTWARE_TOKEN_MFA", "SMS_MFA"}));
  assert_text(world.person->prompts[1], kAppPromptWithOther);
  assert_text(world.person->prompts[2],
              "Code sent by SMS (Enter = send again, o = other method): ");
}

void one_of_several_others_is_chosen(void**) {
  World world;
  reply_choice(world, kThree, ChallengeName::software_token_mfa);
  reply_choice(world, kThree, ChallengeName::email_otp);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "o", "1", "654321"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::email);
  // Without the one that the user has not at hand.
  assert_text(world.person->prompts[2],
              "Choose how to get your code:\n 1  e-mail\n 2  SMS\nEnter a number [1]: ");
  assert_true(chosen(world) == std::vector<std::string>({"SOFTWARE_TOKEN_MFA", "EMAIL_OTP"}));
}

// A factor outside `methods` is neither counted as another one nor asked for.
void only_accepted_factors_are_offered(void**) {
  World world;
  world.config->mfa.methods = {Method::totp, Method::email};
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "o", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[1], kAppPrompt);
  assert_text(world.person->notices[2], prompts::not_a_totp_code());
  assert_text(world.operations(),
              "sign_in, respond SELECT_MFA_TYPE, respond SOFTWARE_TOKEN_MFA, verify");

  World three;
  three.config->mfa.methods = {Method::totp, Method::email};
  reply_choice(three, kThree, ChallengeName::software_token_mfa);
  reply_choice(three, kThree, ChallengeName::email_otp);
  three.pool.reply_tokens();
  three.person->answers = {"right password", "o", "654321"};
  assert_true(three.run().factor == Method::email);
}

// The account prefers a factor, or has one only: Cognito cannot be asked for another one.
void without_a_choice_of_the_pool_there_is_no_other(void**) {
  World world;
  then_totp(world);
  world.person->answers = {"right password", "o", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[1], kAppPrompt);
  assert_text(world.operations(), "sign_in, respond SOFTWARE_TOKEN_MFA, verify");
}

void one_prompt_has_no_other(void**) {
  World world;
  world.config->services["sshd"].single_prompt = true;
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password+123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.person->prompts.size(), 1);
}

// The password step may cause a message, so it is offered only while the budget has room.
void no_other_is_offered_beyond_the_message_budget(void**) {
  World world;
  for (unsigned i = 0; i < world.config->limits.messages_unanswered; ++i)
    world.messages.caused("alice", world.clock.boot_time());
  world.messages.answered("alice");
  reply_choice(world, kTwo, ChallengeName::sms_mfa);
  world.config->mfa.ask_method = true;
  world.messages.caused("alice", world.clock.boot_time());
  // The second message in a row that nobody answers.
  world.person->answers = {"right password", "2", "o", "o", "o"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::tries_exhausted);
  assert_text(result.cause, "wrong-code");
  assert_text(world.person->prompts[2], "Code sent by SMS: ");
  assert_text(world.operations(), "sign_in, respond SELECT_MFA_TYPE");
}

void a_message_of_the_other_one_counts(void**) {
  World world;
  world.config->limits.messages_unanswered = 1;
  world.messages.set_limits(world.config->limits);
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  reply_choice(world, kTwo, ChallengeName::sms_mfa);
  world.person->answers = {"right password", "o", "o"};
  (void)world.run();
  assert_false(world.messages.has_room("alice", world.clock.boot_time()));
  assert_text(world.person->prompts[2], "Code sent by SMS: ");
  assert_int_equal(world.calls_of("sign_in"), 2);
}

// Wrong codes take from one budget, of whichever factor they are.
void changes_give_no_more_attempts(void**) {
  World world;
  std::size_t wrong = 0;
  for (int change = 0; change < 4; ++change) {
    reply_choice(world, kTwo,
                 change % 2 == 0 ? ChallengeName::software_token_mfa : ChallengeName::sms_mfa);
    for (int i = 0; i < 2; ++i) world.pool.reply_error(ErrorKind::code_mismatch);
  }
  world.person->answers = {"right password", "111111", "222222", "o",      "333333", "444444", "o",
                           "555555",         "666666", "o",      "777777", "888888"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::tries_exhausted);
  for (const PoolCall& call : world.pool.calls)
    if (call.operation == "respond SMS_MFA" || call.operation == "respond SOFTWARE_TOKEN_MFA")
      ++wrong;
  assert_int_equal(wrong, world.config->limits.failures_unknown_origin);
  assert_int_equal(world.pool.issued, 0);
}

void no_attempt_left_is_no_other(void**) {
  World world;
  world.config->limits.failures_unknown_origin = 1;
  world.failures.set_limits(world.config->limits);
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::code_mismatch);
  world.person->answers = {"right password", "111111", "o"};
  (void)world.run();
  assert_text(world.person->prompts[1], kAppPromptWithOther);
  assert_text(world.person->prompts[2], kAppPrompt);
  assert_int_equal(world.calls_of("sign_in"), 1);
}

void a_user_changes_three_times_at_most(void**) {
  World world;
  world.config->mfa.methods = {Method::totp, Method::custom, Method::email};
  world.config->limits.messages_unanswered = 10;
  world.config->limits.messages = 10;
  world.messages.set_limits(world.config->limits);
  for (int i = 0; i < 10; ++i)
    reply_choice(world, kThree,
                 i % 2 == 0 ? ChallengeName::software_token_mfa : ChallengeName::email_otp);
  world.person->answers = {"right password", "o", "o", "o", "o", "o", "o"};
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_int_equal(world.calls_of("sign_in"), 4);
  assert_text(world.person->prompts.back(), "Code sent by e-mail (Enter = send again): ");
}

// The choice is not made again by policy's order.
void enter_sends_a_message_of_the_same_factor(void**) {
  World world;
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  reply_choice(world, kTwo, ChallengeName::sms_mfa);
  reply_choice(world, kTwo, ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "o", "", "654321"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::sms);
  assert_true(chosen(world) ==
              std::vector<std::string>({"SOFTWARE_TOKEN_MFA", "SMS_MFA", "SMS_MFA"}));
}

// The account changed meanwhile: the pool's answer counts, not the wish.
void a_factor_that_is_gone_is_not_insisted_on(void**) {
  World world;
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "o", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(world.person->prompts[2], kAppPrompt);

  World other;
  reply_choice(other, kTwo, ChallengeName::software_token_mfa);
  reply_choice(other, R"(["SOFTWARE_TOKEN_MFA"])", ChallengeName::software_token_mfa);
  other.pool.reply_tokens();
  other.person->answers = {"right password", "o", "123456"};
  assert_outcome(other.run().outcome, Outcome::success);
}

// A pool that answers the choice with another factor than was asked for.
void a_factor_outside_methods_is_refused_after_a_change(void**) {
  World world;
  world.config->mfa.methods = {Method::totp, Method::email};
  reply_choice(world, kThree, ChallengeName::software_token_mfa);
  reply_choice(world, kThree, ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "o", "654321"};
  assert_outcome(world.run().outcome, Outcome::not_permitted);
  assert_int_equal(world.pool.issued, 0);
}

// The password is proved anew: a user who was disabled meanwhile is refused, and a pool that has
// gone away is no reason for a local password.
void the_new_sign_in_may_be_refused(void**) {
  for (const ErrorKind kind :
       {ErrorKind::user_disabled, ErrorKind::not_authorized, ErrorKind::unreachable}) {
    World world;
    reply_choice(world, kTwo, ChallengeName::software_token_mfa);
    world.pool.reply_error(kind, {}, false);
    world.person->answers = {"right password", "o", "654321"};
    const SignInResult result = world.run();
    assert_true(result.outcome != Outcome::success && result.outcome != Outcome::unavailable);
    assert_int_equal(world.calls_of("sign_in"), 2);
  }
}

void a_change_of_factors_can_begin_with_the_other_one(void**) {
  World world;
  world.goal = sign_in::Goal::change_factors;
  world.change = sign_in::PreferredMfa::sms;
  world.place.kind = sign_in::CallerPlace::Kind::seat;
  world.caller_is_root = false;
  reply_choice(world, kTwo, ChallengeName::software_token_mfa);
  reply_choice(world, kTwo, ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.pool.user.enabled_factors = {"SMS_MFA", "SOFTWARE_TOKEN_MFA"};
  world.person->answers = {"right password", "o", "654321"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.calls_of("set_preference"), 1);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_letter_is_no_code),
      cmocka_unit_test(the_other_one_of_two_is_asked_for_at_once),
      cmocka_unit_test(one_of_several_others_is_chosen),
      cmocka_unit_test(only_accepted_factors_are_offered),
      cmocka_unit_test(without_a_choice_of_the_pool_there_is_no_other),
      cmocka_unit_test(one_prompt_has_no_other),
      cmocka_unit_test(no_other_is_offered_beyond_the_message_budget),
      cmocka_unit_test(a_message_of_the_other_one_counts),
      cmocka_unit_test(changes_give_no_more_attempts),
      cmocka_unit_test(no_attempt_left_is_no_other),
      cmocka_unit_test(a_user_changes_three_times_at_most),
      cmocka_unit_test(enter_sends_a_message_of_the_same_factor),
      cmocka_unit_test(a_factor_that_is_gone_is_not_insisted_on),
      cmocka_unit_test(a_factor_outside_methods_is_refused_after_a_change),
      cmocka_unit_test(the_new_sign_in_may_be_refused),
      cmocka_unit_test(a_change_of_factors_can_begin_with_the_other_one),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
