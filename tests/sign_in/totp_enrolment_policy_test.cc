#include <string>
#include <tuple>
#include <vector>

#include "daemon/prompts/texts.h"
#include "tests/sign_in/enrolling.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scripted.h"

// When a user may set up TOTP in a sign-in without the pool's demand, and the preference that is
// set after each set-up. totp_enrolment_test.cc tests the set-up itself.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using policy::Enroll;
using sign_in::SignInResult;

void tokens_without_a_factor_enrol_totp_by_access_token(void**) {
  World world;
  by_access_token(world, {"123456"});
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.factor == Method::totp);
  assert_text(world.operations(),
              "sign_in, verify, get_user, associate, verify_totp, get_user, set_preference");
  assert_text(world.call("associate").values.at("access_token"), "access");
  assert_text(world.call("associate").values.at("session"), "");
  assert_text(world.call("verify_totp").values.at("access_token"), "access");
}

// Cases of a set-up without the pool's demand: enroll × the user's place × one prompt.
struct Place {
  const char* row;
  Enroll enroll;
  const char* service;
  bool remote;
  bool single_prompt;
  bool enrols;
};

constexpr Place kPlaces[] = {
    {"enroll = never, on a console: no", Enroll::never, "login", false, false, false},
    {"enroll = never, remotely: no", Enroll::never, "sshd", true, false, false},
    {"enroll = when-required, on a console: no", Enroll::when_required, "login", false, false,
     false},
    {"enroll = when-required, remotely: no", Enroll::when_required, "sshd", true, false, false},
    {"enroll = at-console, on a console: yes", Enroll::at_console, "login", false, false, true},
    {"enroll = at-console, on a greeter: yes", Enroll::at_console, "lightdm", false, false, true},
    {"enroll = at-console, on a console with a remote host (telnet, XDMCP): no", Enroll::at_console,
     "login", true, false, false},
    {"enroll = at-console, remotely: no", Enroll::at_console, "sshd", true, false, false},
    {"enroll = at-console, by sudo, whose person may be anywhere: no", Enroll::at_console, "sudo",
     false, false, false},
    {"enroll = at-console, by an unknown service: no", Enroll::at_console, "unknown", false, false,
     false},
    {"enroll = at-console, one prompt: no", Enroll::at_console, "login", false, true, false},
    {"enroll = anywhere, on a console: yes", Enroll::anywhere, "login", false, false, true},
    {"enroll = anywhere, remotely: yes", Enroll::anywhere, "sshd", true, false, true},
    {"enroll = anywhere, one prompt: no", Enroll::anywhere, "sshd", true, true, false},
};

void enrolment_by_policy(void** state) {
  const auto& place = row_of<Place>(state);
  World world;
  by_access_token(world, {"123456"});
  world.config->mfa.enroll = place.enroll;
  world.service = place.service;
  world.origin = place.remote ? limits::Origin::of_host("192.0.2.7") : limits::Origin::local();
  if (place.single_prompt) {
    world.config->services[place.service].single_prompt = true;
    world.person->answers = {"right password+123456", "123456"};
  }
  const SignInResult result = world.run();
  assert_outcome(result.outcome, place.enrols ? Outcome::success : Outcome::not_permitted);
  assert_int_equal(world.calls_of("associate"), place.enrols ? 1 : 0);
  if (!place.enrols) {
    assert_text(result.cause, "no-second-factor");
    assert_text(result.notice.text, prompts::second_factor_needed());
    assert_int_equal(world.revoked.size(), 1);
  }
}

void enrolment_by_policy_needs_totp_among_methods(void**) {
  World world;
  by_access_token(world, {"123456"});
  world.config->mfa.methods = {Method::sms};
  expect_closed(world, Outcome::not_permitted, "no-second-factor");
  assert_text(world.operations(), "sign_in, verify");
}

void nobody_enrols_who_may_not_sign_in(void**) {
  World world;
  by_access_token(world, {"123456"});
  world.pool.verified->groups = {"others"};
  expect_closed(world, Outcome::not_permitted, "access");
  assert_text(world.operations(), "sign_in, verify");

  World alias;
  by_access_token(alias, {"123456"});
  alias.pool.verified->username = "mallory";
  expect_closed(alias, Outcome::not_permitted, "identity");
  assert_text(alias.operations(), "sign_in, verify");
}

void an_authenticator_that_is_there_is_never_replaced(void**) {
  World world;
  by_access_token(world, {"123456"});
  world.pool.user.enabled_factors = {"SOFTWARE_TOKEN_MFA"};
  expect_closed(world, Outcome::not_permitted, "no-second-factor");
  assert_text(world.operations(), "sign_in, verify, get_user");
}

// The pool judged the risk low. An attacker who has the password must not enrol a second factor.
void a_factor_that_was_not_asked_for_is_not_replaced_by_a_new_one(void**) {
  for (const char* factor : {"SMS_MFA", "EMAIL_OTP", "A_NEW_FACTOR"}) {
    World world;
    by_access_token(world, {"123456"});
    world.pool.user.enabled_factors = {factor};
    expect_closed(world, Outcome::not_permitted, "no-second-factor");
    assert_text(world.operations(), "sign_in, verify, get_user");
  }
}

void an_access_token_that_is_over_is_final(void**) {
  World world;
  by_access_token(world, {"111111", "222222"});
  world.pool.fail("verify_totp", ErrorKind::not_authorized, kChallengeSessionExpired);
  expect_closed(world, Outcome::refused, "not-authorized");
  assert_int_equal(world.revoked.size(), 1);
}

void the_preference_names_only_what_changes(void**) {
  World world;
  by_session(world, {"123456"});
  world.pool.user.enabled_factors = {"SOFTWARE_TOKEN_MFA"};
  assert_outcome(world.run().outcome, Outcome::success);
  const PoolCall& call = world.call("set_preference");
  assert_text(call.values.at("access_token"), "access");
  assert_text(call.values.at("totp"), "enabled, preferred");
  assert_text(call.values.at("sms"), "");
  assert_text(call.values.at("email"), "");
}

void a_preferred_factor_stays_enabled_and_loses_its_preference(void**) {
  for (const auto& [wire_name, changed, unchanged] :
       {std::tuple{"SMS_MFA", "sms", "email"}, std::tuple{"EMAIL_OTP", "email", "sms"}}) {
    World world;
    by_session(world, {"123456"});
    world.pool.user.enabled_factors = {"SMS_MFA", "EMAIL_OTP"};
    world.pool.user.preferred_factor = wire_name;
    assert_outcome(world.run().outcome, Outcome::success);
    const PoolCall& call = world.call("set_preference");
    assert_text(call.values.at("totp"), "enabled, preferred");
    assert_text(call.values.at(changed), "enabled");
    assert_text(call.values.at(unchanged), "");
  }
}

void a_preference_that_stands_already_is_not_set(void**) {
  World world;
  by_session(world, {"123456"});
  world.pool.user.enabled_factors = {"SOFTWARE_TOKEN_MFA"};
  world.pool.user.preferred_factor = "SOFTWARE_TOKEN_MFA";
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.calls_of("set_preference"), 0);
}

void a_preference_that_fails_lets_nobody_in(void**) {
  for (const char* operation : {"get_user", "set_preference"}) {
    World world;
    by_session(world, {"123456"});
    world.pool.fail(operation, ErrorKind::invalid_parameter, "raw text");
    expect_closed(world, Outcome::failed, "invalid-parameter");
    assert_int_equal(world.revoked.size(), 1);

    // The next sign-in comes out right: the pool asks for what was set up.
    world.next_sign_in();
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.pool.reply_tokens();
    world.person->answers.push_back("654321");
    assert_outcome(world.run().outcome, Outcome::success);
  }
}

void a_process_that_calls_itself_a_greeter_is_none(void**) {
  World world;
  by_access_token(world, {"123456"});
  world.config->mfa.enroll = Enroll::at_console;
  world.service = "user";
  world.program = "lightdm";
  world.origin = limits::Origin::of_uid(1001);
  expect_closed(world, Outcome::not_permitted, "no-second-factor");
}

void a_set_up_of_an_attacker_does_not_count(void**) {
  // auth_flow = custom: the pool demands a set-up before anything was proved.
  World world;
  world.config->pool.auth_flow = cognito::AuthFlow::custom;
  by_session(world, {"123456"});
  expect_closed(world, Outcome::not_permitted, "no-first-factor");
  assert_int_equal(world.calls_of("associate"), 0);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  tests.add({
      cmocka_unit_test(tokens_without_a_factor_enrol_totp_by_access_token),
      cmocka_unit_test(enrolment_by_policy_needs_totp_among_methods),
      cmocka_unit_test(nobody_enrols_who_may_not_sign_in),
      cmocka_unit_test(an_authenticator_that_is_there_is_never_replaced),
      cmocka_unit_test(a_factor_that_was_not_asked_for_is_not_replaced_by_a_new_one),
      cmocka_unit_test(an_access_token_that_is_over_is_final),
      cmocka_unit_test(the_preference_names_only_what_changes),
      cmocka_unit_test(a_preferred_factor_stays_enabled_and_loses_its_preference),
      cmocka_unit_test(a_preference_that_stands_already_is_not_set),
      cmocka_unit_test(a_preference_that_fails_lets_nobody_in),
      cmocka_unit_test(a_process_that_calls_itself_a_greeter_is_none),
      cmocka_unit_test(a_set_up_of_an_attacker_does_not_count),
  });
  for (const Place& place : kPlaces)
    tests.add(std::string("no factor, ") + place.row, enrolment_by_policy, place);
  return tests.run("totp_enrolment_policy");
}
