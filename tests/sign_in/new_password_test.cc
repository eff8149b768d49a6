#include <string>
#include <utility>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using sign_in::SignInResult;

constexpr char kRequired[] = R"(["userAttributes.email","userAttributes.nickname"])";

void ask_for_new_password(World& world, cognito::StringMap parameters = {}) {
  world.pool.reply_challenge(ChallengeName::new_password_required, std::move(parameters));
}

void it_is_asked_for_twice_and_the_sign_in_goes_on(void**) {
  World world;
  ask_for_new_password(world);
  then_totp(world);
  world.person->answers = {"temporary", "new password", "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "sign_in, respond NEW_PASSWORD_REQUIRED, respond SOFTWARE_TOKEN_MFA, verify");
  assert_text(world.pool.calls[1].values["NEW_PASSWORD"], "new password");
  assert_true(world.person->purposes[1] == Purpose::new_password);
  assert_true(world.person->purposes[2] == Purpose::new_password_again);
  assert_false(world.person->echoes[1] || world.person->echoes[2]);
}

void it_is_no_second_factor(void**) {
  World world;
  ask_for_new_password(world);
  world.pool.reply_tokens();
  world.person->answers = {"temporary", "new password", "new password"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::not_permitted);
  assert_text(result.cause, "no-second-factor");
}

void what_is_refused_here_is_never_sent(void**) {
  World world;
  ask_for_new_password(world);
  then_totp(world);
  world.person->answers = {"temporary", "temporary", "with\ttab", "one", "another", "123456"};
  // The old one, a control character, two that differ: three tries.
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_text(world.operations(), "sign_in");
  assert_text(world.person->notices[2], prompts::password_is_the_old());
  assert_text(world.person->notices[3], prompts::not_a_password());
}

void the_policys_word_is_shown_and_another_one_taken(void**) {
  World world;
  ask_for_new_password(world);
  world.pool.reply_error(ErrorKind::invalid_password,
                         "Password did not conform with policy: Password not long enough");
  world.pool.reply_error(ErrorKind::password_history_policy_violation, "used\x1b[31m before");
  then_totp(world);
  world.person->answers = {"temporary",    "a",     "a", "b", "b", "new password",
                           "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[3], "Password not accepted: Password not long enough");
  assert_text(world.person->notices[5], "Password not accepted: used?[31m before");
}

void three_refused_ones_end_it(void**) {
  World world;
  ask_for_new_password(world);
  for (int i = 0; i < 3; ++i) world.pool.reply_error(ErrorKind::invalid_password);
  world.person->answers = {"temporary", "a", "a", "b", "b", "c", "c", "d", "d"};
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_int_equal(world.pool.calls.size(), 4);
}

void required_attributes_are_asked_for_by_name(void**) {
  World world;
  ask_for_new_password(world, {{"requiredAttributes", kRequired},
                               {"userAttributes", R"({"email":"alice@example.com"})"}});
  then_totp(world);
  world.person->answers = {"temporary", " ", "Al", "new password", "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[1], "nickname: ");
  assert_text(world.person->notices[2], prompts::value_needed());
  assert_text(world.pool.calls[1].values["userAttributes.nickname"], "Al");
  // One that has a value cannot be changed here.
  assert_false(world.pool.calls[1].values.contains("userAttributes.email"));
}

void a_value_that_the_pool_does_not_take_is_asked_for_again(void**) {
  World world;
  ask_for_new_password(world, {{"requiredAttributes", R"(["userAttributes.birthdate"])"}});
  world.pool.reply_error(ErrorKind::invalid_parameter, "Invalid birthdate");
  then_totp(world);
  world.person->answers = {"temporary",  "soon",         "new password", "new password",
                           "2000-01-31", "new password", "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[4], prompts::values_not_taken());
  assert_text(world.pool.calls[2].values["userAttributes.birthdate"], "2000-01-31");
  // Without such a value it is no fault of the person's.
  World other;
  ask_for_new_password(other);
  other.pool.reply_error(ErrorKind::invalid_parameter);
  other.person->answers = {"temporary", "new password", "new password"};
  assert_outcome(other.run().outcome, Outcome::failed);
}

void what_cognito_never_takes_is_not_sent(void**) {
  const std::string longest(256, 'x');
  std::string longest_in_utf8;
  for (int i = 0; i < 200; ++i) longest_in_utf8 += "\u00e9";
  for (const std::string& bad :
       {longest + "x", std::string(" blank"), std::string("blank "), std::string()}) {
    World world;
    ask_for_new_password(world);
    world.person->answers = {"temporary", bad, bad, bad};
    assert_outcome(world.run().outcome, Outcome::tries_exhausted);
    assert_text(world.operations(), "sign_in");
  }
  for (const std::string& good : {longest, longest_in_utf8}) {
    World world;
    ask_for_new_password(world);
    then_totp(world);
    world.person->answers = {"temporary", good, good, "123456"};
    assert_outcome(world.run().outcome, Outcome::success);
  }
}

void the_password_is_no_attribute(void**) {
  World world;
  ask_for_new_password(world, {{"requiredAttributes", R"(["userAttributes.nickname"])"}});
  world.person->answers = {"temporary", "temporary", "temporary", "temporary"};
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_text(world.operations(), "sign_in");
}

void malformed_requirements_end_it(void**) {
  for (const char* text : {"{}", "[1]", "nothing", "[[[[[[[[[[[["}) {
    World world;
    ask_for_new_password(world, {{"requiredAttributes", text}});
    world.person->answers = {"temporary", "new password", "new password"};
    assert_outcome(world.run().outcome, Outcome::failed);
    assert_text(world.operations(), "sign_in");
  }
}

void the_new_password_is_no_code_either(void**) {
  World world;
  ask_for_new_password(world);
  then_totp(world);
  world.person->answers = {"temporary", "654321", "654321", "654321"};
  assert_outcome(world.run().outcome, Outcome::conversation_broken);
}

void a_caller_with_one_prompt_is_sent_elsewhere(void**) {
  World world;
  world.config->services["sshd"].single_prompt = true;
  ask_for_new_password(world);
  world.person->answers = {"temporary+123456", "new password", "new password"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::failed);
  assert_text(result.notice.text, prompts::needs_other_step());
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(it_is_asked_for_twice_and_the_sign_in_goes_on),
      cmocka_unit_test(it_is_no_second_factor),
      cmocka_unit_test(what_is_refused_here_is_never_sent),
      cmocka_unit_test(the_policys_word_is_shown_and_another_one_taken),
      cmocka_unit_test(three_refused_ones_end_it),
      cmocka_unit_test(required_attributes_are_asked_for_by_name),
      cmocka_unit_test(a_value_that_the_pool_does_not_take_is_asked_for_again),
      cmocka_unit_test(what_cognito_never_takes_is_not_sent),
      cmocka_unit_test(the_password_is_no_attribute),
      cmocka_unit_test(malformed_requirements_end_it),
      cmocka_unit_test(the_new_password_is_no_code_either),
      cmocka_unit_test(a_caller_with_one_prompt_is_sent_elsewhere),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
