// CUSTOM_AUTH with and without SRP before the pool's own challenges, and what goes with every call.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/secret_hash.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/scripted_pool.h"

namespace pamcognito::test {
namespace {

using cognito::AuthFlow;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::HttpFailure;
using cognito::HttpResult;

constexpr char kCustom[] =
    R"({"ChallengeName":"CUSTOM_CHALLENGE","Session":"session-1",)"
    R"("ChallengeParameters":{"USERNAME":"alice-id","prompt":"Your password:"}})";

Challenge custom_challenge() {
  Challenge challenge;
  challenge.name = ChallengeName::custom_challenge;
  challenge.wire_name = "CUSTOM_CHALLENGE";
  challenge.challenge_session = "session-1";
  challenge.username = "alice-id";
  return challenge;
}

void srp_comes_before_the_custom_challenge(void**) {
  ScriptedPool p({answered(200, kVerifier), answered(200, kCustom)},
                 with_secret(make_config(AuthFlow::custom_srp)));
  const auto step = p.sign_in();
  assert_true(step.has_value());
  assert_int_equal(step->challenge->name, ChallengeName::custom_challenge);
  assert_text(step->challenge->username, "alice-id");
  assert_text(step->challenge->parameters.at("prompt"), "Your password:");

  assert_int_equal(p.sent(), 2);
  assert_text(p.target(0), "X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth");
  const Json::Value first = p.body(0);
  assert_text(first["AuthFlow"].asString(), "CUSTOM_AUTH");
  const Json::Value& parameters = first["AuthParameters"];
  assert_text(parameters["CHALLENGE_NAME"].asString(), "SRP_A");
  assert_text(parameters["USERNAME"].asString(), "alice");
  assert_text(parameters["SECRET_HASH"].asString(),
              *cognito::secret_hash("client-secret", "alice", kClient));
  assert_true(parameters["SRP_A"].asString().size() > 700);
  assert_int_equal(parameters.size(), 4);
  assert_text(p.body(1)["ChallengeName"].asString(), "PASSWORD_VERIFIER");
  for (std::size_t i = 0; i < p.sent(); ++i) {
    assert_false(p.wire(i).contains("Correct-Horse-7"));
  }
}

void without_srp_only_the_name_is_sent(void**) {
  ScriptedPool p({answered(200, kCustom), answered(200, kTokens)}, make_config(AuthFlow::custom));
  const auto step = p.sign_in("alias");
  assert_true(step.has_value());
  assert_int_equal(step->challenge->name, ChallengeName::custom_challenge);
  assert_text(step->challenge->username, "alice-id");
  assert_int_equal(p.sent(), 1);
  assert_text(p.wire(0), std::string(R"({"AuthFlow":"CUSTOM_AUTH","ClientId":")") + kClient +
                             R"(","AuthParameters":{"USERNAME":"alias"},)" +
                             R"("ClientMetadata":{"service":"sshd"}})");

  assert_true(p.respond(*step->challenge, {{"ANSWER", "Correct-Horse-7"}}).has_value());
  assert_text(p.wire(1),
              std::string(R"({"ChallengeName":"CUSTOM_CHALLENGE","ClientId":")") + kClient +
                  R"(","Session":"session-1","ChallengeResponses":{"ANSWER":"Correct-Horse-7",)" +
                  R"("USERNAME":"alice-id"},"ClientMetadata":{"service":"sshd"}})");
}

void without_srp_a_client_with_a_secret_sends_its_hash(void**) {
  ScriptedPool p({answered(200, kCustom)}, with_secret(make_config(AuthFlow::custom)));
  assert_true(p.sign_in().has_value());
  assert_text(p.body(0)["AuthParameters"]["SECRET_HASH"].asString(),
              *cognito::secret_hash("client-secret", "alice", kClient));
}

void a_challenge_that_names_nobody_keeps_the_name_that_was_typed(void**) {
  for (const char* parameters : {"null", "{}", R"({"USERNAME":""})"}) {
    ScriptedPool p(
        {answered(200, std::string(R"({"ChallengeName":"CUSTOM_CHALLENGE",)") +
                           R"("Session":"s","ChallengeParameters":)" + parameters + "}")},
        make_config(AuthFlow::custom));
    assert_text(p.sign_in("alias")->challenge->username, "alias");
  }
}

// A DefineAuthChallenge trigger that issues tokens at once would accept every caller with a user
// name.
void tokens_before_any_proof_are_refused_and_revoked(void**) {
  ScriptedPool p({answered(200, kTokens), answered(200, "{}")}, make_config(AuthFlow::custom));
  const auto step = p.sign_in();
  assert_false(step.has_value());
  assert_int_equal(step.error().kind, ErrorKind::bad_response);
  assert_false(step.error().password_sent);
  assert_int_equal(p.sent(), 2);
  assert_text(p.target(1), "X-Amz-Target: AWSCognitoIdentityProviderService.RevokeToken");
  assert_text(p.body(1)["Token"].asString(), "r");
}

void only_password_verifier_follows_srp(void**) {
  for (const char* answer : {kTokens, kCustom, kTotp}) {
    ScriptedPool p({answered(200, answer)}, make_config(AuthFlow::custom_srp));
    const auto step = p.sign_in();
    assert_int_equal(step.error().kind, ErrorKind::bad_response);
    assert_int_equal(p.sent(), 1);
  }
}

struct RetryCase {
  AuthFlow flow;
  std::vector<HttpResult> answers;
  std::size_t sent;
  bool success;
};

void a_lambda_is_not_run_twice(void**) {
  const HttpResult none = failed(HttpFailure::not_connected);
  const HttpResult cut = failed(HttpFailure::cut);
  const HttpResult throttled = answered(400, R"({"__type":"TooManyRequestsException"})");
  const HttpResult broken = answered(500, R"({"__type":"InternalErrorException"})");
  const HttpResult verifier = answered(200, kVerifier);
  const HttpResult custom = answered(200, kCustom);
  const RetryCase table[] = {
      {AuthFlow::custom, {none, custom}, 2, true},
      {AuthFlow::custom, {throttled, custom}, 2, true},
      {AuthFlow::custom, {cut, custom}, 1, false},
      {AuthFlow::custom, {broken, custom}, 1, false},
      {AuthFlow::custom_srp, {cut, verifier, custom}, 3, true},
      {AuthFlow::custom_srp, {broken, verifier, custom}, 3, true},
      {AuthFlow::custom_srp, {verifier, cut, custom}, 2, false},
  };
  for (const auto& row : table) {
    ScriptedPool p(row.answers, make_config(row.flow));
    assert_int_equal(p.sign_in().has_value(), row.success);
    assert_int_equal(p.sent(), row.sent);
  }
}

// Has the password left?

struct SentCase {
  AuthFlow flow;
  HttpResult answer;
  bool password_sent;
};

void an_answer_to_a_custom_challenge_may_be_the_password(void**) {
  const HttpResult refused = answered(400, R"({"__type":"NotAuthorizedException"})");
  const SentCase table[] = {
      {AuthFlow::custom, refused, true},
      {AuthFlow::custom, failed(HttpFailure::cut), true},
      {AuthFlow::custom, answered(200, "{}"), true},
      {AuthFlow::custom, failed(HttpFailure::not_started), false},
      {AuthFlow::custom_srp, refused, false},
      {AuthFlow::custom_srp, answered(200, "{}"), false},
      {AuthFlow::srp, refused, false},
  };
  for (const auto& row : table) {
    ScriptedPool p({row.answer}, make_config(row.flow));
    const auto step = p.respond(custom_challenge(), {{"ANSWER", "Correct-Horse-7"}});
    assert_false(step.has_value());
    assert_int_equal(step.error().password_sent, row.password_sent);
  }
  ScriptedPool code({refused}, make_config(AuthFlow::custom));
  Challenge challenge = custom_challenge();
  challenge.name = ChallengeName::sms_mfa;
  assert_false(code.respond(challenge, {{"SMS_MFA_CODE", "123456"}}).error().password_sent);
  ScriptedPool first({refused}, make_config(AuthFlow::custom));
  assert_false(first.sign_in().error().password_sent);
}

void an_answer_that_is_not_utf_8_stays_here(void**) {
  const std::pair<ChallengeName, ErrorKind> table[] = {
      {ChallengeName::custom_challenge, ErrorKind::not_authorized},
      {ChallengeName::new_password_required, ErrorKind::invalid_password},
      {ChallengeName::sms_mfa, ErrorKind::code_mismatch},
  };
  for (const auto& [name, kind] : table) {
    ScriptedPool p({}, make_config(AuthFlow::custom));
    Challenge challenge = custom_challenge();
    challenge.name = name;
    const auto step = p.respond(challenge, {{"ANSWER", "caf\xe9"}});
    assert_int_equal(step.error().kind, kind);
    assert_false(step.error().password_sent);
    assert_int_equal(p.sent(), 0);
  }
}

// Data that accompanies every call.

void the_origin_goes_with_each_call_if_it_is_known(void**) {
  for (const AuthFlow flow : {AuthFlow::srp, AuthFlow::custom_srp}) {
    ScriptedPool p({answered(200, kVerifier), answered(200, kCustom), answered(200, kTokens)},
                   make_config(flow));
    p.context.remote_address = "2001:db8::7";
    const auto step = p.sign_in();
    (void)p.respond(*step->challenge, {{"ANSWER", "x"}});
    assert_int_equal(p.sent(), 3);
    for (std::size_t i = 0; i < p.sent(); ++i) {
      assert_true(p.wire(i).ends_with(R"("UserContextData":{"IpAddress":"2001:db8::7"}})"));
    }
  }
  for (const AuthFlow flow : {AuthFlow::password, AuthFlow::custom}) {
    ScriptedPool p({answered(200, kCustom)}, make_config(flow));
    p.context.remote_address = "192.0.2.7";
    (void)p.sign_in();
    assert_text(p.body(0)["UserContextData"]["IpAddress"].asString(), "192.0.2.7");
  }
  ScriptedPool unknown({answered(200, kCustom)}, make_config(AuthFlow::custom));
  (void)unknown.sign_in();
  assert_false(unknown.wire(0).contains("UserContextData"));
}

void a_fact_that_is_not_utf_8_is_left_out(void**) {
  ScriptedPool p({answered(200, kCustom)}, make_config(AuthFlow::custom));
  p.context.client_metadata = {{"service", "sshd"}, {"host", "caf\xe9"}, {"\xff", "x"}};
  assert_true(p.sign_in().has_value());
  assert_int_equal(p.body(0)["ClientMetadata"].size(), 1);
  ScriptedPool nothing({answered(200, kCustom)}, make_config(AuthFlow::custom));
  nothing.context.client_metadata.clear();
  (void)nothing.sign_in();
  assert_false(nothing.wire(0).contains("ClientMetadata"));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(srp_comes_before_the_custom_challenge),
      cmocka_unit_test(without_srp_only_the_name_is_sent),
      cmocka_unit_test(without_srp_a_client_with_a_secret_sends_its_hash),
      cmocka_unit_test(a_challenge_that_names_nobody_keeps_the_name_that_was_typed),
      cmocka_unit_test(tokens_before_any_proof_are_refused_and_revoked),
      cmocka_unit_test(only_password_verifier_follows_srp),
      cmocka_unit_test(a_lambda_is_not_run_twice),
      cmocka_unit_test(an_answer_to_a_custom_challenge_may_be_the_password),
      cmocka_unit_test(an_answer_that_is_not_utf_8_stays_here),
      cmocka_unit_test(the_origin_goes_with_each_call_if_it_is_known),
      cmocka_unit_test(a_fact_that_is_not_utf_8_is_left_out),
  };
  return cmocka_run_group_tests_name("custom_auth", tests, nullptr, nullptr);
}
