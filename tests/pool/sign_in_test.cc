// Whole sign-ins at the API: passwords, challenges, sessions, locks, hidden users, client secrets.
#include <cstdint>
#include <set>
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

std::string code_answer(const std::string& name, const std::string& user, const std::string& code) {
  Json::Value responses;
  responses["USERNAME"] = user;
  responses[name] = code;
  return to_text(responses);
}

std::string current_totp(PoolUnderTest& pool, const std::string& username, int64_t step = 0) {
  return totp_code(pool.pool.users.find(username)->authenticator->secret(),
                   totp_step(pool.pool.clock.totp_ms()) + step);
}

// The clock goes back before what must find the first lock, which is one second (lockout_test): on
// a slow machine too.
constexpr int64_t kSlackMs = 60'000;

void assert_refused(const Reply& reply, const char* name, const char* message) {
  assert_text(reply.error(), name);
  assert_text(reply.message(), message);
}

void srp_and_password_flow(void** /*state*/) {
  PoolUnderTest pool;
  assert_false(pool.srp_step(kOpenClient, "plain", "pw-plain").token("AccessToken").empty());
  assert_false(pool.password_step("plain", "pw-plain").token("RefreshToken").empty());
  const Reply wrong = pool.srp_step(kOpenClient, "plain", "pw-plain", true);
  assert_refused(wrong, "NotAuthorizedException", "Incorrect username or password.");
  assert_int_equal(wrong.status, 403);
  assert_refused(pool.password_step("plain", "other"), "NotAuthorizedException",
                 "Incorrect username or password.");
  assert_refused(pool.initiate(kOpenClient, "USER_PASSWORD_AUTH",
                               R"({"USERNAME":"plain","PASSWORD":"pw-plain"})"),
                 "InvalidParameterException",
                 "USER_PASSWORD_AUTH flow not enabled for this client");
}

void srp_must_be_in_time(void** /*state*/) {
  PoolUnderTest pool;
  const SrpClient srp;
  Json::Value parameters;
  parameters["USERNAME"] = "plain";
  parameters["SRP_A"] = number_hex(srp.public_value.get());
  const auto answer_with = [&](const Reply& first, const std::string& timestamp) {
    Json::Value responses;
    responses["USERNAME"] = "plain";
    responses["PASSWORD_CLAIM_SECRET_BLOCK"] = first.parameter("SECRET_BLOCK");
    responses["TIMESTAMP"] = timestamp;
    responses["PASSWORD_CLAIM_SIGNATURE"] = srp.signature(
        pool.pool.settings.name(), first.body["ChallengeParameters"], "pw-plain", timestamp);
    return pool.respond(kOpenClient, "PASSWORD_VERIFIER", "", to_text(responses));
  };
  const int64_t now = pool.pool.clock.wall_s();

  const Reply late = pool.initiate(kOpenClient, "USER_SRP_AUTH", to_text(parameters));
  pool.pool.clock.advance_life(9000);
  assert_refused(answer_with(late, timestamp_of(now)), "NotAuthorizedException",
                 "Incorrect username or password.");
  const Reply off = pool.initiate(kOpenClient, "USER_SRP_AUTH", to_text(parameters));
  assert_refused(answer_with(off, timestamp_of(now - 400)), "NotAuthorizedException",
                 "Incorrect username or password.");
  const Reply good = pool.initiate(kOpenClient, "USER_SRP_AUTH", to_text(parameters));
  assert_false(answer_with(good, timestamp_of(now)).token("IdToken").empty());
  // Each SECRET_BLOCK is good for one answer.
  assert_refused(answer_with(good, timestamp_of(now)), "NotAuthorizedException",
                 "Incorrect username or password.");
}

void totp(void** /*state*/) {
  PoolUnderTest pool;
  const Reply first = pool.password_step("totp", "pw-totp");
  assert_text(first.challenge(), "SOFTWARE_TOKEN_MFA");
  assert_text(first.parameter("USER_ID_FOR_SRP"), "totp");
  const auto answer = [&](const std::string& session, const std::string& code) {
    return pool.respond(kLegacyClient, "SOFTWARE_TOKEN_MFA", session,
                        code_answer("SOFTWARE_TOKEN_MFA_CODE", "totp", code));
  };
  const std::string code = current_totp(pool, "totp");
  assert_refused(answer(first.session(), code == "000000" ? "000001" : "000000"),
                 "CodeMismatchException", "Invalid code received for user");
  assert_false(answer(first.session(), code).token("AccessToken").empty());
  assert_refused(answer(first.session(), code), "NotAuthorizedException",
                 "Invalid session for the user, session can only be used once.");
  const Reply second = pool.password_step("totp", "pw-totp");
  assert_refused(answer(second.session(), code), "ExpiredCodeException",
                 "Your software token has already been used once.");
  assert_false(answer(second.session(), current_totp(pool, "totp", 1)).token("IdToken").empty());
}

void message_codes(void** /*state*/) {
  PoolUnderTest pool;
  const Reply sms = pool.password_step("sms", "pw-sms");
  assert_text(sms.challenge(), "SMS_MFA");
  assert_text(sms.parameter("CODE_DELIVERY_DELIVERY_MEDIUM"), "SMS");
  assert_text(sms.parameter("CODE_DELIVERY_DESTINATION"), "+*******4567");
  const auto message = pool.pool.inbox.next("sms");
  assert_true(message.has_value());
  assert_int_equal(message->code.size(), 6);
  // The answer to another challenge than the one that was asked.
  assert_refused(pool.respond(kLegacyClient, "SOFTWARE_TOKEN_MFA", sms.session(),
                              code_answer("SOFTWARE_TOKEN_MFA_CODE", "sms", message->code)),
                 "CodeMismatchException", "Invalid code or auth state for the user.");
  assert_false(pool.respond(kLegacyClient, "SMS_MFA", sms.session(),
                            code_answer("SMS_MFA_CODE", "sms", message->code))
                   .token("AccessToken")
                   .empty());
  assert_text(pool.pool.users.find("sms")->attribute("phone_number_verified"), "true");

  const Reply mail = pool.password_step("mail", "pw-mail");
  assert_text(mail.challenge(), "EMAIL_OTP");
  assert_text(mail.parameter("CODE_DELIVERY_DESTINATION"), "m***@e***");
  const auto letter = pool.pool.inbox.next("mail");
  assert_int_equal(letter->code.size(), 8);
  assert_false(pool.respond(kLegacyClient, "EMAIL_OTP", mail.session(),
                            code_answer("EMAIL_OTP_CODE", "mail", letter->code))
                   .token("AccessToken")
                   .empty());
}

void choice(void** /*state*/) {
  PoolUnderTest pool;
  const Reply first = pool.password_step("both", "pw-both");
  assert_text(first.challenge(), "SELECT_MFA_TYPE");
  assert_text(first.parameter("MFAS_CAN_CHOOSE"), R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])");
  // No message before the person has chosen.
  assert_false(pool.pool.inbox.next("both").has_value());
  assert_text(pool.respond(kLegacyClient, "SELECT_MFA_TYPE", first.session(),
                           R"({"USERNAME":"both","ANSWER":"EMAIL_OTP"})")
                  .error(),
              "InvalidParameterException");
  const Reply second = pool.respond(kLegacyClient, "SELECT_MFA_TYPE", first.session(),
                                    R"({"USERNAME":"both","ANSWER":"SMS_MFA"})");
  assert_text(second.challenge(), "SMS_MFA");
  assert_true(pool.pool.inbox.next("both").has_value());
  pool.pool.users.find("both")->mfa_preferred = kTotp;
  assert_text(pool.password_step("both", "pw-both").challenge(), "SOFTWARE_TOKEN_MFA");
}

void sessions(void** /*state*/) {
  PoolUnderTest pool;
  const std::string answer = R"({"USERNAME":"sms","SMS_MFA_CODE":"1"})";
  assert_refused(pool.respond(kLegacyClient, "SMS_MFA", "", answer), "InvalidParameterException",
                 "Missing required parameter Session");
  assert_refused(pool.respond(kLegacyClient, "SMS_MFA", "AYABeUnknown", answer),
                 "NotAuthorizedException", "Invalid session for the user.");
  const Reply first = pool.password_step("sms", "pw-sms");
  assert_true(first.session().size() > 900 && first.session().size() < 1600);
  assert_refused(pool.respond(kOpenClient, "SMS_MFA", first.session(), answer),
                 "NotAuthorizedException", "Invalid session for the user.");
  assert_refused(pool.respond(kLegacyClient, "SMS_MFA", first.session(),
                              R"({"USERNAME":"plain","SMS_MFA_CODE":"1"})"),
                 "NotAuthorizedException", "Invalid session for the user.");
  pool.pool.clock.advance_life(120'000);
  assert_text(pool.respond(kLegacyClient, "SMS_MFA", first.session(), answer).error(),
              "CodeMismatchException");
  pool.pool.clock.advance_life(61'000);
  assert_refused(pool.respond(kLegacyClient, "SMS_MFA", first.session(), answer),
                 "NotAuthorizedException", "Invalid session for the user, session is expired.");
}

void lockout_by_passwords(void** /*state*/) {
  PoolUnderTest pool;
  for (int i = 0; i < 5; ++i) {
    assert_text(pool.srp_step(kOpenClient, "plain", "pw-plain", true).message(),
                "Incorrect username or password.");
  }
  pool.pool.clock.advance_life(-kSlackMs);
  assert_refused(pool.srp_step(kOpenClient, "plain", "pw-plain"), "NotAuthorizedException",
                 "Password attempts exceeded");
  pool.pool.clock.advance_life(kSlackMs + 1001);
  assert_false(pool.srp_step(kOpenClient, "plain", "pw-plain").token("AccessToken").empty());
  assert_int_equal(pool.pool.users.find("plain")->password_lock.failures(), 0);
}

void lockout_by_codes(void** /*state*/) {
  PoolUnderTest pool;
  const Reply first = pool.password_step("sms", "pw-sms");
  for (int i = 0; i < 5; ++i) {
    assert_text(pool.respond(kLegacyClient, "SMS_MFA", first.session(),
                             R"({"USERNAME":"sms","SMS_MFA_CODE":"x"})")
                    .error(),
                "CodeMismatchException");
  }
  const auto message = pool.pool.inbox.next("sms");
  const std::string right = code_answer("SMS_MFA_CODE", "sms", message->code);
  pool.pool.clock.advance_life(-kSlackMs);
  assert_text(pool.respond(kLegacyClient, "SMS_MFA", first.session(), right).message(),
              "Password attempts exceeded");
  assert_text(pool.password_step("sms", "pw-sms").message(), "Password attempts exceeded");
  pool.pool.clock.advance_life(kSlackMs + 1001);
  assert_false(
      pool.respond(kLegacyClient, "SMS_MFA", first.session(), right).token("AccessToken").empty());
}

void unknown_users(void** /*state*/) {
  PoolUnderTest pool;
  assert_refused(pool.password_step("nobody", "x"), "UserNotFoundException",
                 "User does not exist.");
  assert_text(pool.srp_step(kLegacyClient, "nobody", "x").error(), "UserNotFoundException");
  Json::Value parameters;
  parameters["USERNAME"] = "nobody";
  parameters["SRP_A"] = "abcdef";
  const Reply one = pool.initiate(kOpenClient, "USER_SRP_AUTH", to_text(parameters));
  const Reply two = pool.initiate(kOpenClient, "USER_SRP_AUTH", to_text(parameters));
  assert_text(one.challenge(), "PASSWORD_VERIFIER");
  assert_text(one.parameter("SALT"), two.parameter("SALT"));
  assert_text(one.parameter("USER_ID_FOR_SRP"), two.parameter("USER_ID_FOR_SRP"));
  assert_int_equal(one.parameter("USER_ID_FOR_SRP").size(), 36);
  for (int i = 0; i < 5; ++i) {
    assert_refused(pool.srp_step(kOpenClient, "nobody", "x"), "NotAuthorizedException",
                   "Incorrect username or password.");
  }
  pool.pool.clock.advance_life(-kSlackMs);
  assert_text(pool.srp_step(kOpenClient, "nobody", "x").message(), "Password attempts exceeded");
}

void user_states(void** /*state*/) {
  PoolUnderTest pool;
  User* user = pool.pool.users.find("plain");
  user->status = "UNCONFIRMED";
  assert_refused(pool.password_step("plain", "pw-plain"), "UserNotConfirmedException",
                 "User is not confirmed.");
  user->status = "RESET_REQUIRED";
  assert_refused(pool.password_step("plain", "pw-plain"), "PasswordResetRequiredException",
                 "Password reset required for the user");
  user->status = "FORCE_CHANGE_PASSWORD";
  assert_text(pool.password_step("plain", "pw-plain").challenge(), "NEW_PASSWORD_REQUIRED");
  user->status = "CONFIRMED";
  user->enabled = false;
  assert_refused(pool.srp_step(kOpenClient, "plain", "pw-plain"), "NotAuthorizedException",
                 "User is disabled.");
  assert_text(pool.srp_step(kOpenClient, "plain", "wrong").message(),
              "Incorrect username or password.");
  user->enabled = true;
  pool.pool.settings.mfa_configuration = "ON";
  const Reply set_up = pool.password_step("plain", "pw-plain");
  assert_text(set_up.challenge(), "MFA_SETUP");
  assert_text(set_up.parameter("MFAS_CAN_SETUP"),
              R"(["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"])");
  pool.pool.settings.mfa_configuration = "OFF";
  assert_false(pool.password_step("totp", "pw-totp").token("AccessToken").empty());
}

void secret_hash(void** /*state*/) {
  PoolUnderTest pool;
  Json::Value parameters;
  parameters["USERNAME"] = "plain";
  parameters["PASSWORD"] = "pw-plain";
  const auto sign_in = [&] {
    return pool.initiate(kSecretClient, "USER_PASSWORD_AUTH", to_text(parameters));
  };
  const std::string id = kSecretClient;
  assert_text(sign_in().message(),
              "Client " + id + " is configured with secret but SECRET_HASH was not received");
  parameters["SECRET_HASH"] = "wrong";
  assert_text(sign_in().message(), "Unable to verify secret hash for client " + id);
  parameters["SECRET_HASH"] = base64_encode(hmac_sha256("not a secret", "plain" + id));
  assert_false(sign_in().token("AccessToken").empty());
}

void aliases(void** /*state*/) {
  PoolUnderTest pool;
  assert_false(
      pool.srp_step(kOpenClient, "plain@example.com", "pw-plain").token("IdToken").empty());
  // An e-mail address that nobody proved is no alias.
  assert_text(pool.password_step("mail@example.com", "pw-mail").error(), "UserNotFoundException");
  assert_text(pool.password_step("postie", "pw-mail").parameter("USER_ID_FOR_SRP"), "mail");
  // The user name wins, unless the pool is told otherwise.
  pool.pool.users.find("mail")->attributes["preferred_username"] = "plain";
  assert_text(pool.password_step("plain", "pw-mail").error(), "NotAuthorizedException");
  pool.pool.settings.alias_before_username = true;
  assert_text(pool.password_step("plain", "pw-mail").challenge(), "EMAIL_OTP");
}

void malformed_requests(void** /*state*/) {
  PoolUnderTest pool;
  assert_text(pool.call_text("InitiateAuth", "{").error(), "SerializationException");
  assert_text(pool.call_text("InitiateAuth", "[]").error(), "SerializationException");
  assert_text(pool.call_text("NoSuchThing", "{}").error(), "UnknownOperationException");
  assert_text(pool.call("InitiateAuth", json("{}")).error(), "InvalidParameterException");
  assert_text(pool.initiate("nobody", "USER_SRP_AUTH", "{}").message(),
              "User pool client nobody does not exist.");
  assert_int_equal(pool.initiate("nobody", "USER_SRP_AUTH", "{}").status, 404);
  assert_text(pool.initiate(kOpenClient, "USER_SRP_AUTH", "{}").message(),
              "Missing required parameter USERNAME");
  assert_text(pool.initiate(kOpenClient, "NONSENSE", "{}").error(), "InvalidParameterException");
  assert_text(pool.initiate(kOpenClient, "USER_AUTH", "{}").message(),
              "USER_AUTH flow not enabled for this client");
  assert_text(pool.initiate(kOpenClient, "USER_SRP_AUTH", R"({"USERNAME":1})").error(),
              "SerializationException");
  assert_text(
      pool.initiate(kOpenClient, "USER_SRP_AUTH", R"({"USERNAME":"a","SRP_A":"0"})").error(),
      "InvalidParameterException");
  for (const char* challenge : {"MFA_SETUP", "CUSTOM_CHALLENGE", "NONSENSE"}) {
    assert_text(pool.respond(kOpenClient, challenge, "s", "{}").error(),
                "InvalidParameterException");
  }
  pool.pool.settings.client_errors_400 = true;
  assert_int_equal(pool.initiate("nobody", "USER_SRP_AUTH", "{}").status, 400);
}

void log_and_metadata(void** /*state*/) {
  PoolUnderTest pool;
  Json::Value body = json(R"({"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"2legacy3client4id",
      "AuthParameters":{"USERNAME":"plain","PASSWORD":"pw-plain"},
      "ClientMetadata":{"host":"h1"},"UserContextData":{"IpAddress":"192.0.2.1"}})");
  (void)pool.call("InitiateAuth", body);
  (void)pool.password_step("plain", "wrong");
  const Json::Value entries = pool.pool.log.list({}, false);
  assert_int_equal(entries.size(), 2);
  assert_text(string_at(entries[0]["metadata"], "host"), "h1");
  assert_text(string_at(entries[0], "ip"), "192.0.2.1");
  assert_text(string_at(entries[0], "result"), "tokens");
  assert_text(string_at(entries[1], "result"), "NotAuthorizedException");
  assert_int_equal(pool.pool.log.counts({})["InitiateAuth/USER_PASSWORD_AUTH"].asInt(), 2);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(srp_and_password_flow),
                              cmocka_unit_test(srp_must_be_in_time),
                              cmocka_unit_test(totp),
                              cmocka_unit_test(message_codes),
                              cmocka_unit_test(choice),
                              cmocka_unit_test(sessions),
                              cmocka_unit_test(lockout_by_passwords),
                              cmocka_unit_test(lockout_by_codes),
                              cmocka_unit_test(unknown_users),
                              cmocka_unit_test(user_states),
                              cmocka_unit_test(secret_hash),
                              cmocka_unit_test(aliases),
                              cmocka_unit_test(malformed_requests),
                              cmocka_unit_test(log_and_metadata)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
