#include "daemon/prompts/texts.h"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/prompts/catalogue.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::Method;

Challenge challenge(ChallengeName name, std::map<std::string, std::string> parameters) {
  Challenge challenge;
  challenge.name = name;
  challenge.parameters = std::move(parameters);
  return challenge;
}

std::string code(ChallengeName name, std::map<std::string, std::string> parameters = {}) {
  return prompts::code(challenge(name, std::move(parameters)));
}

void the_first_prompt_is_the_same_for_everybody(void**) {
  assert_string_equal(prompts::password().c_str(), "Password: ");
  assert_string_equal(prompts::password_and_code().c_str(), "Password: ");
}

void a_code_prompt_says_where_the_code_is(void**) {
  assert_string_equal(code(ChallengeName::sms_mfa, {{"CODE_DELIVERY_DELIVERY_MEDIUM", "SMS"},
                                                    {"CODE_DELIVERY_DESTINATION", "+*******4567"}})
                          .c_str(),
                      "Code sent to +*******4567 by SMS: ");
  assert_string_equal(
      code(ChallengeName::email_otp, {{"CODE_DELIVERY_DESTINATION", "a***@e***"}}).c_str(),
      "Code sent to a***@e*** by e-mail: ");
  assert_string_equal(code(ChallengeName::software_token_mfa).c_str(),
                      "Code from your authenticator app: ");
  assert_string_equal(
      code(ChallengeName::software_token_mfa, {{"FRIENDLY_DEVICE_NAME", "alice's phone"}}).c_str(),
      "Code from your authenticator app (alice's phone): ");
  assert_string_equal(code(ChallengeName::sms_mfa).c_str(), "Code sent by SMS: ");
}

void a_code_prompt_says_what_else_may_be_typed(void**) {
  const Challenge sms = challenge(ChallengeName::sms_mfa, {});
  const Challenge email =
      challenge(ChallengeName::email_otp, {{"CODE_DELIVERY_DESTINATION", "a***@e***"}});
  const Challenge app = challenge(ChallengeName::software_token_mfa, {});
  const Challenge named =
      challenge(ChallengeName::software_token_mfa, {{"FRIENDLY_DEVICE_NAME", "alice's phone"}});
  const prompts::InsteadOfCode again = {.send_again = true, .other_method = false};
  const prompts::InsteadOfCode other = {.send_again = false, .other_method = true};
  const prompts::InsteadOfCode both = {.send_again = true, .other_method = true};
  assert_text(prompts::code(sms, again), "Code sent by SMS (Enter = send again): ");
  assert_text(prompts::code(sms, other), "Code sent by SMS (o = other method): ");
  assert_text(prompts::code(sms, both),
              "Code sent by SMS (Enter = send again, o = other method): ");
  assert_text(prompts::code(email, again),
              "Code sent to a***@e*** by e-mail (Enter = send again): ");
  assert_text(prompts::code(email, other), "Code sent to a***@e*** by e-mail (o = other method): ");
  assert_text(prompts::code(email, both),
              "Code sent to a***@e*** by e-mail (Enter = send again, o = other method): ");
  assert_text(prompts::code(app, other), "Code from your authenticator app (o = other method): ");
  assert_text(prompts::code(named, other),
              "Code from your authenticator app (alice's phone; o = other method): ");
  // No message of an app's is sent.
  assert_text(prompts::code(app, again), "Code from your authenticator app: ");
}

void foreign_text_cannot_break_the_prompt(void**) {
  assert_string_equal(code(ChallengeName::software_token_mfa,
                           {{"FRIENDLY_DEVICE_NAME", "a\nPassword: \x1b[2J\x7f"}})
                          .c_str(),
                      "Code from your authenticator app (a?Password: ?[2J?): ");
  const std::string longest =
      code(ChallengeName::sms_mfa, {{"CODE_DELIVERY_DESTINATION", std::string(5000, '1')}});
  assert_string_equal(longest.c_str(),
                      ("Code sent to " + std::string(64, '1') + " by SMS: ").c_str());
}

void a_choice_is_a_numbered_list(void**) {
  const Challenge named =
      challenge(ChallengeName::select_mfa_type, {{"CODE_DELIVERY_DESTINATION", "+*******4567"}});
  // The destination could be that of either.
  assert_text(prompts::choice(named, {Method::totp, Method::sms, Method::email}),
              "Choose how to get your code:\n 1  authenticator app\n 2  SMS\n 3  e-mail\n"
              "Enter a number [1]: ");
  assert_text(prompts::choice(named, {Method::totp, Method::sms}),
              "Choose how to get your code:\n 1  authenticator app\n 2  SMS to +*******4567\n"
              "Enter a number [1]: ");
}

void a_factor_that_is_not_accepted_names_those_that_are(void**) {
  const std::string text = prompts::factor_not_accepted({Method::totp, Method::email});
  assert_true(text.find("authenticator app, e-mail.") != std::string::npos);
  assert_true(text.find("SMS") == std::string::npos);
}

std::string custom(std::map<std::string, std::string> parameters,
                   const std::vector<std::string>& names = {"prompt"}) {
  return prompts::custom_challenge(
      challenge(ChallengeName::custom_challenge, std::move(parameters)), names);
}

void a_custom_challenge_shows_the_named_parameters(void**) {
  assert_text(custom({}), "Answer: ");
  assert_text(custom({{"prompt", " \n"}}), "Answer: ");
  assert_text(custom({{"prompt", "What is 2 + 2?"}}, {}), "Answer: ");
  assert_text(custom({{"prompt", "What is 2 + 2?"}}), "What is 2 + 2?\nAnswer: ");
  assert_text(custom({{"prompt", "Badge number: "}}), "Badge number: ");
  assert_text(custom({{"b", "second"}, {"a", "first"}, {"c", "not named"}}, {"b", "x", "a"}),
              "second\nfirst\nAnswer: ");
}

void a_custom_challenge_cannot_break_the_prompt(void**) {
  assert_text(custom({{"prompt", "a\nPassword: \x1b[2J \xff"}}), "a Password: ?[2J ?\nAnswer: ");
  assert_text(custom({{"prompt", std::string(5000, 'x')}}), std::string(512, 'x') + "\nAnswer: ");
}

void a_trigger_s_words_stand_alone(void**) {
  const auto text = [](std::string_view pools) { return prompts::trigger_refusal(pools); };
  assert_text(text("PreAuthentication failed with error Only on weekdays."), "Only on weekdays.");
  assert_text(text("UserMigration failed with error No."), "No.");
  assert_text(text("Only on weekdays"), "Only on weekdays");
  assert_text(text("Two words failed with error x"), "Two words failed with error x");
  assert_text(text(" failed with error x"), " failed with error x");
  assert_text(text("A failed with error a\nb\tc\x1b"), "a b?c?");
  assert_int_equal(text("A failed with error " + std::string(999, 'x')).size(), 256);
  assert_text(text("PreAuthentication failed with error ."), prompts::refused());
  assert_text(text(""), prompts::refused());
}

void a_password_that_the_pool_refuses_is_explained(void**) {
  assert_text(prompts::password_not_allowed(
                  "Password did not conform with policy: Password not long enough"),
              "Password not accepted: Password not long enough");
  assert_text(prompts::password_not_allowed("In use\n"), "Password not accepted: In use?");
  const std::string long_reason(200, 'r');
  assert_true(prompts::password_not_allowed(long_reason).ends_with(long_reason));
  assert_text(prompts::password_not_allowed(""), "Password not accepted.");
}

void a_new_password_is_explained_where_it_is_demanded(void**) {
  assert_text(prompts::new_password(true), "Your password must be changed. New password: ");
  assert_text(prompts::new_password(false), "New password: ");
}

void an_attribute_is_asked_for_in_plain_words(void**) {
  assert_text(prompts::attribute("nickname"), "nickname: ");
  assert_text(prompts::attribute("given_name"), "given name: ");
  assert_text(prompts::attribute("birthdate"), "birth date (YYYY-MM-DD): ");
  assert_text(prompts::attribute("custom:badge"), "custom:badge: ");
  assert_text(prompts::attribute("a\nPassword: \x1b"), "a?Password: ?: ");
}

void yes_is_a_whole_word(void**) {
  for (const char* yes : {"yes", "YES", " Yes\t", "yes\n"}) {
    if (!prompts::is_yes(yes)) fail_msg("not taken: %s", yes);
  }
  for (const char* no : {"", " ", "y", "yess", "no", "ja", "y es"}) {
    if (prompts::is_yes(no)) fail_msg("taken: %s", no);
  }
}

void every_question_ends_where_the_answer_is_typed(void**) {
  for (const std::string& question :
       {prompts::current_password(), prompts::new_password_again(), prompts::attribute("nickname"),
        prompts::totp_setup_again(), prompts::setup_choice({Method::totp, Method::email}),
        prompts::setup_email(), prompts::reset_code(true), prompts::forgot_password_question(),
        prompts::forgot_password_code(true), prompts::confirmation_code(true),
        prompts::code(challenge(ChallengeName::other, {})),
        prompts::totp_setup({"ABCD", "Cognito", "alice"}, policy::Qr::none)}) {
    if (!question.ends_with(": ")) fail_msg("%s", question.c_str());
  }
}

void each_end_says_what_to_do(void**) {
  // The text of a wrong password has no reason; each other text has a remedy, or nothing can be
  // done.
  assert_text(prompts::refused(), "Sign-in failed. Check your user name and password.");
  for (const std::string& end :
       {prompts::second_factor_needed(), prompts::cannot_set_up(), prompts::needs_other_step(),
        prompts::no_time_to_set_up(false), prompts::factor_not_accepted({Method::totp}),
        prompts::not_permitted(), prompts::needs_other_way(), prompts::ask_administrator()}) {
    if (!end.ends_with(". Ask your administrator.")) fail_msg("%s", end.c_str());
  }
  assert_true(prompts::no_time_to_set_up(true).ends_with("Start the sign-in again."));
}

void the_organization_s_contact_replaces_the_administrator(void**) {
  prompts::use_help("Help: phone 4711.");
  assert_text(prompts::cannot_change_here(), "Passwords cannot be changed here. Help: phone 4711.");
  prompts::use_help("");
  assert_text(prompts::cannot_change_here(),
              "Passwords cannot be changed here. Ask your administrator.");
}

void a_number_is_told_only_where_there_is_one(void**) {
  assert_text(prompts::wrong_code(0), "Incorrect code.");
  assert_text(prompts::wrong_code(1), "Incorrect code. 1 attempt left.");
  assert_text(prompts::wrong_code(2), "Incorrect code. 2 attempts left.");
  using std::chrono::seconds;
  assert_text(prompts::too_many_wrong_codes(seconds(0)),
              "Too many wrong codes. Please start again.");
  assert_text(prompts::too_many_wrong_codes(seconds(60)),
              "Too many wrong codes. Try again in 1 minute.");
  // Not too early.
  assert_text(prompts::too_many_wrong_codes(seconds(61)),
              "Too many wrong codes. Try again in 2 minutes.");
  assert_text(prompts::too_many_failures(seconds(900)),
              "Too many failed attempts. Try again in 15 minutes.");
  assert_text(prompts::too_many_failures(seconds(1)),
              "Too many failed attempts. Try again in 1 minute.");
  assert_text(prompts::seconds_left(seconds(1)), "1 second left.");
  assert_text(prompts::seconds_left(seconds(30)), "30 seconds left.");
}

void a_refusal_has_the_sign_in_s_id(void**) {
  assert_text(prompts::with_reference("Sign-in failed.", "4f1d9c0a77b2e358"),
              "Sign-in failed. (Ref 4f1d9c0a77b2e358)");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_first_prompt_is_the_same_for_everybody),
      cmocka_unit_test(a_code_prompt_says_where_the_code_is),
      cmocka_unit_test(a_code_prompt_says_what_else_may_be_typed),
      cmocka_unit_test(foreign_text_cannot_break_the_prompt),
      cmocka_unit_test(a_choice_is_a_numbered_list),
      cmocka_unit_test(a_factor_that_is_not_accepted_names_those_that_are),
      cmocka_unit_test(a_custom_challenge_shows_the_named_parameters),
      cmocka_unit_test(a_custom_challenge_cannot_break_the_prompt),
      cmocka_unit_test(a_trigger_s_words_stand_alone),
      cmocka_unit_test(a_password_that_the_pool_refuses_is_explained),
      cmocka_unit_test(a_new_password_is_explained_where_it_is_demanded),
      cmocka_unit_test(an_attribute_is_asked_for_in_plain_words),
      cmocka_unit_test(yes_is_a_whole_word),
      cmocka_unit_test(every_question_ends_where_the_answer_is_typed),
      cmocka_unit_test(each_end_says_what_to_do),
      cmocka_unit_test(the_organization_s_contact_replaces_the_administrator),
      cmocka_unit_test(a_number_is_told_only_where_there_is_one),
      cmocka_unit_test(a_refusal_has_the_sign_in_s_id),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
