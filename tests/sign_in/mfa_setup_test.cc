#include <string>
#include <string_view>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// MFA_SETUP: what the pool offers to set up, and what policy takes of it. TOTP's own steps are in
// totp_enrolment_test.cc.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using sign_in::SignInResult;

void demand(World& world, const char* offered) {
  world.pool.reply_challenge(ChallengeName::mfa_setup, {{"MFAS_CAN_SETUP", offered}});
}

void then_email_code(World& world) {
  world.pool.reply_challenge(ChallengeName::email_otp,
                             {{"CODE_DELIVERY_DESTINATION", "a***@e***"}});
  world.pool.reply_tokens();
}

void expect_closed(World& world, Outcome outcome, std::string_view cause, std::string_view text) {
  const SignInResult result = world.run();
  assert_outcome(result.outcome, outcome);
  assert_text(result.cause, cause);
  assert_text(result.notice.text, text);
  assert_null(result.accepted.get());
}

void mfa_setup_with_totp(void**) {
  World world;
  demand(world, R"(["SOFTWARE_TOKEN_MFA"])");
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::totp);
}

void mfa_setup_without_a_list_is_totp(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::mfa_setup);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.pool.calls[1].operation, "associate");
}

void mfa_setup_with_email(void**) {
  World world;
  demand(world, R"(["EMAIL_OTP"])");
  then_email_code(world);
  world.person->answers = {"right password", " alice@example.com ", "12345678"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::email);
  assert_text(world.operations(), "sign_in, respond MFA_SETUP, respond EMAIL_OTP, verify");
  assert_text(world.pool.calls[1].values.at("EMAIL"), "alice@example.com");
  assert_text(world.person->prompts[1], prompts::setup_email());
  assert_true(world.person->echoes[1]);
}

void an_address_without_its_code_is_no_factor(void**) {
  World world;
  demand(world, R"(["EMAIL_OTP"])");
  world.pool.reply_tokens();  // the pool takes the address's word
  world.person->answers = {"right password", "alice@example.com"};
  expect_closed(world, Outcome::not_permitted, "no-second-factor", prompts::second_factor_needed());
  assert_int_equal(world.revoked.size(), 1);
}

void mfa_setup_with_both_policy_chooses(void**) {
  for (const char* offered :
       {R"(["SOFTWARE_TOKEN_MFA","EMAIL_OTP"])", R"(["EMAIL_OTP","SOFTWARE_TOKEN_MFA"])"}) {
    World world;
    demand(world, offered);
    world.pool.reply_tokens();
    world.person->answers = {"right password", "123456"};
    assert_true(world.run().factor == Method::totp);

    World email_first;
    email_first.config->mfa.methods = {Method::sms, Method::email, Method::totp};
    demand(email_first, offered);
    then_email_code(email_first);
    email_first.person->answers = {"right password", "alice@example.com", "12345678"};
    assert_true(email_first.run().factor == Method::email);
  }
}

void mfa_setup_with_both_the_person_chooses(void**) {
  World world;
  world.config->mfa.ask_method = true;
  demand(world, R"(["SOFTWARE_TOKEN_MFA","SMS_MFA","EMAIL_OTP"])");
  then_email_code(world);
  world.person->answers = {"right password", "3", "2", "alice@example.com", "12345678"};
  assert_true(world.run().factor == Method::email);
  assert_text(world.person->prompts[1], prompts::setup_choice({Method::totp, Method::email}));
  assert_true(world.person->purposes[1] == Purpose::choice);
  assert_text(world.person->notices[2], prompts::not_in_list());
}

void only_one_to_set_up_is_no_choice(void**) {
  World world;
  world.config->mfa.ask_method = true;
  demand(world, R"(["SOFTWARE_TOKEN_MFA","SMS_MFA"])");
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
}

void three_wrong_choices_end_it(void**) {
  World world;
  world.config->mfa.ask_method = true;
  demand(world, R"(["SOFTWARE_TOKEN_MFA","EMAIL_OTP"])");
  world.person->answers = {"right password", "0", "3", "x", "1"};
  expect_closed(world, Outcome::tries_exhausted, "no-choice", prompts::too_many_answers());
  assert_text(world.operations(), "sign_in");
}

void mfa_setup_with_sms_only_ends_with_a_word(void**) {
  World world;
  demand(world, R"(["SMS_MFA"])");
  expect_closed(world, Outcome::not_permitted, "no-set-up-offered", prompts::cannot_set_up());
  assert_text(world.operations(), "sign_in");
}

void mfa_setup_with_unknown_names_ends_with_a_word(void**) {
  for (const char* offered : {R"(["NEW_MFA"])", "[]", "{}", "", "[1]", "NOT JSON",
                              R"("SOFTWARE_TOKEN_MFA")", "[[[[[[[[[[1"}) {
    World world;
    demand(world, offered);
    world.person->answers = {"right password", "123456"};
    expect_closed(world, Outcome::not_permitted, "no-set-up-offered", prompts::cannot_set_up());
    assert_text(world.operations(), "sign_in");
  }
}

void an_unknown_name_beside_a_known_one_is_passed_over(void**) {
  World world;
  demand(world, R"(["NEW_MFA","SOFTWARE_TOKEN_MFA"])");
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
}

void what_is_offered_outside_methods_is_not_set_up(void**) {
  World world;
  world.config->mfa.methods = {Method::email};
  demand(world, R"(["SOFTWARE_TOKEN_MFA"])");
  expect_closed(world, Outcome::not_permitted, "no-set-up-offered", prompts::cannot_set_up());
}

void enrol_no_refuses_mfa_setup(void**) {
  World world;
  world.config->mfa.enroll = policy::Enroll::never;
  demand(world, R"(["SOFTWARE_TOKEN_MFA","EMAIL_OTP"])");
  expect_closed(world, Outcome::not_permitted, "set-up-not-allowed", prompts::cannot_set_up());
  assert_text(world.operations(), "sign_in");
}

void enrol_pool_local_and_yes_take_mfa_setup_remotely(void**) {
  for (const policy::Enroll enroll :
       {policy::Enroll::when_required, policy::Enroll::at_console, policy::Enroll::anywhere}) {
    World world;
    world.config->mfa.enroll = enroll;
    demand(world, R"(["SOFTWARE_TOKEN_MFA"])");
    world.pool.reply_tokens();
    world.person->answers = {"right password", "123456"};
    assert_outcome(world.run().outcome, Outcome::success);
  }
}

void a_caller_with_one_prompt_is_sent_elsewhere(void**) {
  World world;
  world.config->services["sshd"].single_prompt = true;
  demand(world, R"(["SOFTWARE_TOKEN_MFA"])");
  world.person->answers = {"right password+123456", "123456"};
  expect_closed(world, Outcome::failed, "challenge-not-supported", prompts::needs_other_step());
}

void what_is_no_address_is_never_sent(void**) {
  for (const char* typed :
       {"", "alice", "alice@", "@example.com", "a@b@example.com", "a lice@example.com",
        "ali\tce@example.com", "alice@ex\xff", "123456"}) {
    World world;
    demand(world, R"(["EMAIL_OTP"])");
    world.person->answers = {"right password", typed, typed, typed, "alice@example.com"};
    expect_closed(world, Outcome::tries_exhausted, "email-address", prompts::too_many_answers());
    assert_text(world.operations(), "sign_in");
    assert_text(world.person->notices[2], prompts::not_an_email_address());
  }
}

void an_address_that_the_pool_refuses_is_asked_for_again(void**) {
  World world;
  demand(world, R"(["EMAIL_OTP"])");
  world.pool.reply_error(ErrorKind::invalid_parameter, "Invalid email address format.");
  then_email_code(world);
  world.person->answers = {"right password", "a@b", "alice@example.com", "12345678"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[2], prompts::not_an_email_address());
}

void an_address_of_another_user_ends_it(void**) {
  World world;
  demand(world, R"(["EMAIL_OTP"])");
  world.pool.reply_error(ErrorKind::alias_exists);
  world.person->answers = {"right password", "bob@example.com", "alice@example.com"};
  expect_closed(world, Outcome::failed, "alias-exists", prompts::needs_other_step());
}

void each_address_counts_as_a_message(void**) {
  World world;
  demand(world, R"(["EMAIL_OTP"])");
  world.pool.reply_error(ErrorKind::invalid_parameter);
  world.pool.reply_error(ErrorKind::invalid_parameter);
  world.person->answers = {"right password", "a@b", "a@c", "a@d"};
  // Two that nobody answered: no third one.
  expect_closed(world, Outcome::tries_exhausted, "message-budget", prompts::too_many_messages());
  assert_text(world.operations(), "sign_in, respond MFA_SETUP, respond MFA_SETUP");
}

void an_answered_code_frees_the_messages(void**) {
  World world;
  for (int i = 0; i < 4; ++i) {
    demand(world, R"(["EMAIL_OTP"])");
    then_email_code(world);
    world.person->answers = {"right password", "alice@example.com", "12345678"};
    assert_outcome(world.run().outcome, Outcome::success);
    world.next_sign_in();
  }
}

// A caller that repeats itself answers each prompt with the password, and it may look like an
// address.
void the_password_is_no_address(void**) {
  World world;
  demand(world, R"(["EMAIL_OTP"])");
  then_email_code(world);
  world.person->answers = {"p@ssword", "p@ssword", "p@ssword", "p@ssword"};
  expect_closed(world, Outcome::tries_exhausted, "email-address", prompts::too_many_answers());
  assert_text(world.operations(), "sign_in");
}

void a_set_up_that_leads_to_another_challenge_goes_on(void**) {
  World world;
  demand(world, R"(["SOFTWARE_TOKEN_MFA"])");
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456", "654321"};
  assert_outcome(world.run().outcome, Outcome::success);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(mfa_setup_with_totp),
      cmocka_unit_test(mfa_setup_without_a_list_is_totp),
      cmocka_unit_test(mfa_setup_with_email),
      cmocka_unit_test(an_address_without_its_code_is_no_factor),
      cmocka_unit_test(mfa_setup_with_both_policy_chooses),
      cmocka_unit_test(mfa_setup_with_both_the_person_chooses),
      cmocka_unit_test(only_one_to_set_up_is_no_choice),
      cmocka_unit_test(three_wrong_choices_end_it),
      cmocka_unit_test(mfa_setup_with_sms_only_ends_with_a_word),
      cmocka_unit_test(mfa_setup_with_unknown_names_ends_with_a_word),
      cmocka_unit_test(an_unknown_name_beside_a_known_one_is_passed_over),
      cmocka_unit_test(what_is_offered_outside_methods_is_not_set_up),
      cmocka_unit_test(enrol_no_refuses_mfa_setup),
      cmocka_unit_test(enrol_pool_local_and_yes_take_mfa_setup_remotely),
      cmocka_unit_test(a_caller_with_one_prompt_is_sent_elsewhere),
      cmocka_unit_test(what_is_no_address_is_never_sent),
      cmocka_unit_test(an_address_that_the_pool_refuses_is_asked_for_again),
      cmocka_unit_test(an_address_of_another_user_ends_it),
      cmocka_unit_test(each_address_counts_as_a_message),
      cmocka_unit_test(an_answered_code_frees_the_messages),
      cmocka_unit_test(the_password_is_no_address),
      cmocka_unit_test(a_set_up_that_leads_to_another_challenge_goes_on),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
