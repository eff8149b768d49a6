// Calls with tokens: GetUser, enrolment, preferences, refresh, rotation, revocation.
#include <cstdint>
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

Reply with_token(PoolUnderTest& pool, const std::string& operation, const std::string& token,
                 const std::string& more = "{}") {
  Json::Value body = json(more);
  body["AccessToken"] = token;
  return pool.call(operation, body);
}

void get_user(void** /*state*/) {
  PoolUnderTest pool;
  const std::string token = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken");
  const Reply user = with_token(pool, "GetUser", token);
  assert_text(string_at(user.body, "Username"), "plain");
  assert_false(user.body.isMember("UserMFASettingList"));
  assert_false(user.body.isMember("PreferredMfaSetting"));
  assert_text(with_token(pool, "GetUser", token + "x").message(), "Invalid Access Token");
  pool.pool.users.find("plain")->enabled = false;
  assert_text(with_token(pool, "GetUser", token).message(), "User is disabled.");
  (void)pool.pool.users.remove("plain");
  assert_text(with_token(pool, "GetUser", token).error(), "UserNotFoundException");
}

void expiry_and_revocation(void** /*state*/) {
  PoolUnderTest pool;
  const Reply signed_in = pool.tokens_for(kOpenClient, "plain", "pw-plain");
  const std::string access = signed_in.token("AccessToken");
  Json::Value body;
  body["ClientId"] = kOpenClient;
  body["Token"] = access;
  assert_text(pool.call("RevokeToken", body).error(), "UnsupportedTokenTypeException");
  body["Token"] = signed_in.token("RefreshToken");
  assert_int_equal(pool.call("RevokeToken", body).status, 200);
  assert_text(with_token(pool, "GetUser", access).message(), "Access Token has been revoked");
  Json::Value refresh;
  refresh["ClientId"] = kOpenClient;
  refresh["RefreshToken"] = signed_in.token("RefreshToken");
  assert_text(pool.call("GetTokensFromRefreshToken", refresh).message(),
              "Refresh Token has been revoked");

  const std::string other = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken");
  assert_int_equal(with_token(pool, "GlobalSignOut", other).status, 200);
  assert_text(with_token(pool, "GetUser", other).message(), "Access Token has been revoked");
  const std::string last = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken");
  pool.pool.clock.advance_wall(3600 * 1000);
  assert_text(with_token(pool, "GetUser", last).message(), "Access Token has expired");
}

void refresh(void** /*state*/) {
  PoolUnderTest pool;
  const std::string token = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("RefreshToken");
  Json::Value body;
  body["ClientId"] = kOpenClient;
  body["RefreshToken"] = token;
  const Reply refreshed = pool.call("GetTokensFromRefreshToken", body);
  assert_false(refreshed.token("AccessToken").empty());
  assert_true(refreshed.token("RefreshToken").empty());
  assert_false(pool.initiate(kOpenClient, "REFRESH_TOKEN_AUTH",
                             to_text(json("{\"REFRESH_TOKEN\":\"" + token + "\"}")))
                   .token("IdToken")
                   .empty());
  assert_text(
      pool.initiate(kOpenClient, "REFRESH_TOKEN_AUTH", R"({"REFRESH_TOKEN":"x"})").message(),
      "Invalid Refresh Token");
  pool.pool.clock.advance_life(31LL * 24 * 3600 * 1000);
  assert_text(pool.call("GetTokensFromRefreshToken", body).message(), "Refresh Token has expired");
}

void rotation(void** /*state*/) {
  PoolUnderTest pool;
  Json::Value body;
  body["ClientId"] = kRotatingClient;
  body["RefreshToken"] =
      pool.tokens_for(kRotatingClient, "plain", "pw-plain").token("RefreshToken");
  const std::string next = pool.call("GetTokensFromRefreshToken", body).token("RefreshToken");
  assert_false(next.empty());
  assert_text(pool.call("GetTokensFromRefreshToken", body).error(), "RefreshTokenReuseException");
  body["RefreshToken"] = next;
  assert_false(pool.call("GetTokensFromRefreshToken", body).token("AccessToken").empty());
  pool.pool.find_client(kRotatingClient)->retry_grace_period_s = 60;
  assert_false(pool.call("GetTokensFromRefreshToken", body).token("AccessToken").empty());
}

void enrolment(void** /*state*/) {
  PoolUnderTest pool;
  const std::string token = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken");
  const std::string enable = R"({"SoftwareTokenMfaSettings":{"Enabled":true,"PreferredMfa":true}})";
  assert_text(with_token(pool, "SetUserMFAPreference", token, enable).message(),
              "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA");
  const std::string secret_text =
      string_at(with_token(pool, "AssociateSoftwareToken", token).body, "SecretCode");
  assert_int_equal(secret_text.size(), 52);
  const std::string secret = *base32_decode(secret_text);
  const int64_t step = totp_step(pool.pool.clock.totp_ms());
  const std::string right = totp_code(secret, step);
  const std::string wrong = right == "123456" ? "654321" : "123456";
  assert_text(
      with_token(pool, "VerifySoftwareToken", token, R"({"UserCode":")" + wrong + "\"}").error(),
      "EnableSoftwareTokenMFAException");
  assert_text(
      string_at(with_token(pool, "VerifySoftwareToken", token,
                           R"({"FriendlyDeviceName":"my phone","UserCode":")" + right + "\"}")
                    .body,
                "Status"),
      "SUCCESS");
  // Without the preference an OPTIONAL pool does not ask for the code.
  assert_false(pool.srp_step(kOpenClient, "plain", "pw-plain").token("AccessToken").empty());
  assert_int_equal(with_token(pool, "SetUserMFAPreference", token, enable).status, 200);
  const Reply user = with_token(pool, "GetUser", token);
  assert_text(string_at(user.body, "PreferredMfaSetting"), "SOFTWARE_TOKEN_MFA");
  const Reply next = pool.srp_step(kOpenClient, "plain", "pw-plain");
  assert_text(next.challenge(), "SOFTWARE_TOKEN_MFA");
  assert_text(next.parameter("FRIENDLY_DEVICE_NAME"), "my phone");
  // The code that enrolled cannot sign in.
  assert_text(pool.respond(kOpenClient, "SOFTWARE_TOKEN_MFA", next.session(),
                           R"({"USERNAME":"plain","SOFTWARE_TOKEN_MFA_CODE":")" + right + "\"}")
                  .error(),
              "ExpiredCodeException");
}

void preferences(void** /*state*/) {
  PoolUnderTest pool;
  pool.pool.settings.mfa_configuration = "OFF";
  const std::string token = pool.tokens_for(kOpenClient, "both", "pw-both").token("AccessToken");
  const auto set = [&](const std::string& body) {
    return with_token(pool, "SetUserMFAPreference", token, body);
  };
  const User& user = *pool.pool.users.find("both");
  assert_int_equal(set(R"({"SMSMfaSettings":{"Enabled":true,"PreferredMfa":true}})").status, 200);
  assert_text(*user.mfa_preferred, "SMS_MFA");
  assert_int_equal(
      set(R"({"SoftwareTokenMfaSettings":{"Enabled":true,"PreferredMfa":true}})").status, 200);
  assert_text(*user.mfa_preferred, "SOFTWARE_TOKEN_MFA");
  assert_int_equal(user.mfa_enabled.size(), 2);
  assert_int_equal(set(R"({"SoftwareTokenMfaSettings":{"Enabled":true}})").status, 200);
  assert_false(user.mfa_preferred.has_value());
  assert_int_equal(set(R"({"SoftwareTokenMfaSettings":{"Enabled":false,"PreferredMfa":false},
                           "SMSMfaSettings":null})")
                       .status,
                   200);
  assert_int_equal(user.mfa_enabled.size(), 1);
  for (const char* refused : {R"({"SMSMfaSettings":{"Enabled":false,"PreferredMfa":true}})",
                              R"({"EmailMfaSettings":{"Enabled":true}})",
                              R"({"SMSMfaSettings":{"Enabled":true,"PreferredMfa":true},
            "SoftwareTokenMfaSettings":{"Enabled":true,"PreferredMfa":true}})"}) {
    assert_text(set(refused).error(), "InvalidParameterException");
  }
}

// With this setting a call may not name a factor that was never set up.
void preferences_without_a_factor(void** /*state*/) {
  PoolUnderTest pool;
  pool.pool.settings.disable_unset_factor = "none";
  const std::string token = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken");
  pool.pool.users.find("plain")->attributes.erase("email");
  const auto refusal = [&](const std::string& body) {
    const Reply reply = with_token(pool, "SetUserMFAPreference", token, body);
    assert_text(reply.error(), "InvalidParameterException");
    return reply.message();
  };
  constexpr char kTotpOff[] = R"({"SoftwareTokenMfaSettings":{"Enabled":false}})";
  assert_text(refusal(kTotpOff), "User has not set up software token mfa");
  assert_text(refusal(R"({"SMSMfaSettings":{"Enabled":false,"PreferredMfa":false}})"),
              "User has not set up SMS_MFA");
  for (const std::string factor : {"SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"}) {
    const std::string member = factor == "SMS_MFA"     ? "SMSMfaSettings"
                               : factor == "EMAIL_OTP" ? "EmailMfaSettings"
                                                       : "SoftwareTokenMfaSettings";
    assert_text(refusal("{\"" + member + R"(":{"Enabled":true,"PreferredMfa":true}})"),
                "User does not have delivery config set to turn on " + factor);
  }
  // Handed out and not verified is not set up.
  (void)with_token(pool, "AssociateSoftwareToken", token);
  assert_text(refusal(kTotpOff), "User has not verified software token mfa");
  assert_true(pool.pool.users.find("plain")->mfa_enabled.empty());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(get_user),
                              cmocka_unit_test(expiry_and_revocation),
                              cmocka_unit_test(refresh),
                              cmocka_unit_test(rotation),
                              cmocka_unit_test(enrolment),
                              cmocka_unit_test(preferences),
                              cmocka_unit_test(preferences_without_a_factor)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
