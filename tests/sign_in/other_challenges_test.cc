#include <string>
#include <string_view>

#include "daemon/prompts/texts.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scripted.h"

// Challenges that a terminal cannot answer, or that this version does not know, end with a
// message that explains it, at each step. If the pool offers another challenge beside them, that is
// taken.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::Method;
using sign_in::SignInResult;

void reply_other(World& world, const char* wire_name) {
  world.pool.reply_challenge(ChallengeName::other);
  world.pool.replies.back()->challenge->wire_name = wire_name;
}

struct Row {
  const char* wire_name;
  bool other_way;  // a first factor that a terminal has not: the admin must offer another
};

constexpr Row kRows[] = {
    {"WEB_AUTHN", true},
    {"SELECT_CHALLENGE", true},
    {"DEVICE_SRP_AUTH", false},
    {"DEVICE_PASSWORD_VERIFIER", false},
    {"ADMIN_NO_SRP_AUTH", false},
    {"PASSWORD", false},
    {"PASSWORD_SRP", false},
    {"PASSWORD_VERIFIER", false},
    {"A_NEW_CHALLENGE", false},
    {"", false},
    {"NEW\x1b[2J_CHALLENGE", false},
};

void it_ends_with_a_word(void** state) {
  const auto& row = row_of<Row>(state);
  for (const bool after_the_code : {false, true}) {
    World world;
    if (after_the_code) world.pool.reply_challenge(ChallengeName::software_token_mfa);
    reply_other(world, row.wire_name);
    world.pool.reply_tokens();
    world.person->answers = {"right password", "123456", "123456"};
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::failed);
    assert_text(result.cause, "challenge-not-supported");
    assert_text(result.detail, row.wire_name);
    assert_text(result.notice.text,
                row.other_way ? prompts::needs_other_way() : prompts::needs_other_step());
    assert_int_equal(world.pool.issued, 0);
    assert_int_equal(world.pool.calls.size(), after_the_code ? 2 : 1);
  }
}

void one_prompt_ends_with_the_same_word(void** state) {
  const auto& row = row_of<Row>(state);
  World world;
  world.config->services["sshd"].single_prompt = true;
  reply_other(world, row.wire_name);
  world.person->answers = {"right password+123456"};
  assert_text(world.run().cause, "challenge-not-supported");
}

void select_mfa_type(World& world, const char* offered) {
  world.pool.reply_challenge(ChallengeName::select_mfa_type, {{"MFAS_CAN_CHOOSE", offered}});
}

void web_authn_beside_totp_totp_is_taken(void**) {
  for (const bool ask_method : {false, true}) {
    World world;
    world.config->mfa.ask_method = ask_method;
    select_mfa_type(world, R"(["WEB_AUTHN","SOFTWARE_TOKEN_MFA"])");
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.pool.reply_tokens();
    world.person->answers = {"right password", "123456"};  // one is left: nothing to choose
    assert_true(world.run().factor == Method::totp);
    assert_text(world.pool.calls[1].values.at("ANSWER"), "SOFTWARE_TOKEN_MFA");
  }
}

void web_authn_alone_is_refused_before_any_message(void**) {
  World world;
  select_mfa_type(world, R"(["WEB_AUTHN"])");
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::not_permitted);
  assert_text(result.cause, "factor-not-accepted");
  assert_text(world.operations(), "sign_in");
}

void the_answer_of_another_choice_is_not_taken_for_the_factor(void**) {
  // TOTP was chosen, and the pool asks by SMS, which policy does not accept.
  World world;
  world.config->mfa.methods = {Method::totp};
  select_mfa_type(world, R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])");
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  assert_outcome(world.run().outcome, Outcome::not_permitted);
  assert_int_equal(world.pool.issued, 0);
}

void choosing_in_a_circle_is_cut(void**) {
  World world;
  for (int i = 0; i < 50; ++i) select_mfa_type(world, R"(["SOFTWARE_TOKEN_MFA"])");
  assert_outcome(world.run().outcome, Outcome::failed);
  assert_int_equal(world.pool.calls.size(), 21);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  for (const Row& row : kRows) {
    const std::string name = row.wire_name[0] == '\0' ? "a challenge without a name"
                             : std::string_view(row.wire_name).contains('\x1b')
                                 ? "a challenge with control characters in its name"
                                 : row.wire_name;
    tests.add(name + " ends with a word", it_ends_with_a_word, row);
    tests.add(name + " ends with a word, one prompt", one_prompt_ends_with_the_same_word, row);
  }
  tests.add({
      cmocka_unit_test(web_authn_beside_totp_totp_is_taken),
      cmocka_unit_test(web_authn_alone_is_refused_before_any_message),
      cmocka_unit_test(the_answer_of_another_choice_is_not_taken_for_the_factor),
      cmocka_unit_test(choosing_in_a_circle_is_cut),
  });
  return tests.run("other_challenges");
}
