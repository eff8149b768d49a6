// The PreAuthentication trigger, and sign-ins that threat protection blocks.
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

void assert_refused(const Reply& reply, const std::string& text) {
  assert_text(reply.error(), "UserLambdaValidationException");
  assert_text(reply.message(), "PreAuthentication failed with error " + text + ".");
}

void the_trigger_refuses(void** /*state*/) {
  PoolUnderTest pool;
  const std::string refresh =
      pool.tokens_for(kOpenClient, "plain", "pw-plain").token("RefreshToken");
  pool.pool.settings.pre_authentication_refusal = "the office is closed";
  // It comes before the password: InitiateAuth refuses, in each flow.
  assert_refused(pool.srp_step(kOpenClient, "plain", "wrong"), "the office is closed");
  assert_refused(pool.password_step("plain", "pw-plain"), "the office is closed");
  assert_refused(pool.initiate(kOpenClient, "CUSTOM_AUTH", R"({"USERNAME":"plain"})"),
                 "the office is closed");
  // A hidden unknown user is not told apart.
  assert_refused(pool.srp_step(kOpenClient, "nobody", "wrong"), "the office is closed");
  assert_text(pool.password_step("nobody", "wrong").error(), "UserNotFoundException");
  assert_int_equal(pool.pool.users.find("plain")->password_lock.failures(), 0);
  // A refresh is no sign-in.
  const Reply refreshed =
      pool.initiate(kOpenClient, "REFRESH_TOKEN_AUTH", R"({"REFRESH_TOKEN":")" + refresh + "\"}");
  assert_false(refreshed.token("AccessToken").empty());
}

void the_trigger_refuses_one_user(void** /*state*/) {
  PoolUnderTest pool;
  const Json::Value change =
      json(R"({"username":"plain","pre_authentication_refusal":"left the company"})");
  assert_true(pool.pool.users.put(change, false, 0).has_value());
  assert_refused(pool.srp_step(kOpenClient, "plain", "pw-plain"), "left the company");
  assert_text(pool.srp_step(kOpenClient, "totp", "pw-totp").challenge(), "SOFTWARE_TOKEN_MFA");
}

void the_trigger_reads_metadata(void** /*state*/) {
  PoolUnderTest pool;
  const auto set = [&](const std::string& wanted) {
    Json::Value settings;
    settings["pre_authentication_requires_metadata"] = json(wanted);
    return update(pool.pool.settings, settings).has_value();
  };
  assert_true(set(R"({"host":"h1","site":"s"})"));
  assert_false(set(R"({"host":1})"));
  assert_false(set(R"(["host"])"));
  Json::Value body = json(
      R"({"AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"plain","PASSWORD":"pw-plain"}})");
  body["ClientId"] = kLegacyClient;
  assert_refused(pool.call("InitiateAuth", body), "unexpected host in the client metadata");
  body["ClientMetadata"] = json(R"({"host":"h1","site":"other"})");
  assert_refused(pool.call("InitiateAuth", body), "unexpected site in the client metadata");
  body["ClientMetadata"] = json(R"({"host":"h1","site":"s","more":"m"})");
  assert_false(pool.call("InitiateAuth", body).token("AccessToken").empty());
  body["ClientMetadata"] = "text";
  assert_text(pool.call("InitiateAuth", body).error(), "SerializationException");
}

void blocked_by_risk(void** /*state*/) {
  PoolUnderTest pool;
  const Json::Value change = json(R"({"username":"totp","blocked_by_risk":true})");
  assert_true(pool.pool.users.put(change, false, 0).has_value());
  const Reply blocked = pool.srp_step(kOpenClient, "totp", "pw-totp");
  assert_text(blocked.error(), "NotAuthorizedException");
  assert_text(blocked.message(), "Unable to login because of security reasons.");
  // Only a client that knows the password learns of it.
  assert_text(pool.srp_step(kOpenClient, "totp", "wrong").message(),
              "Incorrect username or password.");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_trigger_refuses), cmocka_unit_test(the_trigger_refuses_one_user),
      cmocka_unit_test(the_trigger_reads_metadata), cmocka_unit_test(blocked_by_risk)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
