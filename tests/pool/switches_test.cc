// If the service's behaviour is unknown, or differs between pools, a setting decides; this file
// tests each of its values. The defaults are what users of the service have reported.
#include <string>
#include <utility>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr char kAnyClient[] = "5any6client7id";

void assert_refused(const Reply& reply, const char* name, const char* message) {
  assert_text(reply.error(), name);
  assert_text(reply.message(), message);
}

// A pool with one more client, which hides users and allows each flow.
class Switched : public PoolUnderTest {
 public:
  explicit Switched(const char* settings = "{}") {
    Client client;
    assert_true(update(client, json(R"({"client_id":"5any6client7id","explicit_auth_flows":[
        "ALLOW_USER_SRP_AUTH","ALLOW_USER_PASSWORD_AUTH","ALLOW_USER_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH"]})"))
                    .has_value());
    pool.clients.push_back(client);
    set(settings);
  }

  void set(const std::string& settings) {
    const auto done = update(pool.settings, json(settings));
    if (!done) print_error("%s\n", done.error().c_str());
    assert_true(done.has_value());
  }
  void set_refused(const std::string& settings) {
    assert_false(update(pool.settings, json(settings)).has_value());
  }
  void create(const std::string& user) {
    assert_true(pool.users.put(json(user), true, pool.clock.life_ms(), pool.settings).has_value());
  }
  User& user(const std::string& name) { return *pool.users.find(name); }

  Reply by_password(const std::string& name, const std::string& password) {
    Json::Value parameters;
    parameters["USERNAME"] = name;
    parameters["PASSWORD"] = password;
    return initiate(kAnyClient, "USER_PASSWORD_AUTH", to_text(parameters));
  }
  // InitiateAuth of SRP alone.
  Reply begin_srp(const std::string& name, const std::string& client = kAnyClient) {
    const SrpClient srp;
    Json::Value parameters;
    parameters["USERNAME"] = name;
    parameters["SRP_A"] = number_hex(srp.public_value.get());
    return initiate(client, "USER_SRP_AUTH", to_text(parameters));
  }
  Reply get_tokens(const Reply& signed_in, const std::string& device_key = "") {
    Json::Value body;
    body["ClientId"] = kOpenClient;
    body["RefreshToken"] = signed_in.token("RefreshToken");
    if (!device_key.empty()) body["DeviceKey"] = device_key;
    return call("GetTokensFromRefreshToken", body);
  }
};

void an_unconfirmed_account(void** /*state*/) {
  constexpr char kName[] = "UserNotConfirmedException";
  constexpr char kText[] = "User is not confirmed.";
  constexpr char kWrong[] = "Incorrect username or password.";
  Switched pool;
  pool.user("plain").status = "UNCONFIRMED";

  // By default: for any password, when the proof is looked at.
  assert_text(pool.begin_srp("plain").challenge(), "PASSWORD_VERIFIER");
  assert_refused(pool.srp_step(kAnyClient, "plain", "pw-plain", true), kName, kText);
  assert_refused(pool.by_password("plain", "wrong"), kName, kText);
  assert_int_equal(pool.user("plain").password_lock.failures(), 0);

  pool.set(R"({"unconfirmed_told":"initiate"})");
  assert_refused(pool.begin_srp("plain"), kName, kText);
  assert_refused(pool.by_password("plain", "wrong"), kName, kText);

  pool.set(R"({"unconfirmed_told":"password"})");
  assert_refused(pool.srp_step(kAnyClient, "plain", "pw-plain", true), "NotAuthorizedException",
                 kWrong);
  assert_refused(pool.by_password("plain", "wrong"), "NotAuthorizedException", kWrong);
  assert_refused(pool.srp_step(kAnyClient, "plain", "pw-plain"), kName, kText);

  // A disabled account is not told about.
  pool.set(R"({"unconfirmed_told":"initiate"})");
  pool.user("plain").enabled = false;
  assert_text(pool.begin_srp("plain").challenge(), "PASSWORD_VERIFIER");
  pool.set_refused(R"({"unconfirmed_told":"never"})");
}

void sessions_as_long_as_wanted(void** /*state*/) {
  Switched pool;
  assert_int_equal(pool.password_step("totp", "pw-totp").session().size(), 965);
  for (const int size : {20, 2048, 2049, 4096, 8192}) {
    pool.set("{\"session_characters\":" + std::to_string(size) + "}");
    const Reply asked = pool.password_step("totp", "pw-totp");
    assert_int_equal(asked.session().size(), size);
    const std::string code =
        totp_code(pool.user("totp").authenticator->secret(), totp_step(pool.pool.clock.totp_ms()));
    pool.user("totp").authenticator->forget_used();
    Json::Value answer;
    answer["USERNAME"] = "totp";
    answer["SOFTWARE_TOKEN_MFA_CODE"] = code;
    assert_false(pool.respond(kLegacyClient, "SOFTWARE_TOKEN_MFA", asked.session(), to_text(answer))
                     .token("AccessToken")
                     .empty());
  }
  pool.set_refused(R"({"session_characters":19})");
  pool.set_refused(R"({"session_characters":8193})");
}

void a_wrong_totp_code_has_a_text_of_its_own(void** /*state*/) {
  Switched pool;
  const Reply asked = pool.password_step("totp", "pw-totp");
  assert_refused(pool.respond(kLegacyClient, "SOFTWARE_TOKEN_MFA", asked.session(),
                              R"({"USERNAME":"totp","SOFTWARE_TOKEN_MFA_CODE":"none"})"),
                 "CodeMismatchException", "Invalid code received for user");
}

void get_tokens_from_refresh_token(void** /*state*/) {
  Switched pool;
  const Reply signed_in = pool.tokens_for(kOpenClient, "plain", "pw-plain");
  assert_true(signed_in.body.isMember("ChallengeParameters"));
  assert_false(pool.get_tokens(signed_in).body.isMember("ChallengeParameters"));
  const std::pair<const char*, const char*> states[] = {
      {"RESET_REQUIRED", "PasswordResetRequiredException"},
      {"UNCONFIRMED", "UserNotConfirmedException"}};
  for (const auto& [status, exception] : states) {
    pool.user("plain").status = status;
    pool.set(R"({"get_tokens_tells_status":false})");
    assert_refused(pool.get_tokens(signed_in), "NotAuthorizedException", "Invalid Refresh Token");
    pool.set(R"({"get_tokens_tells_status":true})");
    assert_text(pool.get_tokens(signed_in).error(), exception);
  }
  pool.set(R"({"get_tokens_tells_status":false})");
  pool.user("plain").enabled = false;
  assert_text(pool.get_tokens(signed_in).message(), "User is disabled.");
}

void refreshes_of_a_device_that_is_not_confirmed(void** /*state*/) {
  Switched pool(R"({"device_configuration":{}})");
  const Reply signed_in = pool.tokens_for(kOpenClient, "plain", "pw-plain");
  const std::string key =
      string_at(signed_in.body["AuthenticationResult"]["NewDeviceMetadata"], "DeviceKey");
  pool.set(R"({"unconfirmed_device_refresh":"never"})");
  assert_text(pool.get_tokens(signed_in, key).message(), "Invalid Refresh Token");
  pool.set(R"({"unconfirmed_device_refresh":"key"})");
  assert_text(pool.get_tokens(signed_in).message(), "Invalid Refresh Token");
  assert_int_equal(pool.get_tokens(signed_in, key).status, 200);
  pool.set(R"({"unconfirmed_device_refresh":"any"})");
  assert_int_equal(pool.get_tokens(signed_in, key).status, 200);
  assert_int_equal(pool.get_tokens(signed_in).status, 200);
}

void switching_off_what_was_never_set_up(void** /*state*/) {
  Switched pool;
  pool.user("plain").attributes.erase("email");
  const std::string token = pool.tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken");
  const auto switch_off = [&](const std::string& member) {
    Json::Value body;
    body["AccessToken"] = token;
    body[member]["Enabled"] = false;
    return pool.call("SetUserMFAPreference", body).status;
  };
  struct Row {
    const char* setting;
    int message;
    int app;
  };
  for (const Row& row : {Row{"messages", 200, 400}, Row{"all", 200, 200}, Row{"none", 400, 400}}) {
    pool.set(std::string(R"({"disable_unset_factor":")") + row.setting + "\"}");
    assert_int_equal(switch_off("SMSMfaSettings"), row.message);
    assert_int_equal(switch_off("EmailMfaSettings"), row.message);
    assert_int_equal(switch_off("SoftwareTokenMfaSettings"), row.app);
  }
  assert_true(pool.user("plain").mfa_enabled.empty());
}

void names_in_a_pool_that_ignores_case(void** /*state*/) {
  constexpr char kFrank[] = R"({"username":"Frank","password":"pw","attributes":
      {"email":"Frank@Example.com","email_verified":"true"}})";
  struct Row {
    const char* settings;
    const char* name;
    const char* email;
  };
  for (const Row& row :
       {Row{R"({"case_sensitive":false})", "frank", "Frank@Example.com"},
        Row{R"({"case_sensitive":false,"stored_case":"lower"})", "frank", "frank@example.com"},
        Row{R"({"case_sensitive":false,"stored_case":"kept"})", "Frank", "Frank@Example.com"},
        Row{R"({"case_sensitive":true,"stored_case":"lower"})", "Frank", "Frank@Example.com"}}) {
    Switched pool(row.settings);
    pool.create(kFrank);
    User* frank = pool.pool.users.find(row.name);
    assert_non_null(frank);
    assert_text(frank->attribute("email"), row.email);
    const bool ignores_case = !pool.pool.settings.case_sensitive;
    for (const char* typed : {"FRANK", "FRANK@example.COM"}) {
      const Reply reply = pool.by_password(typed, "pw");
      assert_int_equal(!reply.token("AccessToken").empty(), ignores_case);
    }
    // The same name once more, in other letters.
    const auto again =
        pool.pool.users.put(json(R"({"username":"fRANK"})"), true, 0, pool.pool.settings);
    assert_int_equal(again.has_value(), !ignores_case);
  }
}

void nobody_to_send_a_code_to(void** /*state*/) {
  constexpr char kText[] = "No MFA mechanism registerd in the account.";
  Switched pool(R"({"mfa_configuration":"ON","mfa_types":["SMS_MFA"]})");
  assert_refused(pool.password_step("plain", "pw-plain"), "MFAMethodNotFoundException", kText);
  pool.set(R"({"missing_number":"setup"})");
  assert_text(pool.password_step("plain", "pw-plain").challenge(), "MFA_SETUP");

  // The number was removed after SMS was switched on, and the pool requires no factor.
  pool.set(R"({"missing_number":"exception","mfa_configuration":"OPTIONAL",
               "mfa_types":["SMS_MFA","SOFTWARE_TOKEN_MFA"]})");
  pool.user("sms").attributes.erase("phone_number");
  assert_refused(pool.password_step("sms", "pw-sms"), "MFAMethodNotFoundException", kText);
  assert_false(pool.password_step("plain", "pw-plain").token("AccessToken").empty());
  pool.set(R"({"missing_number":"setup"})");
  assert_false(pool.password_step("sms", "pw-sms").token("AccessToken").empty());
}

void users_from_a_csv_file(void** /*state*/) {
  constexpr char kReset[] = "PasswordResetRequiredException";
  Switched pool;
  pool.create(R"({"username":"ivy","imported":true,
                  "attributes":{"email":"ivy@example.com","email_verified":"true"}})");
  assert_text(pool.user("ivy").status, "RESET_REQUIRED");
  for (const char* client : {kAnyClient, kLegacyClient}) {
    assert_refused(pool.begin_srp("ivy", client), "InvalidParameterException",
                   "Invalid input given");
  }
  assert_text(pool.password_step("ivy", "any").error(), kReset);
  assert_refused(pool.by_password("ivy", "any"), "NotAuthorizedException",
                 "Incorrect username or password.");
  pool.set(R"({"imported_users":"guide"})");
  assert_text(pool.begin_srp("ivy", kLegacyClient).error(), kReset);
  assert_text(pool.begin_srp("ivy").error(), "NotAuthorizedException");

  // A reset of the password ends it.
  Json::Value body;
  body["ClientId"] = kAnyClient;
  body["Username"] = "ivy";
  assert_int_equal(pool.call("ForgotPassword", body).status, 200);
  body["ConfirmationCode"] = pool.pool.inbox.next("ivy")->code;
  body["Password"] = "Chosen-Word-1";
  assert_int_equal(pool.call("ConfirmForgotPassword", body).status, 200);
  assert_false(pool.srp_step(kAnyClient, "ivy", "Chosen-Word-1").token("IdToken").empty());
}

void two_texts_for_an_expired_temporary_password(void** /*state*/) {
  Switched pool;
  pool.user("plain").status = "FORCE_CHANGE_PASSWORD";
  pool.pool.clock.advance_life(8LL * 24 * 3600 * 1000);
  assert_refused(pool.by_password("plain", "pw-plain"), "NotAuthorizedException",
                 "Temporary password has expired and must be reset by an administrator.");
  pool.set(R"({"expired_password_text":"user_account"})");
  assert_refused(pool.by_password("plain", "pw-plain"), "NotAuthorizedException",
                 "User account has expired, it must be reset by an administrator.");
}

void the_choice_of_a_first_factor(void** /*state*/) {
  Switched pool;
  assert_refused(pool.initiate(kOpenClient, "USER_AUTH", R"({"USERNAME":"plain"})"),
                 "InvalidParameterException", "USER_AUTH flow not enabled for this client");
  const SrpClient srp;
  const auto prove = [&](const Reply& asked, const std::string& password) {
    const std::string timestamp = timestamp_of(pool.pool.clock.wall_s());
    Json::Value answer;
    answer["USERNAME"] = "plain";
    answer["PASSWORD_CLAIM_SECRET_BLOCK"] = asked.parameter("SECRET_BLOCK");
    answer["TIMESTAMP"] = timestamp;
    answer["PASSWORD_CLAIM_SIGNATURE"] = srp.signature(
        pool.pool.settings.name(), asked.body["ChallengeParameters"], password, timestamp);
    return pool.respond(kAnyClient, "PASSWORD_VERIFIER", asked.session(), to_text(answer));
  };
  Json::Value wanted;
  wanted["USERNAME"] = "plain";
  wanted["SRP_A"] = number_hex(srp.public_value.get());
  wanted["PREFERRED_CHALLENGE"] = "PASSWORD_SRP";
  const auto preferred = [&] { return pool.initiate(kAnyClient, "USER_AUTH", to_text(wanted)); };
  assert_false(prove(preferred(), "pw-plain").token("IdToken").empty());
  assert_text(prove(preferred(), "other").error(), "NotAuthorizedException");

  const auto begin = [&](const char* name) {
    return pool.initiate(kAnyClient, "USER_AUTH", std::string(R"({"USERNAME":")") + name + "\"}");
  };
  const Reply choice = begin("plain");
  assert_text(choice.challenge(), "SELECT_CHALLENGE");
  assert_text(to_text(choice.body["AvailableChallenges"]), R"(["PASSWORD_SRP","PASSWORD"])");
  wanted["ANSWER"] = "PASSWORD_SRP";
  assert_false(
      prove(pool.respond(kAnyClient, "SELECT_CHALLENGE", choice.session(), to_text(wanted)),
            "pw-plain")
          .token("IdToken")
          .empty());
  const auto by_password = [&](const Reply& asked, const char* password) {
    return pool.respond(
        kAnyClient, "SELECT_CHALLENGE", asked.session(),
        std::string(R"({"USERNAME":"plain","ANSWER":"PASSWORD","PASSWORD":")") + password + "\"}");
  };
  assert_text(by_password(choice, "pw-plain").message(),
              "Invalid session for the user, session can only be used once.");
  assert_false(by_password(begin("plain"), "pw-plain").token("IdToken").empty());
  assert_text(by_password(begin("plain"), "other").error(), "NotAuthorizedException");
  // A session of another user's name.
  assert_text(by_password(begin("mail"), "pw-plain").message(), "Invalid session for the user.");
  assert_text(begin("nobody").challenge(), "SELECT_CHALLENGE");
}

// As much as AWS's quotas allow: 100 groups of 128 characters with a role each, 50 custom
// attributes of 2,048.
void the_largest_tokens(void** /*state*/) {
  Switched pool;
  User& user = pool.user("plain");
  user.groups.clear();
  for (int i = 100; i < 200; ++i) {
    user.groups.push_back(std::to_string(i) + std::string(125, 'g'));
    user.roles.push_back("arn:aws:iam::123456789012:role/" + std::to_string(i) +
                         std::string(61, 'r'));
  }
  for (int i = 10; i < 60; ++i) {
    user.attributes["custom:attribute_" + std::to_string(i)] = std::string(2048, 'v');
  }
  const Reply signed_in = pool.tokens_for(kOpenClient, "plain", "pw-plain");
  assert_true(signed_in.token("IdToken").size() > 160'000);
  assert_true(signed_in.token("AccessToken").size() > 17'000);
  Json::Value body;
  body["AccessToken"] = signed_in.token("AccessToken");
  assert_int_equal(pool.call("GetUser", body).body["UserAttributes"].size(), 53);
  const Reply again = pool.get_tokens(signed_in);
  assert_true(again.token("IdToken").size() > 160'000);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(an_unconfirmed_account),
                              cmocka_unit_test(sessions_as_long_as_wanted),
                              cmocka_unit_test(a_wrong_totp_code_has_a_text_of_its_own),
                              cmocka_unit_test(get_tokens_from_refresh_token),
                              cmocka_unit_test(refreshes_of_a_device_that_is_not_confirmed),
                              cmocka_unit_test(switching_off_what_was_never_set_up),
                              cmocka_unit_test(names_in_a_pool_that_ignores_case),
                              cmocka_unit_test(nobody_to_send_a_code_to),
                              cmocka_unit_test(users_from_a_csv_file),
                              cmocka_unit_test(two_texts_for_an_expired_temporary_password),
                              cmocka_unit_test(the_choice_of_a_first_factor),
                              cmocka_unit_test(the_largest_tokens)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
