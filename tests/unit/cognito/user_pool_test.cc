#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/bounds.h"
#include "daemon/cognito/cognito_user_pool.h"
#include "daemon/cognito/secret_hash.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"
#include "tests/unit/cognito/scripted_pool.h"
#include "tests/unit/cognito/token_factory.h"

namespace pamcognito::test {
namespace {

using cognito::AuthFlow;
using cognito::AuthStep;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::HttpFailure;
using cognito::HttpRequest;
using cognito::HttpResult;
using cognito::PoolConfig;
using cognito::Tokens;
using runtime::EventLoop;
using runtime::seconds;

Challenge totp_challenge() {
  Challenge challenge;
  challenge.name = ChallengeName::software_token_mfa;
  challenge.wire_name = "SOFTWARE_TOKEN_MFA";
  challenge.challenge_session = "session-1";
  challenge.username = "alice-id";
  return challenge;
}

void a_password_by_srp_and_a_code(void**) {
  ScriptedPool p({answered(200, kVerifier), answered(200, kTotp), answered(200, kTokens)});
  const auto step = p.sign_in();
  assert_true(step.has_value());
  assert_non_null(step->challenge.get());
  assert_int_equal(step->challenge->name, ChallengeName::software_token_mfa);
  assert_text(step->challenge->challenge_session, "session-1");
  assert_text(step->challenge->username, "alice-id");
  assert_text(step->challenge->parameters.at("FRIENDLY_DEVICE_NAME"), "phone");
  assert_text(step->challenge->request_id, "request-1");

  assert_text(p.http->requests[0].url, "https://cognito-idp.eu-west-1.amazonaws.com/");
  assert_text(p.target(0), "X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth");
  const Json::Value first = p.body(0);
  assert_text(first["AuthFlow"].asString(), "USER_SRP_AUTH");
  assert_text(first["ClientId"].asString(), kClient);
  assert_text(first["AuthParameters"]["USERNAME"].asString(), "alice");
  assert_true(first["AuthParameters"]["SRP_A"].asString().size() > 700);
  assert_false(first["AuthParameters"].isMember("SECRET_HASH"));
  assert_false(first["AuthParameters"].isMember("DEVICE_KEY"));
  assert_text(first["ClientMetadata"]["service"].asString(), "sshd");

  assert_text(p.target(1),
              "X-Amz-Target: AWSCognitoIdentityProviderService.RespondToAuthChallenge");
  const Json::Value second = p.body(1);
  assert_text(second["ChallengeName"].asString(), "PASSWORD_VERIFIER");
  const Json::Value& responses = second["ChallengeResponses"];
  assert_text(responses["USERNAME"].asString(), "alice-id");
  assert_text(responses["PASSWORD_CLAIM_SECRET_BLOCK"].asString(), "HH3IY+LV");
  assert_int_equal(responses["PASSWORD_CLAIM_SIGNATURE"].asString().size(), 44);
  assert_text(responses["TIMESTAMP"].asString(), cognito::srp::timestamp(p.clock.wall));
  assert_false(second.isMember("Session"));
  assert_text(second["ClientMetadata"]["service"].asString(), "sshd");
  for (const auto& request : p.http->requests) {
    assert_true(request.body.find("Correct-Horse-7") == std::string::npos);
  }

  const auto done = p.respond(*step->challenge, {{"SOFTWARE_TOKEN_MFA_CODE", "123456"}});
  assert_true(done.has_value());
  assert_non_null(done->tokens.get());
  assert_text(done->tokens->access_token, "a.b.c");
  assert_text(done->tokens->refresh_token, "r");
  assert_text(done->tokens->device_key, "k");
  assert_text(done->tokens->device_group_key, "g");
  const Json::Value third = p.body(2);
  assert_text(third["Session"].asString(), "session-1");
  assert_text(third["ChallengeName"].asString(), "SOFTWARE_TOKEN_MFA");
  assert_text(third["ChallengeResponses"]["SOFTWARE_TOKEN_MFA_CODE"].asString(), "123456");
  assert_text(third["ChallengeResponses"]["USERNAME"].asString(), "alice-id");
}

void a_client_with_a_secret_sends_its_hash(void**) {
  PoolConfig config = make_config();
  config.client_secret = std::make_shared<const Secret>(*Secret::copy_of("client-secret"));
  ScriptedPool p(
      {answered(200, kVerifier), answered(200, kTotp), answered(200, kTokens), answered(200, "{}")},
      config);
  const auto step = p.sign_in();
  (void)p.respond(*step->challenge, {{"SOFTWARE_TOKEN_MFA_CODE", "123456"}});
  const auto hash = [](const char* user) {
    return *cognito::secret_hash("client-secret", user, kClient);
  };
  assert_text(p.body(0)["AuthParameters"]["SECRET_HASH"].asString(), hash("alice"));
  assert_text(p.body(1)["ChallengeResponses"]["SECRET_HASH"].asString(), hash("alice-id"));
  assert_text(p.body(2)["ChallengeResponses"]["SECRET_HASH"].asString(), hash("alice-id"));
  assert_true(run_task(p.loop, p.pool.revoke("refresh", p.loop.now() + seconds(8))).has_value());
  assert_text(p.body(3)["ClientSecret"].asString(), "client-secret");
  assert_text(p.body(3)["Token"].asString(), "refresh");
  assert_text(p.target(3), "X-Amz-Target: AWSCognitoIdentityProviderService.RevokeToken");
}

void the_password_flow_sends_one_request(void**) {
  ScriptedPool p({answered(200, kTotp)}, make_config(AuthFlow::password));
  const auto step = p.sign_in("alice@example.com");
  assert_true(step.has_value());
  assert_text(step->challenge->username, "alice-id");
  assert_int_equal(p.sent(), 1);
  const Json::Value body = p.body(0);
  assert_text(body["AuthFlow"].asString(), "USER_PASSWORD_AUTH");
  assert_text(body["AuthParameters"]["PASSWORD"].asString(), "Correct-Horse-7");
  assert_text(body["AuthParameters"]["USERNAME"].asString(), "alice@example.com");
}

void the_name_to_use_is_the_best_that_was_named(void**) {
  const std::pair<const char*, const char*> table[] = {
      {R"({"USERNAME":"real","USER_ID_FOR_SRP":"id"})", "id"},
      {R"({"USERNAME":"real"})", "real"},
      {R"({})", "alias"},
  };
  for (const auto& [parameters, name] : table) {
    ScriptedPool p({answered(200, std::string(R"({"ChallengeName":"SMS_MFA","Session":"s",)") +
                                      R"("ChallengeParameters":)" + parameters + "}")},
                   make_config(AuthFlow::password));
    assert_text(p.sign_in("alias")->challenge->username, name);
  }
}

void a_password_that_is_not_utf_8_stays_here(void**) {
  ScriptedPool p({}, make_config(AuthFlow::password));
  p.password = *Secret::copy_of("caf\xe9");
  const auto step = p.sign_in();
  assert_int_equal(step.error().kind, ErrorKind::not_authorized);
  assert_false(step.error().password_sent);
  assert_int_equal(p.sent(), 0);
}

void an_unknown_challenge_keeps_its_name(void**) {
  ScriptedPool p({answered(200, kVerifier),
                  answered(200, R"({"ChallengeName":"SOMETHING_NEW","Session":"s"})")});
  const auto step = p.sign_in();
  assert_int_equal(step->challenge->name, ChallengeName::other);
  assert_text(step->challenge->wire_name, "SOMETHING_NEW");
  assert_text(step->challenge->username, "alice-id");
}

// Answers that are not what the protocol says.

void only_password_verifier_follows_initiate_auth(void**) {
  const std::string verifier = kVerifier;
  const auto without = [&](const std::string& part) {
    std::string text = verifier;
    return text.replace(text.find(part), part.size(), "\"x\":\"y\"");
  };
  const std::string table[] = {
      kTokens,
      kTotp,
      "{}",
      "",
      "[]",
      "not json",
      R"({"ChallengeName":"PASSWORD_VERIFIER"})",
      R"({"ChallengeName":"PASSWORD_VERIFIER","ChallengeParameters":[]})",
      R"({"ChallengeName":7,"ChallengeParameters":{}})",
      without(R"("SALT":"f1ed0c41")"),
      without(R"("SRP_B":"475ec8178b90184a")"),
      without(R"("SECRET_BLOCK":"HH3IY+LV")"),
      without(R"("USER_ID_FOR_SRP":"alice-id")"),
  };
  for (const std::string& answer : table) {
    ScriptedPool p({answered(200, answer)});
    const auto step = p.sign_in();
    assert_false(step.has_value());
    assert_int_equal(step.error().kind, ErrorKind::bad_response);
    assert_false(step.error().password_sent);
    assert_int_equal(p.sent(), 1);
  }
}

void numbers_that_break_srp_are_not_answered(void**) {
  std::string verifier = kVerifier;
  const std::string b = "475ec8178b90184a";
  verifier.replace(verifier.find(b), b.size(), "0");
  ScriptedPool p({answered(200, verifier)});
  const auto step = p.sign_in();
  assert_int_equal(step.error().kind, ErrorKind::bad_response);
  assert_false(step.error().password_sent);
  assert_int_equal(p.sent(), 1);
}

void an_answer_is_a_challenge_or_tokens(void**) {
  const std::string long_text(cognito::kMaxToken + 1, 'x');
  std::string many = R"({"ChallengeName":"SMS_MFA","Session":"s","ChallengeParameters":{)";
  for (int i = 0; i < 65; ++i) many += (i > 0 ? ",\"p" : "\"p") + std::to_string(i) + "\":\"v\"";
  many += "}}";
  const std::string table[] = {
      "",
      "nonsense",
      "[]",
      "{}",
      R"({"ChallengeName":null,"AuthenticationResult":null})",
      R"({"ChallengeName":"SMS_MFA","Session":"s","AuthenticationResult":{"AccessToken":"a","IdToken":"b"}})",
      R"({"ChallengeName":"SMS_MFA"})",
      R"({"ChallengeName":"SMS_MFA","Session":""})",
      R"({"ChallengeName":"SMS_MFA","Session":7})",
      R"({"ChallengeName":"SMS_MFA","Session":")" + std::string(cognito::kMaxSession + 1, 's') +
          "\"}",
      R"({"ChallengeName":["SMS_MFA"],"Session":"s"})",
      R"({"ChallengeName":"SMS_MFA","Session":"s","ChallengeParameters":"x"})",
      R"({"ChallengeName":"SMS_MFA","Session":"s","ChallengeParameters":{"a":["b"]}})",
      R"({"ChallengeName":"SMS_MFA","Session":"s","ChallengeParameters":{"a":")" + long_text +
          "\"}}",
      many,
      R"({"AuthenticationResult":[]})",
      R"({"AuthenticationResult":{}})",
      R"({"AuthenticationResult":{"AccessToken":"a"}})",
      R"({"AuthenticationResult":{"IdToken":"a"}})",
      R"({"AuthenticationResult":{"AccessToken":1,"IdToken":"b"}})",
      R"({"AuthenticationResult":{"AccessToken":"a","IdToken":"b","RefreshToken":{}}})",
      R"({"AuthenticationResult":{"AccessToken":"a","IdToken":"b","NewDeviceMetadata":"x"}})",
      R"({"AuthenticationResult":{"AccessToken":")" + long_text + R"(","IdToken":"b"}})",
      std::string(R"({"AuthenticationResult":{"AccessToken":"a","IdTo)"),
  };
  for (const std::string& answer : table) {
    ScriptedPool p({answered(200, answer)});
    const auto step = p.respond(totp_challenge(), {{"SOFTWARE_TOKEN_MFA_CODE", "123456"}});
    assert_false(step.has_value());
    assert_int_equal(step.error().kind, ErrorKind::bad_response);
    assert_int_equal(p.sent(), 1);
  }
}

// The API's model has allowed 4,096 characters since 2025, and 2,048 before.
void a_long_session_goes_back_as_it_came(void**) {
  for (const std::size_t size : {std::size_t{2049}, std::size_t{4096}, std::size_t{8192}}) {
    std::string session;
    while (session.size() < size) session += static_cast<char>('a' + session.size() % 26);
    ScriptedPool p(
        {answered(200, kVerifier),
         answered(200, R"({"ChallengeName":"SOFTWARE_TOKEN_MFA","Session":")" + session + "\"}"),
         answered(200, kTokens)});
    const auto step = p.sign_in();
    assert_true(step.has_value());
    assert_true(p.respond(*step->challenge, {{"SOFTWARE_TOKEN_MFA_CODE", "123456"}}).has_value());
    assert_text(p.body(2)["Session"].asString(), session);
  }
}

// The log has to say which bound was passed, or it reads as a pool that is out of order.
void a_bound_that_is_passed_is_named(void**) {
  ScriptedPool p({answered(200, R"({"ChallengeName":"SMS_MFA","Session":")" +
                                    std::string(cognito::kMaxSession + 1, 's') + "\"}")});
  const auto step = p.respond(totp_challenge(), {{"SOFTWARE_TOKEN_MFA_CODE", "123456"}});
  assert_text(step.error().message,
              "Session has 16385 bytes, more than the 16384 that cognitod accepts");
}

// Retries, and whether the password has left.

const HttpResult kThrottled = answered(400, R"({"__type":"TooManyRequestsException"})");
const HttpResult kLimited = answered(429, R"({"__type":"LimitExceededException"})");
const HttpResult kBroken = answered(500, R"({"__type":"InternalErrorException"})");
const HttpResult kRefused = answered(400, R"({"__type":"NotAuthorizedException"})");
const HttpResult kImported =
    answered(400, R"({"__type":"InvalidParameterException","message":"Invalid input given"})");
const HttpResult kNoFlow = answered(400, R"({"__type":"InvalidParameterException",
    "message":"USER_SRP_AUTH flow not enabled for this client"})");
const HttpResult kSrp = answered(200, kVerifier);
const HttpResult kDone = answered(200, kTokens);

struct SignInCase {
  AuthFlow flow;
  std::vector<HttpResult> answers;
  std::size_t sent;
  bool success;
  ErrorKind kind;
  bool password_sent;
};

void a_sign_in_repeats_what_its_rule_allows(void**) {
  const HttpResult none = failed(HttpFailure::not_connected);
  const HttpResult untrusted = failed(HttpFailure::not_trusted);
  const HttpResult cut = failed(HttpFailure::cut);
  const HttpResult late = failed(HttpFailure::timed_out);
  const HttpResult unstarted = failed(HttpFailure::not_started);
  const HttpResult shortage = failed(HttpFailure::internal);
  const HttpResult bad = failed(HttpFailure::bad_answer);
  const AuthFlow srp = AuthFlow::srp;
  const AuthFlow plain = AuthFlow::password;
  const SignInCase table[] = {
      // InitiateAuth by SRP
      {srp, {none, kSrp, kDone}, 3, true, {}, false},
      {srp, {none, none}, 2, false, ErrorKind::not_connected, false},
      {srp, {untrusted}, 1, false, ErrorKind::not_connected, false},
      {srp, {cut, kSrp, kDone}, 3, true, {}, false},
      {srp, {cut, cut}, 2, false, ErrorKind::connection_cut, false},
      {srp, {kBroken, kSrp, kDone}, 3, true, {}, false},
      {srp, {kBroken, cut}, 2, false, ErrorKind::connection_cut, false},
      {srp, {kThrottled, kSrp, kDone}, 3, true, {}, false},
      {srp, {kThrottled, kThrottled}, 2, false, ErrorKind::too_many_requests, false},
      {srp, {none, kThrottled, kBroken, kSrp, kDone}, 5, true, {}, false},
      {srp, {kLimited}, 1, false, ErrorKind::limit_exceeded, false},
      {srp, {late}, 1, false, ErrorKind::timed_out, false},
      {srp, {unstarted}, 1, false, ErrorKind::local_shortage, false},
      {srp, {shortage}, 1, false, ErrorKind::local_shortage, false},
      {srp, {kImported}, 1, false, ErrorKind::imported_user, false},
      {srp, {kNoFlow}, 1, false, ErrorKind::invalid_parameter, false},
      {srp, {bad}, 1, false, ErrorKind::bad_response, false},
      {srp, {kRefused}, 1, false, ErrorKind::not_authorized, false},
      // PASSWORD_VERIFIER
      {srp, {kSrp, none, kDone}, 3, true, {}, false},
      {srp, {kSrp, none, none}, 3, false, ErrorKind::not_connected, false},
      {srp, {kSrp, cut}, 2, false, ErrorKind::connection_cut, true},
      {srp, {kSrp, kBroken}, 2, false, ErrorKind::internal_error, true},
      {srp, {kSrp, late}, 2, false, ErrorKind::timed_out, true},
      {srp, {kSrp, unstarted}, 2, false, ErrorKind::local_shortage, false},
      {srp, {kSrp, kImported}, 2, false, ErrorKind::invalid_parameter, true},
      {srp, {kSrp, bad}, 2, false, ErrorKind::bad_response, true},
      {srp, {kSrp, kRefused}, 2, false, ErrorKind::not_authorized, true},
      {srp, {kSrp, kLimited}, 2, false, ErrorKind::limit_exceeded, true},
      {srp, {kSrp, kThrottled, kDone}, 3, true, {}, false},
      {srp, {kSrp, kThrottled, none, none}, 4, false, ErrorKind::not_connected, true},
      {srp, {kSrp, answered(200, "{}")}, 2, false, ErrorKind::bad_response, true},
      {srp, {kSrp, answered(200, "x")}, 2, false, ErrorKind::bad_response, true},
      // USER_PASSWORD_AUTH
      {plain, {none, kDone}, 2, true, {}, false},
      {plain, {none, none}, 2, false, ErrorKind::not_connected, false},
      {plain, {cut}, 1, false, ErrorKind::connection_cut, true},
      {plain, {kBroken}, 1, false, ErrorKind::internal_error, true},
      {plain, {late}, 1, false, ErrorKind::timed_out, true},
      {plain, {kThrottled, kDone}, 2, true, {}, false},
      {plain, {kRefused}, 1, false, ErrorKind::not_authorized, true},
      {plain, {answered(200, "{}")}, 1, false, ErrorKind::bad_response, true},
  };
  for (const auto& row : table) {
    ScriptedPool p(row.answers, make_config(row.flow));
    const auto step = p.sign_in();
    assert_int_equal(p.sent(), row.sent);
    assert_int_equal(step.has_value(), row.success);
    if (step) continue;
    assert_int_equal(step.error().kind, row.kind);
    assert_int_equal(step.error().password_sent, row.password_sent);
  }
}

void a_code_is_sent_once_and_is_no_password(void**) {
  const std::pair<HttpResult, ErrorKind> table[] = {
      {failed(HttpFailure::cut), ErrorKind::connection_cut},
      {kBroken, ErrorKind::internal_error},
      {failed(HttpFailure::timed_out), ErrorKind::timed_out},
      {answered(400, R"({"__type":"CodeMismatchException"})"), ErrorKind::code_mismatch},
  };
  for (const auto& [answer, kind] : table) {
    ScriptedPool p({answer, kDone});
    const auto step = p.respond(totp_challenge(), {{"SOFTWARE_TOKEN_MFA_CODE", "123456"}});
    assert_int_equal(step.error().kind, kind);
    assert_false(step.error().password_sent);
    assert_int_equal(p.sent(), 1);
  }
}

void a_revocation_may_be_repeated(void**) {
  ScriptedPool p({failed(HttpFailure::cut), answered(200, "{}")});
  assert_true(run_task(p.loop, p.pool.revoke("refresh", p.loop.now() + seconds(8))).has_value());
  assert_int_equal(p.sent(), 2);
  ScriptedPool nothing({});
  assert_true(
      run_task(nothing.loop, nothing.pool.revoke("", nothing.loop.now() + seconds(8))).has_value());
  assert_int_equal(nothing.sent(), 0);
}

void no_retry_begins_after_the_deadline(void**) {
  ScriptedPool p({kThrottled, kSrp});
  const auto step = run_task(p.loop, p.pool.sign_in("alice", &p.password, &p.context,
                                                    p.loop.now() + runtime::milliseconds(50)));
  assert_int_equal(step.error().kind, ErrorKind::too_many_requests);
  assert_int_equal(p.sent(), 1);
  assert_int_equal(p.clock.sleeps, 0);
}

void pool_tokens_are_verified(void**) {
  ScriptedPool p({answered(200, key_set())});
  Tokens tokens;
  tokens.access_token = make_token(access_claims(p.clock.wall), access_key());
  tokens.id_token = make_token(id_claims(p.clock.wall), id_key());
  const auto verified = run_task(p.loop, p.pool.verify(&tokens, p.loop.now() + seconds(8)));
  assert_true(verified.has_value());
  assert_text(verified->username, "alice");
}

// Prewarm.

void a_connection_is_opened_once_by_fetching_the_keys(void**) {
  ScriptedPool p({answered(200, key_set())});
  for (int i = 0; i < 10; ++i) p.pool.prewarm();
  assert_int_equal(p.sent(), 1);
  assert_text(p.http->requests[0].url, std::string(kIssuer) + "/.well-known/jwks.json");
  p.clock.ahead = seconds(60);
  p.http->warm = true;
  p.pool.prewarm();
  assert_int_equal(p.sent(), 1);
}

void without_keys_at_the_endpoint_a_bare_request_does(void**) {
  PoolConfig config = make_config();
  config.endpoint = "https://vpce.example.com";
  ScriptedPool p({answered(400, "")}, config);
  for (int i = 0; i < 10; ++i) p.pool.prewarm();
  assert_int_equal(p.sent(), 1);
  assert_text(p.http->requests[0].url, "https://vpce.example.com/");
  assert_int_equal(p.http->requests[0].method, HttpRequest::Method::get);
  assert_text(p.http->requests[0].body, "");
}

// The stock of key pairs.

void the_stock_is_made_up_after_use(void**) {
  EventLoop loop;
  cognito::KeyPairStock stock(loop, 2);
  assert_int_equal(stock.ready(), 0);
  const auto made_now = stock.take();
  assert_true(made_now.has_value());
  run_until(loop, [&] { return stock.ready() == 2; });
  const auto first = stock.take();
  const auto second = stock.take();
  assert_true(first->public_hex() != second->public_hex());
  assert_true(first->public_hex() != made_now->public_hex());
  run_until(loop, [&] { return stock.ready() == 2; });
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_password_by_srp_and_a_code),
      cmocka_unit_test(a_client_with_a_secret_sends_its_hash),
      cmocka_unit_test(the_password_flow_sends_one_request),
      cmocka_unit_test(the_name_to_use_is_the_best_that_was_named),
      cmocka_unit_test(a_password_that_is_not_utf_8_stays_here),
      cmocka_unit_test(an_unknown_challenge_keeps_its_name),
      cmocka_unit_test(only_password_verifier_follows_initiate_auth),
      cmocka_unit_test(numbers_that_break_srp_are_not_answered),
      cmocka_unit_test(an_answer_is_a_challenge_or_tokens),
      cmocka_unit_test(a_long_session_goes_back_as_it_came),
      cmocka_unit_test(a_bound_that_is_passed_is_named),
      cmocka_unit_test(a_sign_in_repeats_what_its_rule_allows),
      cmocka_unit_test(a_code_is_sent_once_and_is_no_password),
      cmocka_unit_test(a_revocation_may_be_repeated),
      cmocka_unit_test(no_retry_begins_after_the_deadline),
      cmocka_unit_test(pool_tokens_are_verified),
      cmocka_unit_test(a_connection_is_opened_once_by_fetching_the_keys),
      cmocka_unit_test(without_keys_at_the_endpoint_a_bare_request_does),
      cmocka_unit_test(the_stock_is_made_up_after_use),
  };
  return cmocka_run_group_tests_name("user_pool", tests, nullptr, nullptr);
}
