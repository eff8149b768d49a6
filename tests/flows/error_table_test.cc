#include "daemon/flows/error_table.h"

#include <set>
#include <string>

#include "tests/cmocka_cpp.h"
#include "tests/flows/scripted.h"

// Walks the table: each failure of the pool, at the password and at the code.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using flows::SignInResult;

constexpr char kRaw[] = "raw text of the pool";

void words_are_unique(void**) {
  std::set<std::string_view> words;
  for (const flows::ErrorRow& row : flows::error_rows()) assert_true(words.insert(row.word).second);
}

void no_row_lets_anybody_in(void**) {
  for (const flows::ErrorRow& row : flows::error_rows()) {
    assert_true(row.at_password != Outcome::success && row.later != Outcome::success);
    assert_true(row.later != Outcome::unavailable);
    assert_true(row.at_password != Outcome::unavailable || row.kind == ErrorKind::not_connected);
  }
}

void at_the_password(void**) {
  for (const flows::ErrorRow& row : flows::error_rows()) {
    World world;
    world.pool.reply_error(row.kind, kRaw, false);
    const SignInResult result = world.run();
    assert_outcome(result.outcome, row.at_password);
    assert_text(result.cause, row.word);
    assert_text(result.detail, kRaw);
    assert_false(result.notice.text.empty());
    assert_false(result.notice.text.contains(kRaw));
  }
}

void at_the_code(void**) {
  for (const flows::ErrorRow& row : flows::error_rows()) {
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

// What docs promise, written a second time by hand.
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
      {ErrorKind::not_connected, Outcome::unavailable, Outcome::failed},
      {ErrorKind::connection_cut, Outcome::failed, Outcome::failed},
      {ErrorKind::timed_out, Outcome::failed, Outcome::failed},
      {ErrorKind::bad_response, Outcome::failed, Outcome::failed},
      {ErrorKind::tokens_rejected, Outcome::failed, Outcome::failed},
      {ErrorKind::internal, Outcome::unforeseen, Outcome::unforeseen},
  };
  for (const Row& row : rows) {
    print_message("%s\n", std::string(flows::error_row(row.kind).word).c_str());
    assert_outcome(flows::error_row(row.kind).at_password, row.at_password);
    assert_outcome(flows::error_row(row.kind).later, row.later);
  }
}

// One text for a wrong password, an unknown user and a disabled one.
void accounts_do_not_differ(void**) {
  std::set<std::string> texts;
  for (const ErrorKind kind :
       {ErrorKind::not_authorized, ErrorKind::user_not_found, ErrorKind::user_not_confirmed,
        ErrorKind::password_reset_required, ErrorKind::user_lambda_validation}) {
    assert_outcome(flows::error_row(kind).at_password, Outcome::refused);
    texts.insert(flows::error_row(kind).text());
  }
  assert_int_equal(texts.size(), 1);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(words_are_unique),
      cmocka_unit_test(no_row_lets_anybody_in),
      cmocka_unit_test(at_the_password),
      cmocka_unit_test(at_the_code),
      cmocka_unit_test(the_rows_that_matter_say_what_they_must),
      cmocka_unit_test(accounts_do_not_differ),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
