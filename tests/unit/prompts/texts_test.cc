#include "daemon/prompts/texts.h"

#include <string>
#include <utility>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;
using cognito::Challenge;
using cognito::ChallengeName;
using policy::Method;

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
  assert_string_equal(prompts::choice({Method::totp, Method::sms, Method::email}).c_str(),
                      "How do you want to get your code?\n 1  authenticator app\n 2  SMS\n"
                      " 3  e-mail\nNumber: ");
}

void a_factor_that_is_not_accepted_names_those_that_are(void**) {
  const std::string text = prompts::factor_not_accepted({Method::totp, Method::email});
  assert_true(text.find("authenticator app, e-mail.") != std::string::npos);
  assert_true(text.find("SMS") == std::string::npos);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_first_prompt_is_the_same_for_everybody),
      cmocka_unit_test(a_code_prompt_says_where_the_code_is),
      cmocka_unit_test(foreign_text_cannot_break_the_prompt),
      cmocka_unit_test(a_choice_is_a_numbered_list),
      cmocka_unit_test(a_factor_that_is_not_accepted_names_those_that_are),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
