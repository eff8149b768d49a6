#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// A forgotten password, if policy lets users reset it: no text and no message tells an attacker
// whether the account exists. password_reset_test.cc tests the code that both resets share.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using sign_in::SignInResult;

void allow_self_service(World& world) {
  world.config->password.self_service = true;
}

void forgot_password_by_an_empty_answer(void**) {
  World world;
  allow_self_service(world);
  then_totp(world);
  world.person->answers = {"", " YES ", "4711", "new password", "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.operations(),
              "forgot_password, confirm_forgot_password, sign_in, respond SOFTWARE_TOKEN_MFA, "
              "verify");
  assert_text(world.person->prompts[1], prompts::forgot_password_question());
  assert_text(world.person->prompts[2], prompts::forgot_password_code(true));
  assert_text(world.person->prompts[3], prompts::new_password(false));
}

void forgot_password_by_a_named_service(void**) {
  World world;  // also without self_service
  world.service = "reset";
  world.config->password.reset_services = {"reset"};
  then_totp(world);
  world.person->answers = {"4711", "new password", "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.person->prompts[0], prompts::forgot_password_code(true));

  World other_service;
  allow_self_service(other_service);
  other_service.config->password.reset_services = {"reset"};
  assert_outcome(other_service.run().outcome, Outcome::unforeseen);  // the script has no reply
  assert_text(other_service.person->prompts[0], prompts::password());
}

void no_self_service_an_empty_password_is_refused_as_before(void**) {
  World world;
  world.config->password.reset_services = {"another-service"};
  world.person->answers = {"", "yes", "4711"};
  expect_closed(world, Outcome::refused, "not-a-password");
  assert_true(world.pool.calls.empty());
  assert_int_equal(world.person->prompts.size(), 1);
  assert_true(world.clock.slept == world.refusal_time);
}

void without_a_yes_nothing_is_sent(void**) {
  for (const char* answer : {"", "no", "y", "yess", "ye s", "\x08\n\r\x7fINC", "4711"}) {
    World world;
    allow_self_service(world);
    world.person->answers = {"", answer, "4711", "new", "new"};
    expect_closed(world, Outcome::refused, "no-password");
    assert_true(world.pool.calls.empty());
  }
}

// The texts and messages that an attacker causes, whether the account exists or not.
struct Seen {
  std::vector<std::string> prompts;
  std::vector<std::string> notices;
  Outcome outcome = Outcome::unforeseen;
  std::string text;
  std::vector<std::string> calls;
  std::chrono::nanoseconds slept{0};
  bool operator==(const Seen&) const = default;
};

// Four wrong tries of an attacker at a world whose pool answers `send` and `confirm`.
Seen stranger(std::optional<ErrorKind> send, ErrorKind confirm) {
  World world;
  allow_self_service(world);
  for (int i = 0; i < 4 && send; ++i) world.pool.fail("forgot_password", *send, "raw text");
  for (int i = 0; i < 4; ++i) world.pool.fail("confirm_forgot_password", confirm, "raw text");
  world.person->answers = {"", "yes", "", "1111", "new", "new", "2222", "3333", "4444"};
  const SignInResult result = world.run();
  Seen seen{world.person->prompts, world.person->notices, result.outcome, result.notice.text, {},
            world.clock.slept};
  for (const PoolCall& call : world.pool.calls) seen.calls.push_back(call.operation);
  return seen;
}

void an_account_that_exists_looks_like_one_that_does_not(void**) {
  const Seen exists = stranger(std::nullopt, ErrorKind::code_mismatch);
  assert_outcome(exists.outcome, Outcome::tries_exhausted);
  assert_true(std::ranges::count(exists.calls, "confirm_forgot_password") == 3);
  for (const cognito::ErrorRow& row : cognito::error_rows()) {
    if (!row.depends_on_account()) continue;
    assert_true(stranger(row.kind, ErrorKind::code_mismatch) == exists);
    assert_true(stranger(row.kind, row.kind) == exists);
    assert_true(stranger(std::nullopt, row.kind) == exists);
  }
}

// By hand, so that the list above is not its own judge.
void what_an_account_can_cause_is_hidden(void**) {
  for (const ErrorKind kind :
       {ErrorKind::user_not_found, ErrorKind::not_authorized, ErrorKind::user_disabled,
        ErrorKind::user_not_confirmed, ErrorKind::invalid_parameter, ErrorKind::limit_exceeded,
        ErrorKind::too_many_failed_attempts, ErrorKind::code_mismatch, ErrorKind::expired_code,
        ErrorKind::password_reset_required, ErrorKind::code_delivery_failure,
        ErrorKind::user_lambda_validation, ErrorKind::temporary_password_expired,
        ErrorKind::blocked_by_risk, ErrorKind::invalid_lambda_response,
        ErrorKind::unexpected_lambda, ErrorKind::invalid_sms_role_access_policy,
        ErrorKind::invalid_sms_role_trust_relationship,
        ErrorKind::invalid_email_role_access_policy}) {
    assert_true(cognito::error_row(kind).depends_on_account());
  }
  // A fault of the machine or the pool reveals nothing about an account.
  for (const ErrorKind kind : {ErrorKind::not_connected, ErrorKind::timed_out,
                               ErrorKind::too_many_requests, ErrorKind::waf_blocked})
    assert_false(cognito::error_row(kind).depends_on_account());
}

void messages_count_in_a_budget_of_their_own(void**) {
  World world;
  allow_self_service(world);
  // An attacker asks for codes until there are no more …
  for (int i = 0; i < 2; ++i) {
    world.person->answers = {"", "yes"};
    expect_closed(world, Outcome::conversation_broken, "caller-gone");
    assert_int_equal(world.calls_of("forgot_password"), 1);
    world.next_sign_in();
  }
  // … which her own reset does not notice: a code is with her already.
  then_totp(world);
  world.person->answers = {"", "yes", "4711", "new", "new", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.calls_of("forgot_password"), 0);

  // … and the user's own codes still come.
  world.next_sign_in();
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers.push_back("123456");
  assert_outcome(world.run().outcome, Outcome::success);
}

void one_origin_cannot_have_messages_sent_to_everybody(void**) {
  World world;
  allow_self_service(world);
  unsigned sent = 0;
  for (int i = 0; i < 20; ++i) {
    world.user = "user" + std::to_string(i);
    world.person->answers = {"", "yes"};
    expect_closed(world, Outcome::conversation_broken, "caller-gone");
    sent += static_cast<unsigned>(world.calls_of("forgot_password"));
    world.next_sign_in();
  }
  // The limit of an origin in the scripted world.
  assert_int_equal(sent, policy::LimitsConfig{}.messages_unanswered);
}

void sign_in_messages_do_not_stop_a_reset(void**) {
  World world;
  allow_self_service(world);
  for (int i = 0; i < 5; ++i) world.messages.caused("alice", world.clock.boot_time());
  world.person->answers = {"", "yes"};
  expect_closed(world, Outcome::conversation_broken, "caller-gone");
  assert_int_equal(world.calls_of("forgot_password"), 1);
}

void a_send_that_is_refused_by_the_budget_is_the_same_for_everybody(void**) {
  std::vector<std::string> texts;
  for (const auto send : {std::optional<ErrorKind>(), std::optional(ErrorKind::user_not_found)}) {
    World world;
    allow_self_service(world);
    for (int i = 0; i < 3; ++i) {
      if (send) world.pool.fail("forgot_password", *send);
      world.person->answers = {"", "yes"};
      texts.push_back(world.run().notice.text);
      world.next_sign_in();
    }
  }
  assert_true(std::ranges::equal(texts.begin(), texts.begin() + 3, texts.begin() + 3, texts.end()));
}

void wrong_codes_count_as_attempts(void**) {
  // An attacker has three attempts in all.
  World world;
  allow_self_service(world);
  for (int i = 0; i < 4; ++i) world.pool.fail("confirm_forgot_password", ErrorKind::code_mismatch);
  world.person->answers = {"", "yes", "1111", "new", "new", "2222", "3333"};
  expect_closed(world, Outcome::tries_exhausted, "reset");
  world.next_sign_in();
  world.person->answers = {"some password"};
  expect_closed(world, Outcome::tries_exhausted, "failure-budget");
  assert_true(world.pool.calls.empty());
}

void a_right_code_and_a_refused_password_cost_no_attempt(void**) {
  World world;
  allow_self_service(world);
  for (int round = 0; round < 3; ++round) {
    world.pool.fail("confirm_forgot_password", ErrorKind::invalid_password);
    world.pool.fail("confirm_forgot_password", ErrorKind::invalid_password);
    then_totp(world);
    world.person->answers = {"", "yes", "4711", "a", "a", "b", "b", "new", "new", "123456"};
    assert_outcome(world.run().outcome, Outcome::success);
    world.next_sign_in();
  }
}

void reset_ends_where_the_pool_cannot_be_reached(void**) {
  // More than the first password was asked for: a local password must not do instead.
  for (const char* operation : {"forgot_password", "confirm_forgot_password"}) {
    World world;
    allow_self_service(world);
    world.pool.fail(operation, ErrorKind::not_connected);
    world.person->answers = {"", "yes", "4711", "new", "new"};
    expect_closed(world, Outcome::failed, "not-connected");
  }
}

void a_forgotten_password_of_an_account_that_must_be_confirmed(void**) {
  World world;
  allow_self_service(world);
  world.pool.reply_error(ErrorKind::user_not_confirmed);
  then_totp(world);
  world.person->answers = {"", "yes", "4711", "new", "new", "4712", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
}

// Also the answer to a reset's code, while no password is known yet.
void the_new_password_must_be_typable_and_typed_twice(void**) {
  World world;
  allow_self_service(world);
  world.person->answers = {"", "yes", "4711", "with\ttab", "", "one", "another"};
  expect_closed(world, Outcome::tries_exhausted, "new-password");
  assert_text(world.operations(), "forgot_password");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(forgot_password_by_an_empty_answer),
      cmocka_unit_test(forgot_password_by_a_named_service),
      cmocka_unit_test(no_self_service_an_empty_password_is_refused_as_before),
      cmocka_unit_test(without_a_yes_nothing_is_sent),
      cmocka_unit_test(an_account_that_exists_looks_like_one_that_does_not),
      cmocka_unit_test(what_an_account_can_cause_is_hidden),
      cmocka_unit_test(messages_count_in_a_budget_of_their_own),
      cmocka_unit_test(one_origin_cannot_have_messages_sent_to_everybody),
      cmocka_unit_test(sign_in_messages_do_not_stop_a_reset),
      cmocka_unit_test(a_send_that_is_refused_by_the_budget_is_the_same_for_everybody),
      cmocka_unit_test(wrong_codes_count_as_attempts),
      cmocka_unit_test(a_right_code_and_a_refused_password_cost_no_attempt),
      cmocka_unit_test(reset_ends_where_the_pool_cannot_be_reached),
      cmocka_unit_test(a_forgotten_password_of_an_account_that_must_be_confirmed),
      cmocka_unit_test(the_new_password_must_be_typable_and_typed_twice),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
