#include "daemon/cognito/error_table.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cognito/errors.h"
#include "daemon/prompts/texts.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scenarios.h"
#include "tests/unit/cognito/model_exceptions.h"

// Walks the table: each failure of the pool, at the password and at the code; each exception that
// the service's model names, at each operation; each state that an account may be in.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using sign_in::SignInResult;

constexpr char kRaw[] = "raw text of the pool";

void words_are_unique(void**) {
  std::set<std::string_view> words;
  for (const cognito::ErrorRow& row : cognito::error_rows())
    assert_true(words.insert(row.word).second);
}

void no_row_lets_anybody_in(void**) {
  for (const cognito::ErrorRow& row : cognito::error_rows()) {
    assert_true(row.at_password != Outcome::success && row.later != Outcome::success);
    assert_true(row.later != Outcome::unavailable);
    assert_true(row.at_password != Outcome::unavailable || row.kind == ErrorKind::unreachable);
  }
}

void at_the_password(void**) {
  for (const cognito::ErrorRow& row : cognito::error_rows()) {
    World world;
    world.pool.reply_error(row.kind, kRaw, false);
    const SignInResult result = world.run();
    // These two go on: the person, who hangs up, was asked for a code.
    if (row.kind == ErrorKind::password_reset_required ||
        row.kind == ErrorKind::user_not_confirmed) {
      assert_outcome(result.outcome, Outcome::conversation_broken);
      continue;
    }
    assert_outcome(result.outcome, row.at_password);
    assert_text(result.cause, row.word);
    assert_text(result.detail, kRaw);
    assert_false(result.notice.text.empty());
    assert_false(result.notice.text.contains(kRaw));
  }
}

void at_the_code(void**) {
  for (const cognito::ErrorRow& row : cognito::error_rows()) {
    World world;
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    for (int i = 0; i < 3; ++i) world.pool.reply_error(row.kind, kRaw);
    world.person->answers = {"right password", "111111", "222222", "333333"};
    const SignInResult result = world.run();
    const bool asked_again =
        row.kind == ErrorKind::code_mismatch || row.kind == ErrorKind::expired_code;
    assert_outcome(result.outcome, asked_again ? Outcome::tries_exhausted : row.later);
    assert_false(result.notice.text.contains(kRaw));
  }
}

// The rules of the documentation, written a second time by hand.
void the_rows_that_matter_say_what_they_must(void**) {
  struct Row {
    ErrorKind kind;
    Outcome at_password;
    Outcome later;
  };
  const Row rows[] = {
      {ErrorKind::not_authorized, Outcome::refused, Outcome::refused},
      {ErrorKind::user_not_found, Outcome::refused, Outcome::refused},
      {ErrorKind::password_reset_required, Outcome::refused, Outcome::refused},
      {ErrorKind::user_lambda_validation, Outcome::refused, Outcome::refused},
      {ErrorKind::limit_exceeded, Outcome::tries_exhausted, Outcome::tries_exhausted},
      {ErrorKind::too_many_failed_attempts, Outcome::tries_exhausted, Outcome::tries_exhausted},
      {ErrorKind::too_many_requests, Outcome::failed, Outcome::failed},
      {ErrorKind::forbidden, Outcome::failed, Outcome::failed},
      {ErrorKind::resource_not_found, Outcome::failed, Outcome::failed},
      {ErrorKind::internal_error, Outcome::failed, Outcome::failed},
      {ErrorKind::not_connected, Outcome::failed, Outcome::failed},
      {ErrorKind::unreachable, Outcome::unavailable, Outcome::failed},
      {ErrorKind::connection_cut, Outcome::failed, Outcome::failed},
      {ErrorKind::timed_out, Outcome::failed, Outcome::failed},
      {ErrorKind::bad_response, Outcome::failed, Outcome::failed},
      {ErrorKind::tokens_rejected, Outcome::failed, Outcome::failed},
      {ErrorKind::internal, Outcome::unforeseen, Outcome::unforeseen},
      {ErrorKind::user_disabled, Outcome::refused, Outcome::refused},
      {ErrorKind::temporary_password_expired, Outcome::refused, Outcome::refused},
      {ErrorKind::blocked_by_risk, Outcome::refused, Outcome::refused},
      {ErrorKind::attempts_exceeded, Outcome::refused, Outcome::tries_exhausted},
      {ErrorKind::imported_user, Outcome::refused, Outcome::refused},
      {ErrorKind::mfa_method_not_found, Outcome::failed, Outcome::failed},
      {ErrorKind::local_shortage, Outcome::failed, Outcome::failed},
      {ErrorKind::waf_blocked, Outcome::failed, Outcome::failed},
      {ErrorKind::captcha_required, Outcome::failed, Outcome::failed},
  };
  for (const Row& row : rows) {
    print_message("%s\n", std::string(cognito::error_row(row.kind).word).c_str());
    assert_outcome(cognito::error_row(row.kind).at_password, row.at_password);
    assert_outcome(cognito::error_row(row.kind).later, row.later);
  }
}

// One text for a wrong password, an unknown user and a disabled one.
void accounts_do_not_differ(void**) {
  std::set<std::string> texts;
  for (const ErrorKind kind :
       {ErrorKind::not_authorized, ErrorKind::user_not_found, ErrorKind::user_not_confirmed,
        ErrorKind::password_reset_required, ErrorKind::user_lambda_validation,
        ErrorKind::user_disabled, ErrorKind::temporary_password_expired, ErrorKind::blocked_by_risk,
        ErrorKind::attempts_exceeded, ErrorKind::imported_user}) {
    assert_outcome(cognito::error_row(kind).at_password, Outcome::refused);
    texts.insert(prompts::failure_text(cognito::error_row(kind).text));
  }
  assert_int_equal(texts.size(), 1);
}

// Which calls of the scripted pool are the operation.
bool is_call_of(std::string_view operation, std::string_view call) {
  if (operation == "InitiateAuth") return call == "sign_in";
  if (operation == "RespondToAuthChallenge")
    return call == "sign_in" || call.starts_with("respond ");
  if (operation == "AssociateSoftwareToken") return call == "associate";
  if (operation == "VerifySoftwareToken") return call == "verify_totp";
  if (operation == "GetUser") return call == "get_user";
  if (operation == "SetUserMFAPreference") return call == "set_preference";
  if (operation == "GetTokensFromRefreshToken") return call == "refresh";
  if (operation == "ForgotPassword") return call == "forgot_password";
  if (operation == "ConfirmForgotPassword") return call == "confirm_forgot_password";
  if (operation == "ConfirmSignUp") return call == "confirm_sign_up";
  if (operation == "ChangePassword") return call == "change_password";
  return false;  // ResendConfirmationCode and RevokeToken are in no scenario
}

void expect_closed(const Scenario& scenario, std::size_t call, ErrorKind kind) {
  World world;
  scenario.prepare(world);
  world.pool.fault_at = call;
  world.pool.fault = cognito::PoolError(kind, kRaw);
  world.pool.fault.password_sent = true;
  const SignInResult result = world.run();
  const bool hidden = world.pool.calls[call].operation == "forgot_password" &&
                      cognito::error_row(kind).depends_on_account();
  if (hidden) return;
  assert_true(result.outcome != Outcome::success && result.outcome != Outcome::unavailable);
  assert_false(result.notice.text.contains(kRaw));
}

void every_exception_of_the_operation_has_a_row_and_lets_nobody_in(void** state) {
  const auto& operation = row_of<ModelOperation>(state);
  for (const std::string_view name : operation.exceptions) {
    const ErrorKind kind = cognito::kind_of_exception(name);
    const cognito::ErrorRow& row = cognito::error_row(kind);
    print_message("  %s: %s\n", std::string(name).c_str(), std::string(row.word).c_str());
    assert_true(kind != ErrorKind::unknown_exception);
    assert_false(row.word.empty() || prompts::failure_text(row.text).empty());
    for (const Scenario& scenario : scenarios()) {
      for (std::size_t number = 0;
           const auto call :
           std::views::split(std::string_view(scenario.operations), std::string_view(", "))) {
        if (is_call_of(operation.name, std::string_view(call)))
          expect_closed(scenario, number, kind);
        ++number;
      }
    }
  }
}

// An error that tells of the account is not told: the user is asked for a code all the same.
void every_exception_of_resending_a_confirmation_ends_or_is_hidden(void**) {
  for (const ModelOperation& operation : model_operations()) {
    if (operation.name != "ResendConfirmationCode") continue;
    for (const std::string_view name : operation.exceptions) {
      World world;
      world.config->password.self_service = true;
      world.pool.reply_error(ErrorKind::user_not_confirmed);
      world.pool.fail("resend", cognito::kind_of_exception(name), kRaw);
      world.person->answers = {"right password", "", "123456"};
      const SignInResult result = world.run();
      assert_false(result.notice.text.contains(kRaw));
      const ErrorKind kind = cognito::kind_of_exception(name);
      if (cognito::error_row(kind).depends_on_account())
        assert_text(world.operations(), "sign_in, resend, confirm_sign_up, sign_in");
      else
        assert_outcome(result.outcome, cognito::error_row(kind).later);
    }
  }
}

// The pool's answers to a password for accounts in each state, as they come over the wire.
struct AccountState {
  const char* row;
  const char* exception;
  const char* text;
  const char* word;
  Outcome outcome;  // of a person who hangs up after the password
};

constexpr AccountState kAccountStates[] = {
    {"RESET_REQUIRED", "PasswordResetRequiredException", "Password reset required for the user",
     "password-reset-required", Outcome::conversation_broken},
    {"UNCONFIRMED", "UserNotConfirmedException", "User is not confirmed.", "user-not-confirmed",
     Outcome::conversation_broken},
    {"temporary password expired", "NotAuthorizedException",
     "Temporary password has expired and must be reset by an administrator.",
     "temporary-password-expired", Outcome::refused},
    {"disabled", "NotAuthorizedException", "User is disabled.", "user-disabled", Outcome::refused},
    {"federated", "NotAuthorizedException", "Incorrect username or password.", "not-authorized",
     Outcome::refused},
    {"unknown to the pool", "UserNotFoundException", "User does not exist.", "user-not-found",
     Outcome::refused},
    {"temporary password expired, the other text", "NotAuthorizedException",
     "User account has expired, it must be reset by an administrator.",
     "temporary-password-expired", Outcome::refused},
    {"locked out", "NotAuthorizedException", "Password attempts exceeded",
     "password-attempts-exceeded", Outcome::refused},
    {"blocked by its risk", "NotAuthorizedException",
     "Unable to login because of security reasons.", "blocked-by-risk", Outcome::refused},
    {"refused by a PreAuthentication trigger", "UserLambdaValidationException",
     "PreAuthentication failed with error Not at night.", "user-lambda-validation",
     Outcome::refused},
};

cognito::PoolError error_on_the_wire(const AccountState& account) {
  cognito::HttpResponse response;
  response.status = 400;
  response.error_type = account.exception;
  response.body = std::string(R"({"message":")") + account.text + R"("})";
  return cognito::error_of_response(response);
}

void account_state(void** state) {
  const auto& account = row_of<AccountState>(state);
  const cognito::PoolError error = error_on_the_wire(account);
  assert_text(cognito::error_row(error.kind).word, account.word);
  World world;
  world.pool.reply_error(error.kind, error.message);
  const SignInResult result = world.run();
  assert_outcome(result.outcome, account.outcome);
  if (account.outcome != Outcome::refused) return;  // it went on: another prompt
  assert_text(result.cause, account.word);
  assert_text(result.detail, account.text);
  assert_text(result.notice.text, prompts::refused());  // the same for all of them
  assert_int_equal(world.person->prompts.size(), 1);
}

// The pool's lock is told only to callers that are no attacker: the user's own uid, a place from
// which the user signed in before, and a user who has given the password.
void the_lock_is_told_to_those_who_are_known(void**) {
  enum class Who : std::uint8_t { stranger, known_place, own_uid, at_the_code };
  for (const Who who : {Who::stranger, Who::known_place, Who::own_uid, Who::at_the_code}) {
    World world;
    world.failures.remember("bob", world.origin);
    if (who == Who::known_place) world.failures.remember("alice", world.origin);
    if (who == Who::own_uid) world.origin = limits::Origin::of_uid(World::kAliceUid);
    if (who == Who::at_the_code) world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.pool.reply_error(ErrorKind::attempts_exceeded);
    world.person->answers = {"right password", "111111"};
    const SignInResult result = world.run();
    assert_text(result.cause, "password-attempts-exceeded");
    assert_text(result.notice.text,
                who == Who::stranger ? prompts::refused() : prompts::too_many_tries());
    assert_outcome(result.outcome,
                   who == Who::at_the_code ? Outcome::tries_exhausted : Outcome::refused);
  }
}

// A refusal that the pool gives before it has seen the password, as of an imported user: neither
// the time nor the budget tells it from a wrong password.
void an_early_refusal_counts_and_takes_time(void**) {
  for (const ErrorKind kind : {ErrorKind::imported_user, ErrorKind::user_not_found,
                               ErrorKind::user_disabled, ErrorKind::not_authorized}) {
    World world;
    for (int tries = 0; tries < 3; ++tries) {
      const auto slept = world.clock.slept;
      world.next_sign_in();
      world.pool.reply_error(kind, kRaw, false);
      assert_outcome(world.run().outcome, Outcome::refused);
      assert_true(world.clock.slept - slept == world.refusal_time);
    }
    world.next_sign_in();
    world.pool.reply_error(kind, kRaw, false);
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::tries_exhausted);
    assert_text(result.cause, "failure-budget");
  }
  // An error that tells nothing about an account costs no delay.
  World world;
  world.pool.reply_error(ErrorKind::internal_error, kRaw, false);
  assert_outcome(world.run().outcome, Outcome::failed);
  assert_true(world.clock.slept == std::chrono::milliseconds(0));
}

// Neither is the user pool's doing.
void a_shortage_here_and_a_missing_number_have_texts_of_their_own(void**) {
  assert_text(prompts::failure_text(cognito::error_row(ErrorKind::local_shortage).text),
              prompts::machine_busy());
  assert_text(prompts::failure_text(cognito::error_row(ErrorKind::mfa_method_not_found).text),
              prompts::no_address_for_codes());
  assert_text(prompts::failure_text(cognito::error_row(ErrorKind::too_many_requests).text),
              prompts::busy());
}

void account_state_force_change_password_goes_on(void**) {
  World world;
  world.pool.reply_challenge(ChallengeName::new_password_required);
  assert_outcome(world.run().outcome, Outcome::conversation_broken);
  assert_text(world.person->prompts[1], prompts::new_password(true));
}

// Answers of a front end before the pool name no exception.
struct Front {
  const char* row;
  int status;
  const char* body;
  const char* word;
};

constexpr Front kFronts[] = {
    {"a web ACL blocks: 403 without JSON", 403, "<html><body>403 Forbidden</body></html>",
     "waf-blocked"},
    {"a web ACL blocks: 403 without a body", 403, "", "waf-blocked"},
    {"a web ACL wants a CAPTCHA: 405", 405, "<html>Human Verification</html>", "captcha-required"},
    {"a web ACL wants a challenge: 202", 202, "", "captcha-required"},
    {"throttled: 429 without JSON", 429, "", "too-many-requests"},
    {"broken: 502 without JSON", 502, "Bad Gateway", "internal-error"},
};

void a_server_before_the_pool(void** state) {
  const auto& front = row_of<Front>(state);
  cognito::HttpResponse response;
  response.status = front.status;
  response.body = front.body;
  const cognito::PoolError error = cognito::error_of_response(response);
  assert_text(cognito::error_row(error.kind).word, front.word);
  World world;
  world.pool.reply_error(error.kind, error.message, false);
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::failed);  // not unavailable: an attacker may cause it
  assert_text(result.cause, front.word);
}

void a_triggers_refusal_is_shown_only_by_switch(void**) {
  constexpr char text[] = "PreAuthentication failed with error Not\x1b[2J at night.";
  for (const bool shown : {false, true}) {
    World world;
    world.config->texts.show_trigger_message = shown;
    world.pool.reply_error(ErrorKind::user_lambda_validation, text);
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::refused);
    assert_text(result.detail, text);  // the log has it in any case
    assert_text(result.notice.text, shown ? prompts::trigger_refusal(text) : prompts::refused());
    assert_false(result.notice.text.contains('\x1b'));
  }
}

void the_switch_shows_no_other_text_of_the_pool(void**) {
  for (const cognito::ErrorRow& row : cognito::error_rows()) {
    if (row.kind == ErrorKind::user_lambda_validation) continue;
    World world;
    world.config->texts.show_trigger_message = true;
    world.pool.reply_error(row.kind, kRaw);
    assert_false(world.run().notice.text.contains(kRaw));
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  tests.add({
      cmocka_unit_test(words_are_unique),
      cmocka_unit_test(no_row_lets_anybody_in),
      cmocka_unit_test(at_the_password),
      cmocka_unit_test(at_the_code),
      cmocka_unit_test(the_rows_that_matter_say_what_they_must),
      cmocka_unit_test(accounts_do_not_differ),
      cmocka_unit_test(every_exception_of_resending_a_confirmation_ends_or_is_hidden),
      cmocka_unit_test(the_lock_is_told_to_those_who_are_known),
      cmocka_unit_test(an_early_refusal_counts_and_takes_time),
      cmocka_unit_test(a_shortage_here_and_a_missing_number_have_texts_of_their_own),
      cmocka_unit_test(account_state_force_change_password_goes_on),
      cmocka_unit_test(a_triggers_refusal_is_shown_only_by_switch),
      cmocka_unit_test(the_switch_shows_no_other_text_of_the_pool),
  });
  const std::vector<ModelOperation> operations = model_operations();
  for (const ModelOperation& operation : operations)
    tests.add("each exception of " + std::string(operation.name),
              every_exception_of_the_operation_has_a_row_and_lets_nobody_in, operation);
  for (const AccountState& account : kAccountStates)
    tests.add(std::string("account state: ") + account.row, account_state, account);
  for (const Front& front : kFronts) tests.add(front.row, a_server_before_the_pool, front);
  return tests.run("error_table");
}
