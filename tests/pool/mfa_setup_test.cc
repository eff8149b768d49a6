// MFA_SETUP: enrolment during a sign-in, by authenticator and by e-mail.
#include <cstdint>
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

class Enrolment : public PoolUnderTest {
 public:
  Enrolment() { pool.settings.mfa_configuration = "ON"; }

  Reply begin() { return password_step("plain", "pw-plain"); }
  Reply associate(const std::string& session) {
    return call("AssociateSoftwareToken", member("Session", session));
  }
  Reply verify(const std::string& session, const std::string& code) {
    Json::Value body = member("Session", session);
    body["UserCode"] = code;
    body["FriendlyDeviceName"] = "my phone";
    return call("VerifySoftwareToken", body);
  }
  Reply finish(const std::string& session) {
    return respond(kLegacyClient, "MFA_SETUP", session, R"({"USERNAME":"plain"})");
  }
  [[nodiscard]] std::string code(const Reply& associated, int64_t step = 0) const {
    const auto secret = base32_decode(string_at(associated.body, "SecretCode"));
    assert_true(secret.has_value());
    return totp_code(*secret, totp_step(pool.clock.totp_ms()) + step);
  }

 private:
  static Json::Value member(const std::string& name, const std::string& value) {
    Json::Value body;
    body[name] = value;
    return body;
  }
};

std::string other_than(const std::string& code) {
  return code == "123456" ? "654321" : "123456";
}

void authenticator(void** /*state*/) {
  Enrolment pool;
  const Reply asked = pool.begin();
  assert_text(asked.challenge(), "MFA_SETUP");
  assert_text(asked.parameter("MFAS_CAN_SETUP"), R"(["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"])");
  // Nothing is set up yet.
  assert_text(pool.finish(asked.session()).error(), "SoftwareTokenMFANotFoundException");
  assert_text(pool.verify(asked.session(), "123456").error(), "SoftwareTokenMFANotFoundException");
  const Reply associated = pool.associate(asked.session());
  assert_int_equal(string_at(associated.body, "SecretCode").size(), 52);
  assert_text(pool.associate(asked.session()).message(),
              "Invalid session for the user, session can only be used once.");
  const std::string code = pool.code(associated);
  const Reply wrong = pool.verify(associated.session(), other_than(code));
  assert_text(wrong.error(), "EnableSoftwareTokenMFAException");
  assert_text(wrong.message(), "Code mismatch and fail enable Software Token MFA");
  assert_text(pool.finish(associated.session()).error(), "SoftwareTokenMFANotFoundException");
  const Reply verified = pool.verify(associated.session(), code);
  assert_text(string_at(verified.body, "Status"), "SUCCESS");
  assert_false(pool.finish(verified.session()).token("AccessToken").empty());
  assert_text(pool.finish(verified.session()).message(),
              "Invalid session for the user, session can only be used once.");

  const Reply next = pool.begin();
  assert_text(next.challenge(), "SOFTWARE_TOKEN_MFA");
  assert_text(next.parameter("FRIENDLY_DEVICE_NAME"), "my phone");
  const auto sign_in = [&](const std::string& with) {
    return pool.respond(kLegacyClient, "SOFTWARE_TOKEN_MFA", next.session(),
                        R"({"USERNAME":"plain","SOFTWARE_TOKEN_MFA_CODE":")" + with + "\"}");
  };
  assert_text(sign_in(code).error(), "ExpiredCodeException");
  assert_false(sign_in(pool.code(associated, 1)).token("AccessToken").empty());
}

void broken_off(void** /*state*/) {
  Enrolment pool;
  // Before the code: everything as before, with another secret.
  const Reply first = pool.associate(pool.begin().session());
  const Reply again = pool.begin();
  assert_text(again.challenge(), "MFA_SETUP");
  const Reply second = pool.associate(again.session());
  assert_string_not_equal(string_at(first.body, "SecretCode").c_str(),
                          string_at(second.body, "SecretCode").c_str());
  // After the code: the factor stands.
  assert_text(string_at(pool.verify(second.session(), pool.code(second)).body, "Status"),
              "SUCCESS");
  assert_text(pool.begin().challenge(), "SOFTWARE_TOKEN_MFA");
}

void status_error(void** /*state*/) {
  Enrolment pool;
  pool.pool.settings.verify_answers_error = true;
  const Reply associated = pool.associate(pool.begin().session());
  const std::string code = pool.code(associated);
  const Reply wrong = pool.verify(associated.session(), other_than(code));
  assert_int_equal(wrong.status, 200);
  assert_text(string_at(wrong.body, "Status"), "ERROR");
  assert_text(pool.finish(wrong.session()).error(), "SoftwareTokenMFANotFoundException");
  assert_text(string_at(pool.verify(wrong.session(), code).body, "Status"), "SUCCESS");
}

void sessions(void** /*state*/) {
  Enrolment pool;
  const Reply asked = pool.begin();
  Json::Value both;
  both["Session"] = asked.session();
  both["AccessToken"] = "x";
  assert_text(pool.call("AssociateSoftwareToken", both).error(), "InvalidParameterException");
  assert_text(pool.associate("unknown").message(), "Invalid session for the user.");
  pool.pool.clock.advance_life(181'000);
  assert_text(pool.associate(asked.session()).message(),
              "Invalid session for the user, session is expired.");
  // Each step has the whole time.
  const Reply fresh = pool.associate(pool.begin().session());
  pool.pool.clock.advance_life(170'000);
  const Reply verified = pool.verify(fresh.session(), pool.code(fresh));
  pool.pool.clock.advance_life(170'000);
  assert_false(pool.finish(verified.session()).token("AccessToken").empty());
  // A session of another challenge enrols nobody.
  const std::string mfa = pool.password_step("totp", "pw-totp").session();
  assert_text(pool.associate(mfa).message(), "Invalid session for the user.");
}

void what_can_be_set_up(void** /*state*/) {
  Enrolment pool;
  pool.pool.settings.mfas_can_setup = {"EMAIL_OTP"};
  const Reply asked = pool.begin();
  assert_text(asked.parameter("MFAS_CAN_SETUP"), R"(["EMAIL_OTP"])");
  assert_text(pool.associate(asked.session()).message(),
              "Software Token MFA has not been enabled by the userPool");
  pool.pool.settings.mfas_can_setup = {"SOFTWARE_TOKEN_MFA"};
  assert_text(pool.respond(kLegacyClient, "MFA_SETUP", pool.begin().session(),
                           R"({"USERNAME":"plain","EMAIL":"new@example.com"})")
                  .error(),
              "InvalidParameterException");
}

void email(void** /*state*/) {
  Enrolment pool;
  const std::string session = pool.begin().session();
  assert_text(pool.respond(kLegacyClient, "MFA_SETUP", session,
                           R"({"USERNAME":"plain","EMAIL":"no address"})")
                  .error(),
              "InvalidParameterException");
  const Reply asked = pool.respond(kLegacyClient, "MFA_SETUP", session,
                                   R"({"USERNAME":"plain","EMAIL":"new@sample.org"})");
  assert_text(asked.challenge(), "EMAIL_OTP");
  assert_text(asked.parameter("CODE_DELIVERY_DESTINATION"), "n***@s***");
  const User& user = *pool.pool.users.find("plain");
  assert_text(user.attribute("email"), "plain@example.com");
  const auto message = pool.pool.inbox.next("plain");
  assert_text(message->destination, "new@sample.org");
  const auto answer = [&](const std::string& code) {
    return pool.respond(kLegacyClient, "EMAIL_OTP", asked.session(),
                        R"({"USERNAME":"plain","EMAIL_OTP_CODE":")" + code + "\"}");
  };
  assert_text(answer("1").error(), "CodeMismatchException");
  assert_true(user.mfa_enabled.empty());
  assert_false(answer(message->code).token("AccessToken").empty());
  assert_text(user.attribute("email"), "new@sample.org");
  assert_text(pool.begin().challenge(), "EMAIL_OTP");
}

// The pool's three settings for a user without a factor, with one, and with one switched off.
void settings_and_users(void** /*state*/) {
  struct Row {
    const char* configuration;
    const char* without;
    const char* with;
    const char* switched_off;
  };
  // "": tokens at once.
  for (const Row& row : {Row{"OFF", "", "", ""}, Row{"OPTIONAL", "", "SOFTWARE_TOKEN_MFA", ""},
                         Row{"ON", "MFA_SETUP", "SOFTWARE_TOKEN_MFA", "MFA_SETUP"}}) {
    PoolUnderTest pool;
    const auto token = pool.password_step("plain", "pw-plain").token("AccessToken");
    pool.pool.settings.mfa_configuration = row.configuration;
    assert_text(pool.password_step("plain", "pw-plain").challenge(), row.without);
    User& totp = *pool.pool.users.find("totp");
    totp.mfa_preferred = "SOFTWARE_TOKEN_MFA";
    assert_text(pool.password_step("totp", "pw-totp").challenge(), row.with);
    // Switched off by the user: the authenticator is still there, and does not count.
    User& plain = *pool.pool.users.find("plain");
    plain.authenticator = totp.authenticator;
    plain.mfa_enabled = {"SOFTWARE_TOKEN_MFA"};
    Json::Value off;
    off["AccessToken"] = token;
    off["SoftwareTokenMfaSettings"] = json(R"({"Enabled":false,"PreferredMfa":false})");
    assert_int_equal(pool.call("SetUserMFAPreference", off).status, 200);
    const Reply after = pool.password_step("plain", "pw-plain");
    assert_text(after.challenge(), row.switched_off);
    assert_true(after.token("AccessToken").empty() == (row.switched_off[0] != '\0'));
  }
}

void the_old_secret_stays(void** /*state*/) {
  Enrolment pool;
  const auto totp_session = [&] { return pool.password_step("totp", "pw-totp").session(); };
  const auto answer = [&](const std::string& code) {
    return pool.respond(kLegacyClient, "SOFTWARE_TOKEN_MFA", totp_session(),
                        R"({"USERNAME":"totp","SOFTWARE_TOKEN_MFA_CODE":")" + code + "\"}");
  };
  const User& user = *pool.pool.users.find("totp");
  const std::string old_secret = user.authenticator->secret();
  const auto old_code = [&](int64_t step) {
    return totp_code(old_secret, totp_step(pool.pool.clock.totp_ms()) + step);
  };
  Json::Value body;
  body["AccessToken"] = answer(old_code(0)).token("AccessToken");
  const Reply associated = pool.call("AssociateSoftwareToken", body);
  assert_false(string_at(associated.body, "SecretCode").empty());
  assert_false(answer(old_code(1)).token("AccessToken").empty());
  body["UserCode"] = pool.code(associated);
  assert_text(string_at(pool.call("VerifySoftwareToken", body).body, "Status"), "SUCCESS");
  assert_string_not_equal(user.authenticator->secret().c_str(), old_secret.c_str());

  // With a factor that is not enabled, MFA_SETUP comes; until it is verified the old one stays.
  Enrolment by_session;
  User& second = *by_session.pool.users.find("totp");
  second.mfa_enabled.clear();
  const std::string before = second.authenticator->secret();
  (void)by_session.associate(by_session.password_step("totp", "pw-totp").session());
  assert_true(second.authenticator->secret() == before);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(authenticator),
                              cmocka_unit_test(broken_off),
                              cmocka_unit_test(status_error),
                              cmocka_unit_test(sessions),
                              cmocka_unit_test(email),
                              cmocka_unit_test(what_can_be_set_up),
                              cmocka_unit_test(settings_and_users),
                              cmocka_unit_test(the_old_secret_stays)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
