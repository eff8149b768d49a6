#include <chrono>
#include <string>

#include "daemon/flows/error_table.h"
#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/flows/scripted.h"

// Goal::set_up_totp: a signed-in person sets up an authenticator app, by a session and without a
// password.
namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using flows::SignInResult;
using policy::Enrol;
using sessions::Session;
using namespace std::chrono_literals;

constexpr char kCalls[] = "refresh, verify, associate, verify_totp, get_user, set_preference";

Session begin(World& world) {
  world.goal = flows::Goal::set_up_totp;
  world.service = "user";
  world.program = "cognitoctl";
  world.caller_is_root = false;
  world.origin = limits::Origin::of_uid(World::kAliceUid);
  const Session session = world.new_session();
  world.put(session);
  world.session = session.id;
  world.person->answers = {"123456"};
  return session;
}

void a_session_sets_up_an_app_without_a_password(void**) {
  World world;
  begin(world);
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "totp-set-up");
  assert_text(result.notice.text, prompts::totp_is_set_up());
  assert_true(result.factor == policy::Method::totp);
  assert_null(result.accepted.get());
  assert_false(result.reused.has_value());
  assert_text(world.operations(), kCalls);
  assert_text(world.call("associate").values.at("access_token"), "refreshed access token");
  assert_text(world.call("verify_totp").values.at("code"), "123456");
  assert_text(world.call("verify_totp").values.at("device"), "alice@" + flows::host_name());
  // A pool with optional factors would not ask for it otherwise.
  assert_text(world.call("set_preference").values.at("totp"), "enabled, preferred");
  assert_int_equal(world.person->prompts.size(), 1);
  assert_true(world.person->purposes[0] == Purpose::code);
  assert_true(world.person->prompts[0].contains("GEZD GNBV"));
  assert_false(world.person->prompts[0].contains("needs a second factor"));
}

void a_factor_that_is_preferred_stays_so(void**) {
  World world;
  begin(world);
  world.pool.user.enabled_factors = {"SMS_MFA"};
  world.pool.user.preferred_factor = "SMS_MFA";
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.call("set_preference").values.at("totp"), "enabled");
  assert_text(world.call("set_preference").values.at("sms"), "");

  // Nothing to change where the pool has switched it on.
  World on;
  begin(on);
  on.pool.user.enabled_factors = {"SMS_MFA", "SOFTWARE_TOKEN_MFA"};
  on.pool.user.preferred_factor = "SMS_MFA";
  assert_outcome(on.run().outcome, Outcome::success);
  assert_int_equal(on.calls_of("set_preference"), 0);
}

void a_program_gets_the_uri_alone(void**) {
  World world;
  begin(world);
  world.plain_uri = true;
  world.device_name = "my phone";
  world.pool.wrong_setup_codes = 1;
  // "s" and the like are for people who look at a terminal.
  world.person->answers = {"s", "111111", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.person->prompts.size(), 3);
  for (const std::string& prompt : world.person->prompts)
    assert_text(prompt,
                "otpauth://totp/Cognito:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                "&issuer=Cognito");
  assert_text(world.person->notices[1], prompts::not_a_totp_code());
  assert_text(world.person->notices[2], prompts::wrong_code());
  assert_text(world.call("verify_totp").values.at("device"), "my phone");
}

void expect_nothing(World& world) {
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::not_permitted);
  assert_text(result.cause, "no-recent-sign-in");
  assert_text(result.notice.text, prompts::sign_in_first());
  assert_int_equal(world.calls_of("associate"), 0);
  assert_true(world.person->prompts.empty());
}

void it_needs_a_full_sign_in_just_now(void**) {
  World none;
  begin(none);
  none.session.reset();
  expect_nothing(none);

  World old;
  begin(old);
  old.clock.advance(5min);
  expect_nothing(old);
  assert_text(old.operations(), "");

  World ended;
  const Session session = begin(ended);
  (void)ended.keeper->end(session.id, "test");
  expect_nothing(ended);

  World of_somebody_else;
  Session bobs = begin(of_somebody_else);
  of_somebody_else.store->erase(bobs.id);
  bobs.user = "bob";
  of_somebody_else.put(bobs);
  expect_nothing(of_somebody_else);
}

void the_first_factor_needs_policys_word(void**) {
  for (const Enrol enrol : {Enrol::no, Enrol::pool, Enrol::local, Enrol::yes}) {
    World world;
    Session session = begin(world);
    session.factor.reset();
    world.put(session);
    world.config->mfa.require = false;
    world.config->mfa.enrol = enrol;
    const bool permitted = enrol == Enrol::local || enrol == Enrol::yes;
    const SignInResult result = world.run();
    assert_outcome(result.outcome, permitted ? Outcome::success : Outcome::not_permitted);
    assert_text(result.cause, permitted ? "totp-set-up" : "set-up-not-allowed");
    assert_int_equal(world.calls_of("associate"), permitted ? 1 : 0);
  }
}

// Whoever got in without a factor (the pool took the risk for low, or asks for none here) must not
// set up one beside those that the account has.
void a_session_without_a_factor_sets_up_the_first_one_only(void**) {
  for (const char* factor : {"SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP", "A_NEW_FACTOR"}) {
    World world;
    Session session = begin(world);
    session.factor.reset();
    world.put(session);
    world.config->mfa.enrol = Enrol::yes;
    world.pool.user.enabled_factors = {factor};
    expect_nothing(world);
    assert_text(world.operations(), "refresh, verify, get_user");
  }
}

void it_fails_closed_at_every_error_of_every_call(void**) {
  for (std::size_t call = 0; call < 6; ++call) {
    for (const flows::ErrorRow& row : flows::error_rows()) {
      World world;
      begin(world);
      world.pool.fault_at = call;
      world.pool.fault = cognito::PoolError(row.kind, "raw text of the pool");
      world.person->answers = {"123456", "123456", "123456"};
      const SignInResult result = world.run();
      const bool asked_again = call == 3 && result.outcome == Outcome::success;
      if (asked_again)
        assert_true(world.calls_of("verify_totp") > 1);
      else
        assert_true(result.outcome != Outcome::success);
      assert_true(result.outcome != Outcome::unavailable);
      assert_false(result.notice.text.contains("raw text"));
    }
  }
}

void hanging_up_sets_nothing_up(void**) {
  World world;
  begin(world);
  world.person->answers.clear();
  assert_outcome(world.run().outcome, Outcome::conversation_broken);
  assert_int_equal(world.calls_of("verify_totp"), 0);
}

void wrong_codes_come_to_an_end(void**) {
  World world;
  begin(world);
  world.pool.wrong_setup_codes = 9;
  world.person->answers = {"111111", "222222", "333333", "444444"};
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_int_equal(world.calls_of("verify_totp"), 3);
  assert_int_equal(world.calls_of("set_preference"), 0);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_session_sets_up_an_app_without_a_password),
      cmocka_unit_test(a_factor_that_is_preferred_stays_so),
      cmocka_unit_test(a_program_gets_the_uri_alone),
      cmocka_unit_test(it_needs_a_full_sign_in_just_now),
      cmocka_unit_test(the_first_factor_needs_policys_word),
      cmocka_unit_test(a_session_without_a_factor_sets_up_the_first_one_only),
      cmocka_unit_test(it_fails_closed_at_every_error_of_every_call),
      cmocka_unit_test(hanging_up_sets_nothing_up),
      cmocka_unit_test(wrong_codes_come_to_an_end),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
