// The client against cognito-pool over HTTPS, in this process: two programs that share no code must
// agree on what each operation says.
#include "tests/unit/cognito/local_pool.h"

#include <curl/curl.h>
#include <signal.h>

#include <string>

#include "daemon/cognito/challenge_parameters.h"

namespace pamcognito::test {
namespace {

using cognito::AuthFlow;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::FactorPreference;
using cognito::MfaPreference;
using cognito::SetUpProof;
using cognito::Tokens;

// Another code of the same length.
std::string wrong(std::string code) {
  code.back() = code.back() == '0' ? '1' : '0';
  return code;
}

void a_factor_that_the_pool_demands_is_set_up(void**) {
  for (const bool status_error : {false, true}) {
    LocalPool p;
    p.admin("settings/set", std::string(R"({"mfa_configuration":"ON","verify_answers_error":)") +
                                (status_error ? "true}" : "false}"));
    const auto step = p.sign_in("erin");
    assert_true(step.has_value());
    assert_int_equal(step->challenge->name, ChallengeName::mfa_setup);
    assert_false(cognito::factors_to_set_up(*step->challenge).empty());

    const auto token = p.run(p.client->associate_software_token(
        SetUpProof::by_challenge_session(step->challenge->challenge_session), p.soon()));
    assert_true(token.has_value());
    const SetUpProof proof = SetUpProof::by_challenge_session(token->challenge_session);
    const std::string code = p.totp_code(token->secret_code);
    const auto refused =
        p.run(p.client->verify_software_token(proof, wrong(code), "laptop", p.soon()));
    assert_int_equal(refused.has_value(), status_error);
    if (refused) assert_false(refused->verified);
    if (!refused) {
      assert_int_equal(refused.error().kind, ErrorKind::enable_software_token_mfa);
    }
    const auto check = p.run(p.client->verify_software_token(proof, code, "laptop", p.soon()));
    assert_true(check.has_value());
    assert_true(check->verified);
    Challenge last = *step->challenge;
    last.challenge_session = check->challenge_session;
    const Tokens tokens = p.tokens_of(p.respond(last, {}));
    const auto verified = p.run(p.client->verify(&tokens, p.soon()));
    assert_text(verified->username, "erin");

    const auto again = p.sign_in("erin");
    assert_int_equal(again->challenge->name, ChallengeName::software_token_mfa);
    assert_text(again->challenge->parameters.at("FRIENDLY_DEVICE_NAME"), "laptop");
  }
}

void a_signed_in_person_sets_up_and_prefers_a_factor(void**) {
  LocalPool p;
  const std::string access = p.tokens_of(p.sign_in("erin")).access_token;
  const auto before = p.run(p.client->get_user(access, p.soon()));
  assert_true(before->enabled_factors.empty());

  const SetUpProof proof = SetUpProof::by_access_token(access);
  const auto token = p.run(p.client->associate_software_token(proof, p.soon()));
  assert_true(token.has_value());
  const auto check =
      p.run(p.client->verify_software_token(proof, p.totp_code(token->secret_code), "", p.soon()));
  assert_true(check.has_value());
  assert_true(check->verified);
  MfaPreference preference;
  preference.totp = FactorPreference{true, true};
  assert_true(p.run(p.client->set_mfa_preference(access, preference, p.soon())).has_value());

  const auto after = p.run(p.client->get_user(access, p.soon()));
  assert_int_equal(after->enabled_factors.size(), 1);
  assert_text(after->enabled_factors[0], "SOFTWARE_TOKEN_MFA");
  assert_text(after->preferred_factor, "SOFTWARE_TOKEN_MFA");
  assert_int_equal(p.sign_in("erin")->challenge->name, ChallengeName::software_token_mfa);

  const auto bad = p.run(p.client->get_user(access + "x", p.soon()));
  assert_int_equal(bad.error().kind, ErrorKind::not_authorized);
}

void a_forgotten_password_is_replaced(void**) {
  LocalPool p;
  const auto delivery = p.run(p.client->forgot_password("erin", &p.context, p.soon()));
  assert_true(delivery.has_value());
  assert_text(delivery->medium, "EMAIL");
  assert_true(delivery->destination.contains("***"));
  const std::string code = p.message_code("erin");
  const Secret fresh = *Secret::copy_of("N\xc3\xa4w-\"Gnome\"-6");
  const Secret weak = *Secret::copy_of("weak");
  const auto confirm = [&](const std::string& typed, const Secret& password) {
    return p.run(p.client->confirm_forgot_password("erin", typed, &password, &p.context, p.soon()));
  };
  assert_int_equal(confirm(wrong(code), fresh).error().kind, ErrorKind::code_mismatch);
  assert_int_equal(confirm(code, weak).error().kind, ErrorKind::invalid_password);
  assert_true(confirm(code, fresh).has_value());
  assert_int_equal(p.sign_in("erin").error().kind, ErrorKind::not_authorized);
  (void)p.tokens_of(p.sign_in("erin", "N\xc3\xa4w-\"Gnome\"-6"));
}

void a_password_is_changed(void**) {
  LocalPool p;
  const std::string access = p.tokens_of(p.sign_in("erin")).access_token;
  const Secret old = *Secret::copy_of(kPassword);
  const Secret fresh = *Secret::copy_of("New-Gnome-6");
  const auto refused = p.run(p.client->change_password(access, &fresh, &fresh, p.soon()));
  assert_int_equal(refused.error().kind, ErrorKind::not_authorized);
  assert_true(refused.error().password_sent);
  assert_true(p.run(p.client->change_password(access, &old, &fresh, p.soon())).has_value());
  (void)p.tokens_of(p.sign_in("erin", "New-Gnome-6"));
}

void a_sign_up_is_confirmed(void**) {
  LocalPool p;
  assert_int_equal(p.sign_in("una").error().kind, ErrorKind::user_not_confirmed);
  const auto delivery = p.run(p.client->resend_confirmation_code("una", &p.context, p.soon()));
  assert_true(delivery.has_value());
  const std::string code = p.message_code("una");
  const auto confirm = [&](const std::string& typed) {
    return p.run(p.client->confirm_sign_up("una", typed, &p.context, p.soon()));
  };
  assert_int_equal(confirm(wrong(code)).error().kind, ErrorKind::code_mismatch);
  assert_true(confirm(code).has_value());
  (void)p.tokens_of(p.sign_in("una"));
}

void custom_challenges_with_and_without_srp(void**) {
  for (const AuthFlow flow : {AuthFlow::custom_srp, AuthFlow::custom}) {
    LocalPool p(flow);
    const bool srp = flow == AuthFlow::custom_srp;
    const auto wrong_password = p.sign_in("erin", "not it");
    assert_int_equal(wrong_password.has_value(), !srp);
    auto step = p.sign_in("erin");
    assert_true(step.has_value());
    assert_int_equal(step->challenge->name, ChallengeName::custom_challenge);
    assert_text(step->challenge->parameters.at("prompt"), "Colour?");
    step = p.respond(*step->challenge, {{"ANSWER", "red"}});
    assert_true(step.has_value());
    assert_int_equal(step->challenge->name, ChallengeName::custom_challenge);
    const Tokens tokens = p.tokens_of(p.respond(*step->challenge, {{"ANSWER", "blue"}}));
    assert_text(p.run(p.client->verify(&tokens, p.soon()))->username, "erin");
  }
}

void the_pool_sees_the_origin_and_the_metadata(void**) {
  LocalPool p;
  (void)p.tokens_of(p.sign_in("erin"));
  const Json::Value log = p.admin("log/list", "{}")["requests"];
  assert_int_equal(log.size(), 2);
  for (const Json::Value& request : log) {
    assert_text(request["ip"].asString(), "192.0.2.7");
    assert_text(request["metadata"]["service"].asString(), "sshd");
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_factor_that_the_pool_demands_is_set_up),
      cmocka_unit_test(a_signed_in_person_sets_up_and_prefers_a_factor),
      cmocka_unit_test(a_forgotten_password_is_replaced),
      cmocka_unit_test(a_password_is_changed),
      cmocka_unit_test(a_sign_up_is_confirmed),
      cmocka_unit_test(custom_challenges_with_and_without_srp),
      cmocka_unit_test(the_pool_sees_the_origin_and_the_metadata),
  };
  return cmocka_run_group_tests_name("local_pool", tests, nullptr, nullptr);
}
