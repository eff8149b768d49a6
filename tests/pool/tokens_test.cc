// The two keys, the claims, and every way in which tokens can be forged on demand.
#include "tests/pool/tokens.h"

#include <cstdint>
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr int64_t kNow = 1'795'278'047;

TokenIssuer& issuer() {
  static PoolUnderTest pool;
  return pool.pool.tokens;
}

TokenSubject subject() {
  TokenSubject subject;
  subject.username = "alice";
  subject.sub = "0a11ce00-0000-4000-8000-000000000001";
  subject.attributes = {{"email", "a@example.com"}, {"email_verified", "true"}, {"custom:x", "1"}};
  subject.groups = {"linux-users"};
  subject.client_id = "client";
  subject.auth_time_s = kNow - 5;
  subject.id_validity_s = 300;
  subject.access_validity_s = 600;
  subject.origin_jti = "origin";
  subject.event_id = "event";
  return subject;
}

Json::Value part(const std::string& jwt, int index) {
  std::string rest = jwt;
  for (int i = 0; i < index; ++i) rest = rest.substr(rest.find('.') + 1);
  return json(*base64_decode(rest.substr(0, rest.find('.'))));
}

void claims(void** /*state*/) {
  const TokenPair pair = issuer().issue(subject(), kNow, {});
  const Json::Value id = part(pair.id, 1);
  const Json::Value access = part(pair.access, 1);
  assert_text(string_at(access, "username"), "alice");
  assert_text(string_at(access, "client_id"), "client");
  assert_text(string_at(access, "token_use"), "access");
  assert_text(string_at(access, "scope"), "aws.cognito.signin.user.admin");
  assert_false(access.isMember("aud"));
  assert_int_equal(access["exp"].asInt64(), kNow + 600);
  assert_text(access["cognito:groups"][0].asString(), "linux-users");
  assert_text(string_at(id, "cognito:username"), "alice");
  assert_text(string_at(id, "aud"), "client");
  assert_text(string_at(id, "token_use"), "id");
  assert_false(id.isMember("client_id"));
  assert_true(id["email_verified"].isBool() && id["email_verified"].asBool());
  assert_text(string_at(id, "custom:x"), "1");
  assert_int_equal(id["exp"].asInt64(), kNow + 300);
  for (const Json::Value* token : {&id, &access}) {
    assert_text(string_at(*token, "sub"), subject().sub);
    assert_text(string_at(*token, "origin_jti"), "origin");
    assert_int_equal((*token)["auth_time"].asInt64(), kNow - 5);
    assert_text(string_at(*token, "iss"), issuer().issuer());
  }
  assert_string_not_equal(string_at(id, "jti").c_str(), string_at(access, "jti").c_str());

  const Json::Value id_header = part(pair.id, 0);
  const Json::Value access_header = part(pair.access, 0);
  assert_text(string_at(id_header, "alg"), "RS256");
  assert_false(id_header.isMember("typ"));
  const std::string id_kid = string_at(id_header, "kid");
  assert_string_not_equal(id_kid.c_str(), string_at(access_header, "kid").c_str());
  assert_true(id_kid.find('+') != std::string::npos && id_kid.find('/') != std::string::npos);
}

void verification(void** /*state*/) {
  const TokenPair pair = issuer().issue(subject(), kNow, {});
  assert_true(issuer().verify_access(pair.access, kNow).has_value());
  assert_text(issuer().verify_access(pair.access, kNow + 600).error(), "Access Token has expired");
  assert_text(issuer().verify_access(pair.id, kNow).error(), "Invalid Access Token");
  assert_text(issuer().verify_access("a.b", kNow).error(), "Invalid Access Token");
  assert_text(issuer().verify_access("", kNow).error(), "Invalid Access Token");
}

void forged_ones_do_not_verify(void** /*state*/) {
  for (const char* kind : {"alg_none", "hs256", "other_kid", "wrong_key", "bad_signature",
                           "expired", "no_expiry", "other_issuer", "swapped"}) {
    const TokenPair pair = issuer().issue(subject(), kNow, {kind, "both", {}, {}});
    if (issuer().verify_access(pair.access, kNow).has_value())
      fail_with(std::string(kind) + " verifies");
  }
}

void forged_claims(void** /*state*/) {
  const auto forged = [](const char* kind) {
    return issuer().issue(subject(), kNow, {kind, "both", {}, {}});
  };
  assert_text(string_at(part(forged("alg_none").id, 0), "alg"), "none");
  assert_true(forged("alg_none").id.ends_with('.'));
  assert_text(string_at(part(forged("hs256").access, 0), "alg"), "HS256");
  assert_string_not_equal(string_at(part(forged("wrong_client").id, 1), "aud").c_str(), "client");
  const TokenPair subs = forged("other_sub");
  assert_text(string_at(part(subs.access, 1), "sub"), subject().sub);
  assert_string_not_equal(string_at(part(subs.id, 1), "sub").c_str(), subject().sub.c_str());
  const TokenPair user = forged("other_user");
  assert_text(string_at(part(user.access, 1), "sub"), string_at(part(user.id, 1), "sub"));
  assert_text(string_at(part(user.access, 1), "username"), "somebody-else");

  const Forgery claims{"claims", "both", json(R"({"email_verified":false,"email":null})"),
                       json(R"({"cognito:groups":["root"]})")};
  const TokenPair pair = issuer().issue(subject(), kNow, claims);
  assert_false(part(pair.id, 1)["email_verified"].asBool());
  assert_false(part(pair.id, 1).isMember("email"));
  assert_text(part(pair.access, 1)["cognito:groups"][0].asString(), "root");
  assert_true(issuer().verify_access(pair.access, kNow).has_value());
}

void rotation(void** /*state*/) {
  PoolUnderTest fixture;
  TokenIssuer& rotating = fixture.pool.tokens;
  const TokenPair before = rotating.issue(subject(), kNow, {});
  rotating.rotate(true);
  assert_int_equal(rotating.jwks()["keys"].size(), 4);
  assert_true(rotating.verify_access(before.access, kNow).has_value());
  rotating.rotate(false);
  assert_int_equal(rotating.jwks()["keys"].size(), 2);
  assert_false(rotating.verify_access(before.access, kNow).has_value());
  const Json::Value key = rotating.jwks()["keys"][0];
  assert_text(string_at(key, "kty"), "RSA");
  assert_text(string_at(key, "e"), "AQAB");
  assert_int_equal(base64_decode(string_at(key, "n"))->size(), 256);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(claims), cmocka_unit_test(verification),
                              cmocka_unit_test(forged_ones_do_not_verify),
                              cmocka_unit_test(forged_claims), cmocka_unit_test(rotation)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
