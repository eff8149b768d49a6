// Refreshes and devices: what goes over the wire, which way of refreshing is taken, what is sent a
// second time.
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/base64.h"
#include "daemon/cognito/secret_hash.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/scripted_pool.h"

namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using cognito::HttpFailure;
using cognito::HttpResult;
using cognito::PoolResult;
using cognito::RefreshProof;
using cognito::Tokens;

constexpr char kRefreshed[] =
    R"({"AuthenticationResult":{"AccessToken":"a2","IdToken":"i2","ExpiresIn":3600}})";
constexpr char kRotated[] =
    R"({"AuthenticationResult":{"AccessToken":"a2","IdToken":"i2","RefreshToken":"r2"}})";
constexpr char kTarget[] = "X-Amz-Target: AWSCognitoIdentityProviderService.";

RefreshProof proof(const std::string& device_key = {}) {
  RefreshProof proof;
  proof.refresh_token = "r1";
  proof.username = "alice-id";
  proof.device_key = device_key;
  return proof;
}

PoolResult<Tokens> refresh(ScriptedPool& p, const std::string& device_key = {}) {
  return p.run(p.pool.refresh(proof(device_key), p.soon()));
}

PoolResult<void> confirm(ScriptedPool& p, const std::string& name = "laptop") {
  return p.run(p.pool.confirm_device("a.b.c", "eu-west-1_key", "-group", name, p.soon()));
}

PoolResult<void> forget(ScriptedPool& p) {
  return p.run(p.pool.forget_device("a.b.c", "eu-west-1_key", p.soon()));
}

HttpResult refused(const std::string& name) {
  return answered(400, R"({"__type":")" + name + R"("})");
}

void a_refresh_hands_in_the_token(void**) {
  ScriptedPool p({answered(200, kRefreshed)});
  const auto tokens = refresh(p);
  assert_text(tokens->access_token, "a2");
  assert_text(tokens->id_token, "i2");
  assert_text(tokens->refresh_token, "");
  assert_text(tokens->device_key, "");
  assert_text(tokens->request_id, "request-1");
  assert_int_equal(p.sent(), 1);
  assert_text(p.target(0), std::string(kTarget) + "GetTokensFromRefreshToken");
  assert_text(p.wire(0), R"({"RefreshToken":"r1","ClientId":")" + std::string(kClient) + R"("})");
}

void the_secret_and_the_device_s_key_go_with_it(void**) {
  ScriptedPool p({answered(200, kRefreshed)}, with_secret(make_config()));
  assert_true(refresh(p, "eu-west-1_key").has_value());
  assert_text(p.wire(0), R"({"RefreshToken":"r1","ClientId":")" + std::string(kClient) +
                             R"(","ClientSecret":"client-secret","DeviceKey":"eu-west-1_key"})");
}

void only_a_rotated_token_is_handed_out(void**) {
  ScriptedPool rotating({answered(200, kRotated)});
  assert_text(refresh(rotating)->refresh_token, "r2");
  ScriptedPool same({answered(
      200, R"({"AuthenticationResult":{"AccessToken":"a","IdToken":"i","RefreshToken":"r1"}})")});
  assert_text(refresh(same)->refresh_token, "");
}

void a_new_device_key_is_handed_out(void**) {
  ScriptedPool p({answered(200, kTokens)});
  const auto tokens = refresh(p);
  assert_text(tokens->device_key, "k");
  assert_text(tokens->device_group_key, "g");
}

void anything_but_tokens_is_a_bad_response(void**) {
  for (const char* answer :
       {"{}", kTotp, R"({"AuthenticationResult":{"AccessToken":"a"}})",
        R"({"AuthenticationResult":{"AccessToken":1,"IdToken":"i"}})",
        R"({"AuthenticationResult":{"AccessToken":"a","IdToken":"i","RefreshToken":7}})", "[]"}) {
    ScriptedPool p({answered(200, answer)});
    assert_int_equal(refresh(p).error().kind, ErrorKind::bad_response);
  }
}

void an_endpoint_without_the_operation_is_asked_by_initiate_auth(void**) {
  const std::string hash = *cognito::secret_hash("client-secret", "alice-id", kClient);
  const HttpResult unknown[] = {refused("UnknownOperationException"), refused("InvalidAction"),
                                answered(500, R"({"__type":"CognitoLocal#Unsupported"})")};
  for (const HttpResult& first : unknown) {
    ScriptedPool p({first, answered(200, kRefreshed), answered(200, kRefreshed)},
                   with_secret(make_config()));
    assert_text(refresh(p, "eu-west-1_key")->access_token, "a2");
    assert_int_equal(p.sent(), 2);
    assert_text(p.target(1), std::string(kTarget) + "InitiateAuth");
    const Json::Value body = p.body(1);
    assert_text(body["AuthFlow"].asString(), "REFRESH_TOKEN_AUTH");
    assert_text(body["ClientId"].asString(), kClient);
    const Json::Value& parameters = body["AuthParameters"];
    assert_int_equal(parameters.size(), 3);
    assert_text(parameters["REFRESH_TOKEN"].asString(), "r1");
    assert_text(parameters["DEVICE_KEY"].asString(), "eu-west-1_key");
    assert_text(parameters["SECRET_HASH"].asString(), hash);
    // It is remembered.
    assert_true(refresh(p).has_value());
    assert_int_equal(p.sent(), 3);
    assert_text(p.target(2), std::string(kTarget) + "InitiateAuth");
    assert_false(p.body(2)["AuthParameters"].isMember("DEVICE_KEY"));
  }
}

// If refresh tokens are rotated, REFRESH_TOKEN_AUTH must not be used.
void an_endpoint_that_knows_the_operation_is_never_asked_otherwise(void**) {
  ScriptedPool p({answered(200, kRotated), refused("UnknownOperationException")});
  assert_true(refresh(p).has_value());
  assert_int_equal(refresh(p).error().kind, ErrorKind::unknown_operation);
  assert_int_equal(p.sent(), 2);
}

void a_refusal_is_not_asked_for_again_by_the_other_way(void**) {
  const std::pair<const char*, ErrorKind> rows[] = {
      {"NotAuthorizedException", ErrorKind::not_authorized},
      {"RefreshTokenReuseException", ErrorKind::refresh_token_reuse},
      {"PasswordResetRequiredException", ErrorKind::password_reset_required},
      {"UserNotFoundException", ErrorKind::user_not_found},
      {"ResourceNotFoundException", ErrorKind::resource_not_found},
      {"UnsupportedOperationException", ErrorKind::unsupported_operation},
  };
  for (const auto& [name, kind] : rows) {
    ScriptedPool p({refused(name), answered(200, kRefreshed)});
    const auto result = refresh(p);
    assert_int_equal(result.error().kind, kind);
    assert_false(result.error().password_sent);
    assert_int_equal(p.sent(), 1);
  }
}

void rotation_that_was_switched_on_later_is_noticed(void**) {
  ScriptedPool p({refused("UnknownOperationException"), answered(200, kRefreshed),
                  refused("InvalidParameterException"), answered(200, kRotated)});
  assert_true(refresh(p).has_value());
  assert_int_equal(refresh(p).error().kind, ErrorKind::invalid_parameter);
  assert_text(refresh(p)->refresh_token, "r2");
  assert_text(p.target(3), std::string(kTarget) + "GetTokensFromRefreshToken");
}

void a_lost_answer_is_asked_for_once_more(void**) {
  for (const HttpResult& first : {failed(HttpFailure::cut), failed(HttpFailure::not_connected),
                                  answered(500, R"({"__type":"InternalErrorException"})"),
                                  answered(429, R"({"__type":"TooManyRequestsException"})")}) {
    ScriptedPool p({first, answered(200, kRotated)});
    assert_text(refresh(p)->refresh_token, "r2");
    assert_int_equal(p.sent(), 2);
    assert_text(p.wire(1), p.wire(0));
  }
  ScriptedPool lost({failed(HttpFailure::cut), refused("RefreshTokenReuseException")});
  assert_int_equal(refresh(lost).error().kind, ErrorKind::refresh_token_reuse);
  ScriptedPool gone({failed(HttpFailure::timed_out), answered(200, kRotated)});
  assert_int_equal(refresh(gone).error().kind, ErrorKind::timed_out);
}

std::string decoded(const Json::Value& text) {
  const auto bytes = cognito::base64_decode_lenient(text.asString());
  assert_true(bytes.has_value());
  return *bytes;
}

void a_device_is_confirmed_with_a_verifier_of_a_new_password(void**) {
  std::string earlier;
  for (int i = 0; i < 8; ++i) {
    ScriptedPool p({answered(200, R"({"UserConfirmationNecessary":true})")});
    assert_true(confirm(p).has_value());
    assert_text(p.target(0), std::string(kTarget) + "ConfirmDevice");
    const Json::Value body = p.body(0);
    assert_int_equal(body.size(), 4);
    assert_text(body["AccessToken"].asString(), "a.b.c");
    assert_text(body["DeviceKey"].asString(), "eu-west-1_key");
    assert_text(body["DeviceName"].asString(), "laptop");
    const std::string salt = decoded(body["DeviceSecretVerifierConfig"]["Salt"]);
    const std::string verifier = decoded(body["DeviceSecretVerifierConfig"]["PasswordVerifier"]);
    assert_in_range(salt.size(), 12, 17);
    assert_in_range(verifier.size(), 370, 385);
    // The numbers are never negative in the eyes of those who read them with a sign.
    assert_true((static_cast<unsigned char>(salt[0]) & 0x80) == 0);
    assert_true((static_cast<unsigned char>(verifier[0]) & 0x80) == 0);
    assert_string_not_equal(p.wire(0).c_str(), earlier.c_str());
    earlier = p.wire(0);
  }
}

void a_device_s_name_is_sent_if_it_can_be(void**) {
  for (const char* name : {"", "\xff\xfe"}) {
    ScriptedPool p({answered(200, "{}")});
    assert_true(confirm(p, name).has_value());
    assert_false(p.body(0).isMember("DeviceName"));
  }
}

void a_device_that_is_confirmed_already_is_confirmed(void**) {
  ScriptedPool p({failed(HttpFailure::cut), refused("DeviceKeyExistsException")});
  assert_true(confirm(p).has_value());
  assert_int_equal(p.sent(), 2);
  assert_text(p.wire(1), p.wire(0));
  ScriptedPool unknown({refused("ResourceNotFoundException")});
  const auto result = confirm(unknown);
  assert_int_equal(result.error().kind, ErrorKind::resource_not_found);
  assert_false(result.error().password_sent);
}

void a_device_is_forgotten_even_if_it_is_not_there(void**) {
  ScriptedPool p({answered(200, "{}")});
  assert_true(forget(p).has_value());
  assert_text(p.target(0), std::string(kTarget) + "ForgetDevice");
  assert_text(p.wire(0), R"({"AccessToken":"a.b.c","DeviceKey":"eu-west-1_key"})");
  ScriptedPool gone({failed(HttpFailure::cut), refused("ResourceNotFoundException")});
  assert_true(forget(gone).has_value());
  assert_int_equal(gone.sent(), 2);
  ScriptedPool no({refused("NotAuthorizedException")});
  assert_int_equal(forget(no).error().kind, ErrorKind::not_authorized);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_refresh_hands_in_the_token),
      cmocka_unit_test(the_secret_and_the_device_s_key_go_with_it),
      cmocka_unit_test(only_a_rotated_token_is_handed_out),
      cmocka_unit_test(a_new_device_key_is_handed_out),
      cmocka_unit_test(anything_but_tokens_is_a_bad_response),
      cmocka_unit_test(an_endpoint_without_the_operation_is_asked_by_initiate_auth),
      cmocka_unit_test(an_endpoint_that_knows_the_operation_is_never_asked_otherwise),
      cmocka_unit_test(a_refusal_is_not_asked_for_again_by_the_other_way),
      cmocka_unit_test(rotation_that_was_switched_on_later_is_noticed),
      cmocka_unit_test(a_lost_answer_is_asked_for_once_more),
      cmocka_unit_test(a_device_is_confirmed_with_a_verifier_of_a_new_password),
      cmocka_unit_test(a_device_s_name_is_sent_if_it_can_be),
      cmocka_unit_test(a_device_that_is_confirmed_already_is_confirmed),
      cmocka_unit_test(a_device_is_forgotten_even_if_it_is_not_there),
  };
  return cmocka_run_group_tests_name("session_operations", tests, nullptr, nullptr);
}
