#include <chrono>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "daemon/runtime/host_name.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scripted.h"

// Goal::change_factors: a sign-in with password and factor, and the change with its access token.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using policy::Enroll;
using sessions::FactorChangeNote;
using sign_in::CallerPlace;
using sign_in::FactorChange;
using sign_in::PreferredMfa;
using sign_in::SetUpTotp;
using sign_in::SignInResult;
using Value = sign_in::MfaPreferenceValue;
using namespace std::chrono_literals;

const std::string kSms = "SMS_MFA";
const std::string kTotp = "SOFTWARE_TOKEN_MFA";

// alice's own process, in an ssh login of hers. Her session is a minute old: it counts for nothing.
void begin(World& world, FactorChange change) {
  world.goal = sign_in::Goal::change_factors;
  world.service = "user";
  world.caller_is_root = false;
  world.origin = limits::Origin::of_uid(World::kAliceUid);
  world.place.kind = CallerPlace::Kind::remote;
  world.place.address = "192.0.2.66";
  world.change = change;
  world.put(world.new_session());
  world.clock.advance(1min);
  world.pool.user.enabled_factors = {kTotp};
  world.pool.user.preferred_factor = kTotp;
}

void with_totp(World& world, FactorChange change) {
  begin(world, change);
  then_totp(world);
  world.person->answers = {"right password", "123456"};
}

void new_app(World& world) {
  with_totp(world, SetUpTotp());
  world.person->answers.emplace_back("654321");
}

// The password alone.
void without_factor(World& world, FactorChange change) {
  begin(world, change);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "654321"};
}

SignInResult expect_refused(World& world, std::string_view cause, std::string_view text) {
  SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::not_permitted);
  assert_text(result.cause, cause);
  assert_text(result.notice.text, text);
  assert_int_equal(world.calls_of("associate"), 0);
  assert_int_equal(world.calls_of("set_preference"), 0);
  assert_int_equal(world.revoked.size(), world.pool.issued);
  assert_true(world.factors_changed.empty());
  return result;
}

void an_app_is_set_up_with_the_token_of_its_own_sign_in(void**) {
  World world;
  new_app(world);
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::success);
    assert_text(result.cause, "totp-set-up");
    assert_text(result.notice.text, prompts::totp_is_set_up());
    assert_false(result.reused.has_value());
    assert_true(result.accepted->password.empty());
    assert_true(world.revoked.empty());
  }
  assert_int_equal(world.revoked.size(), 1);
  assert_int_equal(world.calls_of("refresh"), 0);
  assert_text(world.call("associate").values.at("access_token"), "access");
  assert_text(world.call("verify_totp").values.at("code"), "654321");
  assert_text(world.call("verify_totp").values.at("device"), "alice@" + runtime::host_name());
  assert_true(world.person->prompts[2].contains("GEZD GNBV"));
  assert_false(world.person->prompts[2].contains("needs a second factor"));
  assert_true(world.factors_changed == std::vector<std::string>{"alice"});
}

void a_factor_that_is_preferred_stays_so(void**) {
  World world;
  new_app(world);
  world.pool.user.enabled_factors = {kSms};
  world.pool.user.preferred_factor = kSms;
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.call("set_preference").values.at("totp"), "enabled");
  assert_text(world.call("set_preference").values.at("sms"), "");
}

void a_program_gets_the_uri_alone(void**) {
  World world;
  new_app(world);
  world.plain_uri = true;
  world.device_name = "my phone";
  world.pool.wrong_setup_codes = 1;
  world.person->before_answer = [&world] {
    if (world.person->prompts.size() == 3) world.person->time_left = 20s;
  };
  // "s" and the like are for people who look at a terminal.
  world.person->answers = {"right password", "123456", "s", "111111", "654321"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.person->prompts.size(), 5);
  for (std::size_t i = 2; i < 5; ++i)
    assert_text(world.person->prompts[i],
                "otpauth://totp/Cognito:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                "&issuer=Cognito");
  assert_text(world.person->notices[3], prompts::not_a_totp_code());
  assert_text(world.person->notices[4], prompts::wrong_code(1));
  assert_text(world.call("verify_totp").values.at("device"), "my phone");
}

void a_preference_is_set_with_the_token_of_its_own_sign_in(void**) {
  World world;
  with_totp(world, PreferredMfa::sms);
  world.pool.user.enabled_factors = {kSms, kTotp};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "factors-changed");
  assert_text(world.operations(),
              "sign_in, respond SOFTWARE_TOKEN_MFA, verify, get_user, set_preference");
  const PoolCall& call = world.call("set_preference");
  assert_text(call.values.at("access_token"), "access");
  assert_text(call.values.at("sms"), "enabled, preferred");
  assert_text(call.values.at("totp"), "enabled");
  assert_text(call.values.at("email"), "");
}

void what_changes_nothing_is_not_sent(void**) {
  World world;
  with_totp(world, sign_in::MfaPreferenceUpdate{.totp = Value::preferred});
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "nothing-to-change");
  assert_int_equal(world.calls_of("set_preference"), 0);
  assert_true(world.factors_changed.empty());
}

void nobody_is_left_without_an_accepted_factor(void**) {
  for (const FactorChange change :
       {FactorChange(PreferredMfa::none),
        FactorChange(sign_in::MfaPreferenceUpdate{.totp = Value::disabled})}) {
    World world;
    with_totp(world, change);
    expect_refused(world, "factor-would-be-missing",
                   prompts::factor_would_be_missing(world.config->mfa.methods));
  }
}

// A pool that took the risk for low, or remembers the device, asks for no factor: none was proved.
void a_factor_that_the_pool_did_not_ask_for_is_missing(void**) {
  for (const bool require : {true, false}) {
    for (const char* factor : {"SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP", "A_NEW_FACTOR"}) {
      for (const FactorChange change :
           {FactorChange(SetUpTotp()), FactorChange(PreferredMfa::none)}) {
        World world;
        without_factor(world, change);
        world.config->mfa.require = require;
        world.config->mfa.enroll = Enroll::anywhere;
        world.pool.user.enabled_factors = {factor};
        expect_refused(world, "factor-not-asked", prompts::factor_was_not_asked());
      }
    }
  }
}

// The code of a factor that methods does not name changes none of those that it names.
void a_factor_that_is_not_accepted_changes_nothing(void**) {
  World world;
  begin(world, SetUpTotp());
  world.config->mfa.methods = {Method::totp};
  world.config->mfa.enroll = Enroll::anywhere;
  world.pool.user.enabled_factors = {kSms, kTotp};
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "4711", "654321"};
  expect_refused(world, "factor-not-accepted", prompts::factor_not_accepted({Method::totp}));
}

void it_is_good_for_the_first_one_that_is(void**) {
  World world;
  begin(world, SetUpTotp());
  world.config->mfa.methods = {Method::totp};
  world.config->mfa.enroll = Enroll::anywhere;
  world.pool.user.enabled_factors = {kSms};
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "4711", "654321"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.calls_of("verify_totp"), 1);
}

// A code is worth one sign-in; the next one is a moment away.
void a_code_that_was_just_used_is_waited_for(void**) {
  World world;
  begin(world, PreferredMfa::sms);
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_error(ErrorKind::expired_code,
                         "Your software token has already been used once.");
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456", "654321"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->notices[2],
              "That code was used already. Wait for the next code of your app.");
}

// enroll × the caller's place: who may set up the first factor.
struct First {
  const char* row;
  Enroll enroll;
  CallerPlace::Kind place;
  const char* cause;
};
constexpr First kFirst[] = {
    {"never, at the seat", Enroll::never, CallerPlace::Kind::seat, "set-up-not-allowed"},
    {"when-required, at the seat", Enroll::when_required, CallerPlace::Kind::seat,
     "set-up-not-allowed"},
    {"when-required, remote", Enroll::when_required, CallerPlace::Kind::remote,
     "set-up-not-allowed"},
    {"at-console, at the seat", Enroll::at_console, CallerPlace::Kind::seat, "totp-set-up"},
    {"at-console, remote", Enroll::at_console, CallerPlace::Kind::remote, "set-up-not-allowed"},
    {"at-console, no login", Enroll::at_console, CallerPlace::Kind::unknown, "no-place"},
    {"anywhere, at the seat", Enroll::anywhere, CallerPlace::Kind::seat, "totp-set-up"},
    {"anywhere, remote", Enroll::anywhere, CallerPlace::Kind::remote, "totp-set-up"},
    {"anywhere, no login", Enroll::anywhere, CallerPlace::Kind::unknown, "no-place"},
};

void a_first_factor(void** state) {
  const auto& row = row_of<First>(state);
  const bool permitted = std::string_view(row.cause) == "totp-set-up";
  for (const bool require : {false, true}) {
    World world;
    without_factor(world, SetUpTotp());
    world.pool.user = {};
    world.config->mfa.require = require;
    world.config->mfa.enroll = row.enroll;
    world.place.kind = row.place;
    const SignInResult result = world.run();
    assert_outcome(result.outcome, permitted ? Outcome::success : Outcome::not_permitted);
    assert_text(result.cause, row.cause);
    assert_int_equal(world.calls_of("associate"), permitted ? 1 : 0);
    if (result.cause == "set-up-not-allowed")
      assert_text(result.notice.text, prompts::first_factor_elsewhere());
    if (result.cause == "no-place") assert_text(result.notice.text, prompts::no_place_for_set_up());
  }
}

// MFA_SETUP: the pool demands it, enroll = when-required permits it, but not without a login.
void the_pools_demand_needs_a_login_too(void**) {
  const auto demanded = [](World& world) {
    without_factor(world, SetUpTotp());
    world.pool.user = {};
    world.pool.replies.clear();
    world.pool.reply_challenge(ChallengeName::mfa_setup,
                               {{"MFAS_CAN_SETUP", R"(["EMAIL_OTP","SOFTWARE_TOKEN_MFA"])"}});
    world.pool.reply_tokens();
  };
  World world;
  demanded(world);
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "totp-set-up");
  assert_int_equal(world.calls_of("associate"), 1);

  World without_login;
  demanded(without_login);
  without_login.place = {};
  expect_refused(without_login, "no-place", prompts::no_place_for_set_up());

  // A sign-in of a user's own process has no place: else it would be the way past this.
  World own;
  demanded(own);
  own.goal = sign_in::Goal::sign_in;
  own.place = {};
  expect_refused(own, "no-place", prompts::no_place_for_set_up());

  World another_change;
  demanded(another_change);
  another_change.change = PreferredMfa::sms;
  expect_refused(another_change, "no-factor-yet", prompts::no_factor_to_change());
}

void without_a_factor_there_is_nothing_else_to_change(void**) {
  World world;
  without_factor(world, sign_in::MfaPreferenceUpdate{.sms = Value::preferred});
  world.pool.user = {};
  world.config->mfa.require = false;
  world.config->mfa.enroll = Enroll::anywhere;
  expect_refused(world, "no-factor-yet", prompts::no_factor_to_change());
}

// A mailbox is not the password.
void no_reset_replaces_the_password(void**) {
  World world;
  new_app(world);
  world.config->password.self_service = true;
  world.config->password.reset_services = {"user"};
  world.person->answers.front() = "";
  assert_outcome(world.run().outcome, Outcome::refused);
  assert_int_equal(world.person->prompts.size(), 1);
  assert_text(world.operations(), "");

  World demanded;
  new_app(demanded);
  demanded.pool.replies.clear();
  demanded.pool.reply_error(ErrorKind::password_reset_required);
  assert_outcome(demanded.run().outcome, Outcome::refused);
  assert_text(demanded.operations(), "sign_in");
}

void a_caller_with_one_prompt_changes_nothing(void**) {
  World world;
  new_app(world);
  world.config->services["user"].single_prompt = true;
  assert_text(world.run().cause, "cannot-change-here");
  assert_true(world.person->prompts.empty());
}

void it_needs_time(void**) {
  World world;
  new_app(world);
  world.person->time_left = 89s;
  const SignInResult result = world.run();
  assert_text(result.cause, "no-time-to-set-up");
  assert_int_equal(world.calls_of("associate"), 0);
}

void wrong_codes_of_the_new_app_come_to_an_end(void**) {
  World world;
  new_app(world);
  world.pool.wrong_setup_codes = 9;
  world.person->answers = {"right password", "123456", "111111", "222222", "333333", "444444"};
  assert_outcome(world.run().outcome, Outcome::tries_exhausted);
  assert_int_equal(world.calls_of("verify_totp"), 3);
  assert_int_equal(world.calls_of("set_preference"), 0);
  assert_true(world.factors_changed.empty());
}

struct Trouble {
  const char* row;
  ErrorKind error;
  Outcome outcome;
  const char* cause;
  bool may_be_done;  // the pool may have taken it: then the user is told
};
constexpr Trouble kTroubles[] = {
    {"never set up", ErrorKind::software_token_mfa_not_found, Outcome::not_permitted,
     "factor-not-set-up", false},
    {"another factor's words", ErrorKind::invalid_parameter, Outcome::not_permitted,
     "factor-not-set-up", false},
    {"busy", ErrorKind::too_many_requests, Outcome::failed, "too-many-requests", false},
    {"a fault", ErrorKind::internal_error, Outcome::failed, "factors-not-changed", false},
    {"the token is over", ErrorKind::not_authorized, Outcome::failed, "factors-not-changed", false},
    {"no answer", ErrorKind::timed_out, Outcome::failed, "not-connected", true},
    {"cut", ErrorKind::connection_cut, Outcome::failed, "not-connected", true},
};

void trouble_with_the_change(void** state) {
  const auto& trouble = row_of<Trouble>(state);
  World world;
  with_totp(world, PreferredMfa::sms);
  world.pool.fail("set_preference", trouble.error, "raw text of the pool");
  const SignInResult result = world.run();
  assert_outcome(result.outcome, trouble.outcome);
  assert_text(result.cause, trouble.cause);
  assert_true(result.detail.contains("raw text"));
  assert_false(result.notice.text.empty());
  assert_false(result.notice.text.contains("raw text"));
  assert_int_equal(world.factors_changed.size(), trouble.may_be_done ? 1 : 0);
  assert_int_equal(world.known.find("alice")->factor_changes.size(), trouble.may_be_done ? 1 : 0);
}

// The new app counts from its first code, even if a later call fails.
void a_change_is_noted_although_its_end_failed(void**) {
  World world;
  new_app(world);
  world.pool.user.enabled_factors = {kSms};
  world.pool.fail("set_preference", ErrorKind::internal_error);
  assert_outcome(world.run().outcome, Outcome::failed);
  assert_int_equal(world.known.find("alice")->factor_changes.size(), 1);
}

void a_lost_answer_may_be_a_change(void**) {
  for (const char* operation : {"associate", "verify_totp"}) {
    World world;
    new_app(world);
    world.pool.fail(operation, ErrorKind::timed_out);
    assert_outcome(world.run().outcome, Outcome::failed);
    const bool may_be_done = std::string_view(operation) == "verify_totp";
    assert_int_equal(world.known.find("alice")->factor_changes.size(), may_be_done ? 1 : 0);
  }
}

std::string told_at_a_sign_in(World& world, const limits::Origin& origin) {
  world.goal = sign_in::Goal::sign_in;
  world.service = "sshd";
  world.caller_is_root = true;
  world.origin = origin;
  world.next_sign_in();
  then_totp(world);
  world.person->answers = {"right password", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.tells_of_change != result.notice.text.empty());
  return result.notice.text;
}

void the_user_is_told(void**) {
  const limits::Origin home = limits::Origin::of_host("198.51.100.1");
  World world;
  new_app(world);
  const std::time_t at = world.clock.wall_time();
  assert_outcome(world.run().outcome, Outcome::success);
  const std::string text = prompts::factor_was_changed(true, at, "192.0.2.66");
  assert_true(text.contains(" from 192.0.2.66. If this was not you"));
  assert_text(told_at_a_sign_in(world, home), text);
  // Each sign-in tells it again until one was acknowledged: OpenSignIn reports that.
  assert_text(told_at_a_sign_in(world, home), text);
  world.known.told_factor_changes("alice", home.key(), world.clock.wall_time());
  assert_text(told_at_a_sign_in(world, home), "");
  assert_text(told_at_a_sign_in(world, limits::Origin::local()), text);
  world.clock.advance(std::chrono::hours(30 * 24));
  assert_text(told_at_a_sign_in(world, limits::Origin::local()), "");
}

// A user who sets a factor up in a sign-in knows of it there; sign-ins from elsewhere tell of it.
void a_set_up_in_a_sign_in_is_told_elsewhere(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::mfa_setup,
                             {{"MFAS_CAN_SETUP", R"(["SOFTWARE_TOKEN_MFA"])"}});
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(told_at_a_sign_in(world, limits::Origin::of_host("192.0.2.7")), "");
  assert_true(told_at_a_sign_in(world, limits::Origin::of_host("198.51.100.1"))
                  .starts_with("Your authenticator app was changed on 2027-01-15"));
}

void the_text_says_where_from(void**) {
  assert_text(prompts::factor_was_changed(true, 1'800'000'000, "192.0.2.66"),
              "Your authenticator app was changed on 2027-01-15 08:00 UTC from 192.0.2.66. If this "
              "was not you, tell your administrator.");
  assert_text(prompts::factor_was_changed(false, 1'800'000'000, FactorChangeNote::kSeat),
              "Your second factors were changed on 2027-01-15 08:00 UTC at this machine. If this "
              "was not you, tell your administrator.");
  assert_text(prompts::factor_was_changed(false, 1'800'000'000, ""),
              "Your second factors were changed on 2027-01-15 08:00 UTC. If this was not you, tell "
              "your administrator.");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  tests.add({
      cmocka_unit_test(an_app_is_set_up_with_the_token_of_its_own_sign_in),
      cmocka_unit_test(a_factor_that_is_preferred_stays_so),
      cmocka_unit_test(a_program_gets_the_uri_alone),
      cmocka_unit_test(a_preference_is_set_with_the_token_of_its_own_sign_in),
      cmocka_unit_test(what_changes_nothing_is_not_sent),
      cmocka_unit_test(nobody_is_left_without_an_accepted_factor),
      cmocka_unit_test(a_factor_that_the_pool_did_not_ask_for_is_missing),
      cmocka_unit_test(a_factor_that_is_not_accepted_changes_nothing),
      cmocka_unit_test(it_is_good_for_the_first_one_that_is),
      cmocka_unit_test(a_code_that_was_just_used_is_waited_for),
      cmocka_unit_test(the_pools_demand_needs_a_login_too),
      cmocka_unit_test(without_a_factor_there_is_nothing_else_to_change),
      cmocka_unit_test(no_reset_replaces_the_password),
      cmocka_unit_test(a_caller_with_one_prompt_changes_nothing),
      cmocka_unit_test(it_needs_time),
      cmocka_unit_test(wrong_codes_of_the_new_app_come_to_an_end),
      cmocka_unit_test(a_change_is_noted_although_its_end_failed),
      cmocka_unit_test(a_lost_answer_may_be_a_change),
      cmocka_unit_test(the_user_is_told),
      cmocka_unit_test(a_set_up_in_a_sign_in_is_told_elsewhere),
      cmocka_unit_test(the_text_says_where_from),
  });
  for (const First& row : kFirst)
    tests.add(std::string("the first factor, enroll = ") + row.row, a_first_factor, row);
  for (const Trouble& row : kTroubles)
    tests.add(std::string("trouble with the change: ") + row.row, trouble_with_the_change, row);
  return tests.run("change_factors");
}
