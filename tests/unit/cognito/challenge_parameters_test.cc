#include "daemon/cognito/challenge_parameters.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using cognito::Challenge;
using cognito::ChallengeName;
using cognito::factor_of;
using cognito::factors_to_choose;
using cognito::factors_to_set_up;
using cognito::Method;
using cognito::OfferedFactor;

Challenge offering(const char* parameter, const std::string& text) {
  Challenge challenge;
  challenge.parameters[parameter] = text;
  return challenge;
}

std::string names_of(const std::vector<OfferedFactor>& factors) {
  std::string names;
  for (const OfferedFactor& factor : factors) names += factor.wire_name + ' ';
  return names;
}

void factors_are_a_json_array_in_a_text(void**) {
  const std::pair<const char*, const char*> table[] = {
      {R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])", "SMS_MFA SOFTWARE_TOKEN_MFA "},
      {R"(["EMAIL_OTP","NEW_ONE","SOFTWARE_TOKEN_MFA"])", "EMAIL_OTP SOFTWARE_TOKEN_MFA "},
      {R"(["EMAIL_MFA"])", "EMAIL_MFA "},
      {"[]", ""},
      {"", ""},
      {"SOFTWARE_TOKEN_MFA", ""},
      {R"({"a":"SMS_MFA"})", ""},
      {R"(["SMS_MFA",7])", ""},
      {"[[[[[[[[[[[[]]]]]]]]]]]]", ""},
      {R"(["SMS_MFA"] x)", ""},
      {R"(["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","SMS_MFA"])", ""},
  };
  for (const auto& [text, names] : table) {
    assert_text(names_of(factors_to_choose(offering("MFAS_CAN_CHOOSE", text))), names);
    assert_text(names_of(factors_to_set_up(offering("MFAS_CAN_SETUP", text))), names);
  }
  const auto offered = factors_to_set_up(offering("MFAS_CAN_SETUP", R"(["EMAIL_OTP"])"));
  assert_int_equal(offered[0].method, Method::email);
}

void nothing_said_is_nothing_to_choose_and_totp_to_set_up(void**) {
  const Challenge silent;
  assert_true(factors_to_choose(silent).empty());
  const auto offered = factors_to_set_up(silent);
  assert_int_equal(offered.size(), 1);
  assert_int_equal(offered[0].method, Method::totp);
  assert_text(offered[0].wire_name, "SOFTWARE_TOKEN_MFA");
  assert_int_equal(factors_to_set_up(offering("MFAS_CAN_CHOOSE", "[]")).size(), 1);
}

void a_custom_challenge_is_no_code_challenge(void**) {
  assert_true(factor_of(ChallengeName::sms_mfa) == Method::sms);
  assert_true(factor_of(ChallengeName::email_otp) == Method::email);
  assert_true(factor_of(ChallengeName::software_token_mfa) == Method::totp);
  for (const ChallengeName name : {ChallengeName::select_mfa_type, ChallengeName::mfa_setup,
                                   ChallengeName::new_password_required,
                                   ChallengeName::custom_challenge, ChallengeName::other}) {
    assert_false(factor_of(name).has_value());
  }
}

// 50 attributes of 2,048 characters, as Cognito's quotas allow them.
void all_attributes_of_an_account_are_seen(void**) {
  std::string present = R"({"email":"alice@example.com")";
  for (int i = 0; i < 50; ++i)
    present += R"(,"custom:a)" + std::to_string(i) + R"(":")" + std::string(2048, 'x') + '"';
  Challenge challenge;
  challenge.parameters["requiredAttributes"] = R"(["userAttributes.email","userAttributes.name"])";
  challenge.parameters["userAttributes"] = present + "}";
  const auto missing = cognito::missing_attributes(challenge);
  assert_true(missing.has_value());
  assert_int_equal(missing->size(), 1);
  assert_text(missing->front(), "name");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(factors_are_a_json_array_in_a_text),
      cmocka_unit_test(nothing_said_is_nothing_to_choose_and_totp_to_set_up),
      cmocka_unit_test(a_custom_challenge_is_no_code_challenge),
      cmocka_unit_test(all_attributes_of_an_account_are_seen),
  };
  return cmocka_run_group_tests_name("factors", tests, nullptr, nullptr);
}
