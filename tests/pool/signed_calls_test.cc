// The operations that IAM authorizes: who may call them, and what each wrong signature is told.
#include "tests/pool/signed_calls.h"

#include <cstdint>
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr char kBody[] = R"({"UserPoolId":"eu-west-1_UnitTest1"})";

void put_key(PoolUnderTest& pool, const std::string& key) {
  const auto put = pool.pool.access_keys.put(json(key));
  if (!put) fail_with(put.error());
}

void assert_error(const Reply& reply, const std::string& name) {
  assert_text(reply.error(), name);
  assert_false(reply.body.isMember("Users"));
}

std::string& header(HttpRequest& request, const std::string& name) {
  for (auto& [given, value] : request.headers) {
    if (given == name) return value;
  }
  fail_with("no header " + name);
  return request.body;
}

void accepted(void** /*state*/) {
  PoolUnderTest pool;
  const Reply reply = pool.signed_call("ListUsers", kBody);
  assert_int_equal(reply.status, 200);
  assert_int_equal(reply.body["Users"].size(), 5);
  assert_text(pool.pool.log.list({}, false)[0]["access_key_id"].asString(), "AKIDUNITTEST");
  // Other headers may be signed, and need not be.
  Signing how;
  how.more_headers = {{"content-type", "application/x-amz-json-1.1"}, {"accept", "*/*"}};
  assert_int_equal(pool.signed_call("ListUsers", kBody, how).status, 200);
  how.unsigned_header = "accept";
  assert_int_equal(pool.signed_call("ListUsers", kBody, how).status, 200);
  // Up to five minutes.
  for (const int64_t skew : {-300, 299}) {
    Signing late;
    late.skew_s = skew;
    assert_text(pool.signed_call("ListUsers", kBody, late).error(), "");
  }
}

void unsigned_calls(void** /*state*/) {
  PoolUnderTest pool;
  for (const char* operation :
       {"ListUsers", "ListUsersInGroup", "ListGroups", "AdminListGroupsForUser"}) {
    const Reply reply = pool.call_text(operation, kBody);
    assert_error(reply, "MissingAuthenticationTokenException");
    assert_int_equal(reply.status, 400);
    // The signature is looked at before the body.
    assert_error(pool.call_text(operation, "["), "MissingAuthenticationTokenException");
  }
  assert_text(pool.signed_call("ListUsers", "[").error(), "SerializationException");
  // The operations of sign-ins take no signature into account.
  assert_text(pool.password_step("plain", "pw-plain").error(), "");
}

void wrong_signatures(void** /*state*/) {
  PoolUnderTest pool;
  Signing how;
  how.secret = "another secret";
  const Reply wrong_secret = pool.signed_call("ListUsers", kBody, how);
  assert_error(wrong_secret, "InvalidSignatureException");
  assert_true(wrong_secret.message().starts_with("The request signature we calculated"));
  const PoolUnderTest::Spoil spoils[] = {
      [](HttpRequest& request) { request.body += " "; },
      [](HttpRequest& request) { request.method = "PUT"; },
      [](HttpRequest& request) { request.path = "/other"; },
      [](HttpRequest& request) { request.query = "a=b"; },
      [](HttpRequest& request) { header(request, "host") = "another.example"; },
      [](HttpRequest& request) { header(request, "x-amz-target") += "InGroup"; },
      [](HttpRequest& request) { header(request, "authorization").back() ^= 1; },
      [](HttpRequest& request) { header(request, "authorization").pop_back(); },
      [](HttpRequest& request) { request.headers.emplace_back("host", "second.example"); }};
  for (const PoolUnderTest::Spoil spoil : spoils) {
    assert_error(pool.signed_call("ListUsers", kBody, {}, spoil), "InvalidSignatureException");
  }
  // A payload hash that is signed and is not the body's.
  Signing hashed;
  hashed.more_headers = {{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}};
  assert_error(pool.signed_call("ListUsers", kBody, hashed), "InvalidSignatureException");
}

void wrong_times(void** /*state*/) {
  PoolUnderTest pool;
  Signing how;
  how.skew_s = -302;
  const Reply late = pool.signed_call("ListUsers", kBody, how);
  assert_error(late, "InvalidSignatureException");
  assert_true(late.message().starts_with("Signature expired: "));
  how.skew_s = 302;
  const Reply early = pool.signed_call("ListUsers", kBody, how);
  assert_error(early, "InvalidSignatureException");
  assert_true(early.message().starts_with("Signature not yet current: "));
  assert_error(
      pool.signed_call("ListUsers", kBody, {},
                       [](HttpRequest& request) { header(request, "x-amz-date") = "now"; }),
      "IncompleteSignatureException");
  assert_error(
      pool.signed_call("ListUsers", kBody, {},
                       [](HttpRequest& request) { header(request, "x-amz-date").clear(); }),
      "IncompleteSignatureException");
  // The pool's wall clock counts.
  pool.pool.clock.advance_wall(3'600'000);
  assert_text(pool.signed_call("ListUsers", kBody).error(), "");
}

void wrong_scopes(void** /*state*/) {
  PoolUnderTest pool;
  const auto with = [&](auto change) {
    Signing how;
    change(how);
    return pool.signed_call("ListUsers", kBody, how);
  };
  assert_error(with([](Signing& how) { how.region = "us-east-1"; }), "InvalidSignatureException");
  assert_error(with([](Signing& how) { how.service = "iam"; }), "InvalidSignatureException");
  assert_error(with([](Signing& how) { how.terminator = "aws4"; }), "InvalidSignatureException");
  const Reply date = with([](Signing& how) { how.scope_skew_s = -24 * 3600; });
  assert_error(date, "InvalidSignatureException");
  assert_true(date.message().starts_with("Date in Credential scope does not match"));
  assert_error(pool.signed_call("ListUsers", kBody, {},
                                [](HttpRequest& request) {
                                  header(request, "authorization") = "AWS4-HMAC-SHA256 Signature=0";
                                }),
               "IncompleteSignatureException");
}

void unsigned_headers(void** /*state*/) {
  PoolUnderTest pool;
  put_key(pool, R"({"access_key_id":"ASIA1","secret_access_key":"s","session_token":"t"})");
  Signing how;
  how.access_key_id = "ASIA1";
  how.secret = "s";
  how.session_token = "t";
  assert_text(pool.signed_call("ListUsers", kBody, how).error(), "");
  for (const char* name : {"host", "x-amz-date", "x-amz-target", "x-amz-security-token"}) {
    how.unsigned_header = name;
    const Reply reply = pool.signed_call("ListUsers", kBody, how);
    assert_error(reply, "InvalidSignatureException");
    assert_true(reply.message().find("must be a 'SignedHeader'") != std::string::npos);
  }
}

void keys_and_tokens(void** /*state*/) {
  PoolUnderTest pool;
  put_key(pool, R"({"access_key_id":"ASIA1","secret_access_key":"s","session_token":"t",
                    "expiration":"2100-01-01T00:00:00Z"})");
  Signing how;
  how.access_key_id = "ASIA1";
  how.secret = "s";
  const auto with_token = [&](const std::string& token) {
    how.session_token = token;
    return pool.signed_call("ListUsers", kBody, how);
  };
  assert_text(with_token("t").error(), "");
  assert_error(with_token(""), "UnrecognizedClientException");
  assert_error(with_token("T"), "UnrecognizedClientException");
  how.session_token = "t";
  how.more_headers = {{"x-amz-security-token", "t"}};
  assert_error(pool.signed_call("ListUsers", kBody, how), "UnrecognizedClientException");
  how.more_headers.clear();

  put_key(pool, R"({"access_key_id":"ASIA1","expiration":"2020-01-01T00:00:00Z"})");
  assert_error(with_token("t"), "ExpiredTokenException");
  put_key(pool, R"({"access_key_id":"ASIA1","expiration":""})");
  assert_text(with_token("t").error(), "");
  put_key(pool, R"({"access_key_id":"ASIA1","active":false})");
  assert_error(with_token("t"), "UnrecognizedClientException");
  assert_true(pool.pool.access_keys.remove("ASIA1"));
  assert_error(with_token("t"), "UnrecognizedClientException");

  // A long-term key has no token.
  Signing extra;
  extra.session_token = "t";
  assert_error(pool.signed_call("ListUsers", kBody, extra), "UnrecognizedClientException");

  for (const char* bad :
       {R"({})", R"({"access_key_id":"A"})",
        R"({"access_key_id":"A","secret_access_key":"s","expiration":"tomorrow"})",
        R"({"access_key_id":"A","secret_access_key":"s","actions":"all"})"}) {
    assert_false(pool.pool.access_keys.put(json(bad)).has_value());
  }
}

void policies(void** /*state*/) {
  PoolUnderTest pool;
  const auto answers_with = [&](const std::string& actions) {
    put_key(pool, R"({"access_key_id":"AKIDUNITTEST","actions":)" + actions + "}");
    return pool.signed_call("ListUsers", kBody);
  };
  const Reply denied = answers_with(R"(["cognito-idp:ListUsersInGroup"])");
  assert_error(denied, "AccessDeniedException");
  assert_true(denied.message().find("is not authorized to perform: cognito-idp:ListUsers on "
                                    "resource: arn:aws:cognito-idp:eu-west-1:") !=
              std::string::npos);
  assert_error(answers_with("[]"), "AccessDeniedException");
  assert_text(answers_with(R"(["cognito-idp:List*"])").error(), "");
  assert_text(answers_with(R"(["*"])").error(), "");
  // A wrong signature learns nothing about the policy.
  put_key(pool, R"({"access_key_id":"AKIDUNITTEST","actions":[]})");
  Signing how;
  how.secret = "another secret";
  assert_error(pool.signed_call("ListUsers", kBody, how), "InvalidSignatureException");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(accepted),         cmocka_unit_test(unsigned_calls),
      cmocka_unit_test(wrong_signatures), cmocka_unit_test(wrong_times),
      cmocka_unit_test(wrong_scopes),     cmocka_unit_test(unsigned_headers),
      cmocka_unit_test(keys_and_tokens),  cmocka_unit_test(policies)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
