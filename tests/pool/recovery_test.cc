// Forgotten passwords, sign-ups to confirm, ChangePassword; their codes and limits.
#include <initializer_list>
#include <string>
#include <utility>

#include "tests/pool/admin.h"
#include "tests/pool/cmocka.h"
#include "tests/pool/crypto.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

using Members = std::initializer_list<std::pair<const char*, std::string>>;

class Recovery : public PoolUnderTest {
 public:
  Reply forgot(const std::string& client, const std::string& name) {
    return request("ForgotPassword", {{"ClientId", client}, {"Username", name}});
  }
  Reply confirm(const std::string& client, const std::string& name, const std::string& code,
                const std::string& password) {
    return request("ConfirmForgotPassword", {{"ClientId", client},
                                             {"Username", name},
                                             {"ConfirmationCode", code},
                                             {"Password", password}});
  }
  Reply resend(const std::string& client, const std::string& name) {
    return request("ResendConfirmationCode", {{"ClientId", client}, {"Username", name}});
  }
  Reply confirm_sign_up(const std::string& client, const std::string& name,
                        const std::string& code) {
    return request("ConfirmSignUp",
                   {{"ClientId", client}, {"Username", name}, {"ConfirmationCode", code}});
  }
  Reply request(const std::string& operation, Members members) {
    Json::Value body;
    for (const auto& [name, value] : members) body[name] = value;
    return call(operation, body);
  }
  int reset_by_admin(const std::string& name) {
    HttpRequest request;
    request.path = std::string(kAdminPath) + "users/reset-password";
    request.body = R"({"username":")" + name + "\"}";
    return answer_admin(pool, request).status;
  }
  std::string code_for(const std::string& username) {
    const auto message = pool.inbox.next(username);
    assert_true(message.has_value());
    return message->code;
  }
  User& user(const std::string& name) { return *pool.users.find(name); }
};

std::string delivery(const Reply& reply, const char* member) {
  return string_at(reply.body["CodeDeliveryDetails"], member);
}

std::string other_than(const std::string& code) {
  return code == "123456" ? "654321" : "123456";
}

void assert_refused(const Reply& reply, const char* name, const char* message) {
  assert_text(reply.error(), name);
  assert_text(reply.message(), message);
}

void assert_limited(const Reply& reply) {
  assert_refused(reply, "LimitExceededException",
                 "Attempt limit exceeded, please try after some time.");
}

void a_reset(void** /*state*/) {
  Recovery pool;
  const Reply sent = pool.forgot(kOpenClient, "plain");
  assert_text(delivery(sent, "DeliveryMedium"), "EMAIL");
  assert_text(delivery(sent, "Destination"), "p***@e***");
  assert_text(delivery(sent, "AttributeName"), "email");
  const std::string code = pool.code_for("plain");
  assert_int_equal(code.size(), 6);
  // Until the code is given, the old password stays.
  assert_false(pool.password_step("plain", "pw-plain").token("AccessToken").empty());
  assert_refused(pool.confirm(kOpenClient, "plain", other_than(code), "Chosen-Word-2"),
                 "CodeMismatchException", "Invalid verification code provided, please try again.");
  assert_text(pool.confirm(kOpenClient, "plain", code, "short").error(),
              "InvalidPasswordException");
  assert_int_equal(pool.confirm(kOpenClient, "plain", code, "Chosen-Word-2").status, 200);
  assert_text(pool.confirm(kOpenClient, "plain", code, "Chosen-Word-3").error(),
              "ExpiredCodeException");
  assert_false(pool.password_step("plain", "Chosen-Word-2").token("AccessToken").empty());
  assert_text(pool.password_step("plain", "pw-plain").error(), "NotAuthorizedException");
}

void reset_codes_age(void** /*state*/) {
  Recovery pool;
  (void)pool.forgot(kOpenClient, "plain");
  const std::string first = pool.code_for("plain");
  (void)pool.forgot(kOpenClient, "plain");
  const std::string second = pool.code_for("plain");
  if (first != second) {
    assert_text(pool.confirm(kOpenClient, "plain", first, "Chosen-Word-2").error(),
                "CodeMismatchException");
  }
  pool.pool.clock.advance_life(3601 * 1000);
  assert_refused(pool.confirm(kOpenClient, "plain", second, "Chosen-Word-2"),
                 "ExpiredCodeException", "Invalid code provided, please request a code again.");
}

void reset_required(void** /*state*/) {
  Recovery pool;
  pool.user("plain").status = "RESET_REQUIRED";
  assert_int_equal(pool.reset_by_admin("sms"), 400);
  assert_refused(pool.srp_step(kOpenClient, "plain", "pw-plain"), "PasswordResetRequiredException",
                 "Password reset required for the user");
  assert_int_equal(pool.reset_by_admin("plain"), 200);
  const std::string code = pool.code_for("plain");
  assert_int_equal(pool.confirm(kOpenClient, "plain", code, "Chosen-Word-2").status, 200);
  assert_false(pool.srp_step(kOpenClient, "plain", "Chosen-Word-2").token("AccessToken").empty());
}

void who_cannot_be_reset(void** /*state*/) {
  Recovery pool;
  // An unverified address, and one that is the second factor.
  assert_refused(pool.forgot(kLegacyClient, "sms"), "InvalidParameterException",
                 "Cannot reset password for the user as there is no registered/verified email or "
                 "phone_number");
  pool.user("mail").attributes["email_verified"] = "true";
  assert_text(pool.forgot(kLegacyClient, "mail").error(), "InvalidParameterException");
  pool.user("mail").mfa_enabled.clear();
  assert_text(delivery(pool.forgot(kLegacyClient, "mail"), "Destination"), "m***@e***");
  pool.user("plain").status = "FORCE_CHANGE_PASSWORD";
  assert_refused(pool.forgot(kOpenClient, "plain"), "NotAuthorizedException",
                 "User password cannot be reset in the current state.");
  pool.user("plain").status = "CONFIRMED";
  pool.pool.settings.account_recovery = {"admin_only"};
  assert_refused(pool.forgot(kOpenClient, "plain"), "NotAuthorizedException",
                 "Contact administrator to reset password.");
  pool.user("plain").enabled = false;
  assert_refused(pool.forgot(kLegacyClient, "plain"), "NotAuthorizedException",
                 "User is disabled.");
}

void hidden_users(void** /*state*/) {
  Recovery pool;
  assert_refused(pool.forgot(kLegacyClient, "nobody"), "UserNotFoundException",
                 "Username/client id combination not found.");
  assert_text(pool.confirm(kLegacyClient, "nobody", "123456", "Chosen-Word-2").error(),
              "UserNotFoundException");
  assert_text(pool.resend(kLegacyClient, "nobody").error(), "UserNotFoundException");
  pool.user("plain").enabled = false;
  for (const char* name : {"nobody", "plain", "sms"}) {
    assert_text(pool.confirm(kOpenClient, name, "123456", "Chosen-Word-2").error(),
                "ExpiredCodeException");
    const Reply simulated = pool.forgot(kOpenClient, name);
    assert_int_equal(simulated.status, 200);
    assert_text(delivery(simulated, "DeliveryMedium"), "EMAIL");
    assert_text(delivery(pool.forgot(kOpenClient, name), "Destination"),
                delivery(simulated, "Destination"));
    assert_text(pool.confirm(kOpenClient, name, "123456", "Chosen-Word-2").error(),
                "CodeMismatchException");
  }
  assert_text(delivery(pool.resend(kOpenClient, "nobody"), "AttributeName"), "email");
  assert_true(pool.pool.inbox.all().empty());
}

void limits(void** /*state*/) {
  Recovery pool;
  for (const char* name : {"plain", "nobody"}) {
    for (int i = 0; i < 5; ++i) assert_int_equal(pool.forgot(kOpenClient, name).status, 200);
    assert_limited(pool.forgot(kOpenClient, name));
    for (int i = 0; i < 5; ++i) {
      assert_text(pool.confirm(kOpenClient, name, "x", "Chosen-Word-2").error(),
                  "CodeMismatchException");
    }
    assert_limited(pool.confirm(kOpenClient, name, "x", "Chosen-Word-2"));
  }
  // An alias is the same user.
  assert_limited(pool.forgot(kOpenClient, "plain@example.com"));
  pool.pool.clock.advance_life(3601 * 1000);
  assert_int_equal(pool.forgot(kOpenClient, "plain").status, 200);
  pool.pool.settings.forgot_password_limit = 0;
  for (int i = 0; i < 9; ++i) assert_int_equal(pool.forgot(kOpenClient, "plain").status, 200);
}

void a_sign_up(void** /*state*/) {
  Recovery pool;
  User& user = pool.user("plain");
  user.status = "UNCONFIRMED";
  user.attributes["email_verified"] = "false";
  assert_refused(pool.srp_step(kOpenClient, "plain", "pw-plain"), "UserNotConfirmedException",
                 "User is not confirmed.");
  assert_text(pool.confirm_sign_up(kOpenClient, "plain", "123456").error(), "ExpiredCodeException");
  assert_text(delivery(pool.resend(kOpenClient, "plain"), "Destination"), "p***@e***");
  const std::string code = pool.code_for("plain");
  assert_text(pool.confirm_sign_up(kOpenClient, "plain", other_than(code)).error(),
              "CodeMismatchException");
  pool.pool.clock.advance_life(25LL * 3600 * 1000);
  assert_text(pool.confirm_sign_up(kOpenClient, "plain", code).error(), "ExpiredCodeException");
  (void)pool.resend(kOpenClient, "plain");
  assert_int_equal(pool.confirm_sign_up(kOpenClient, "plain", pool.code_for("plain")).status, 200);
  assert_text(user.attribute("email_verified"), "true");
  assert_false(pool.srp_step(kOpenClient, "plain", "pw-plain").token("AccessToken").empty());
  assert_refused(pool.confirm_sign_up(kOpenClient, "plain", code), "NotAuthorizedException",
                 "User cannot be confirmed. Current status is CONFIRMED");
  assert_refused(pool.resend(kOpenClient, "plain"), "InvalidParameterException",
                 "User is already confirmed.");
}

void a_taken_address(void** /*state*/) {
  Recovery pool;
  User& user = pool.user("mail");
  user.status = "UNCONFIRMED";
  user.attributes["email"] = "plain@example.com";
  (void)pool.resend(kOpenClient, "mail");
  const std::string code = pool.code_for("mail");
  assert_refused(pool.confirm_sign_up(kOpenClient, "mail", code), "AliasExistsException",
                 "An account with the given email already exists.");
  Json::Value body = json(R"({"Username":"mail","ForceAliasCreation":true})");
  body["ClientId"] = kOpenClient;
  body["ConfirmationCode"] = code;
  assert_int_equal(pool.call("ConfirmSignUp", body).status, 200);
  assert_text(pool.user("plain").attribute("email_verified"), "false");
}

void resend_limit(void** /*state*/) {
  Recovery pool;
  pool.user("plain").status = "UNCONFIRMED";
  for (int i = 0; i < 5; ++i) assert_int_equal(pool.resend(kOpenClient, "plain").status, 200);
  assert_limited(pool.resend(kOpenClient, "plain"));
  for (int i = 0; i < 15; ++i) {
    assert_text(pool.confirm_sign_up(kOpenClient, "plain", "x").error(), "CodeMismatchException");
  }
  assert_limited(pool.confirm_sign_up(kOpenClient, "plain", "x"));
}

void change(void** /*state*/) {
  Recovery pool;
  pool.pool.settings.password_history = 3;
  const std::string token = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken");
  const auto change_to = [&](const std::string& previous, const std::string& proposed) {
    return pool.request(
        "ChangePassword",
        {{"AccessToken", token}, {"PreviousPassword", previous}, {"ProposedPassword", proposed}});
  };
  assert_refused(change_to("other", "Chosen-Word-2"), "NotAuthorizedException",
                 "Incorrect username or password.");
  assert_refused(change_to("pw-plain", "short"), "InvalidPasswordException",
                 "Password did not conform with policy: Password not long enough");
  assert_int_equal(change_to("pw-plain", "Chosen-Word-2").status, 200);
  assert_text(change_to("Chosen-Word-2", "Chosen-Word-2").error(),
              "PasswordHistoryPolicyViolationException");
  assert_false(pool.password_step("plain", "Chosen-Word-2").token("AccessToken").empty());
  assert_int_equal(change_to("Chosen-Word-2", "Chosen-Word-3").status, 200);
  assert_limited(change_to("Chosen-Word-3", "Chosen-Word-4"));
  // A token does not help a user who has to be reset or confirmed.
  pool.user("plain").status = "RESET_REQUIRED";
  assert_text(change_to("Chosen-Word-3", "Chosen-Word-4").error(),
              "PasswordResetRequiredException");
  pool.user("plain").status = "UNCONFIRMED";
  assert_text(change_to("Chosen-Word-3", "Chosen-Word-4").error(), "UserNotConfirmedException");
  assert_text(
      pool.request("ChangePassword", {{"AccessToken", "x"}, {"ProposedPassword", "y"}}).message(),
      "Invalid Access Token");
}

void client_secrets(void** /*state*/) {
  Recovery pool;
  assert_text(pool.forgot(kSecretClient, "plain").error(), "NotAuthorizedException");
  const std::string hash =
      base64_encode(hmac_sha256("not a secret", std::string("plain") + kSecretClient));
  assert_int_equal(
      pool.request("ForgotPassword",
                   {{"ClientId", kSecretClient}, {"Username", "plain"}, {"SecretHash", hash}})
          .status,
      200);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_reset),        cmocka_unit_test(reset_codes_age),
      cmocka_unit_test(reset_required), cmocka_unit_test(who_cannot_be_reset),
      cmocka_unit_test(hidden_users),   cmocka_unit_test(limits),
      cmocka_unit_test(a_sign_up),      cmocka_unit_test(a_taken_address),
      cmocka_unit_test(resend_limit),   cmocka_unit_test(change),
      cmocka_unit_test(client_secrets)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
