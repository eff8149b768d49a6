// SignUp and what follows it, up to two accounts that want the same address.
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr char kPassword[] = "Chosen-Word-1";

Reply sign_up(PoolUnderTest& pool, const std::string& name,
              const std::string& attributes_json = "[]", const std::string& password = kPassword) {
  Json::Value body;
  body["ClientId"] = kLegacyClient;
  body["Username"] = name;
  body["Password"] = password;
  body["UserAttributes"] = json(attributes_json);
  return pool.call("SignUp", body);
}

Reply confirm(PoolUnderTest& pool, const std::string& name, const std::string& code,
              bool force = false) {
  Json::Value body;
  body["ClientId"] = kLegacyClient;
  body["Username"] = name;
  body["ConfirmationCode"] = code;
  if (force) body["ForceAliasCreation"] = true;
  return pool.call("ConfirmSignUp", body);
}

void assert_refused(const Reply& reply, const char* name, const char* message) {
  assert_text(reply.error(), name);
  assert_text(reply.message(), message);
}

constexpr char kNewEmail[] = R"([{"Name":"email","Value":"new@example.com"}])";
constexpr char kPlainsEmail[] = R"([{"Name":"email","Value":"plain@example.com"}])";

void a_new_account(void** /*state*/) {
  PoolUnderTest pool;
  const Reply made = sign_up(pool, "new", kNewEmail);
  assert_false(made.body["UserConfirmed"].asBool());
  const User& user = *pool.pool.users.find("new");
  assert_text(string_at(made.body, "UserSub"), user.sub);
  assert_text(string_at(made.body["CodeDeliveryDetails"], "Destination"), "n***@e***");
  assert_text(user.status, "UNCONFIRMED");
  assert_text(user.attribute("email_verified"), "false");
  assert_refused(pool.password_step("new", kPassword), "UserNotConfirmedException",
                 "User is not confirmed.");
  assert_int_equal(confirm(pool, "new", pool.pool.inbox.next("new")->code).status, 200);
  assert_false(pool.password_step("new", kPassword).token("AccessToken").empty());
  assert_text(user.attribute("email_verified"), "true");
}

void refusals(void** /*state*/) {
  PoolUnderTest pool;
  assert_refused(sign_up(pool, "plain"), "UsernameExistsException", "User already exists");
  assert_refused(sign_up(pool, "new@example.com"), "InvalidParameterException",
                 "Username cannot be of email format, since user pool is configured for email "
                 "alias.");
  assert_text(sign_up(pool, "+15550001111").error(), "InvalidParameterException");
  assert_text(sign_up(pool, std::string(129, 'n')).error(), "InvalidParameterException");
  assert_text(sign_up(pool, "new", "[]", "short").error(), "InvalidPasswordException");
  assert_refused(sign_up(pool, "new", R"([{"Name":"email_verified","Value":"true"}])"),
                 "NotAuthorizedException", "A client attempted to write unauthorized attribute");
  pool.pool.settings.required_attributes = {"email"};
  assert_text(sign_up(pool, "new").error(), "InvalidParameterException");
  pool.pool.settings.case_sensitive = false;
  assert_text(sign_up(pool, "PLAIN", kNewEmail).error(), "UsernameExistsException");
  pool.pool.settings.admin_create_user_only = true;
  assert_refused(sign_up(pool, "new", kNewEmail), "NotAuthorizedException",
                 "SignUp is not permitted for this user pool");
  assert_null(pool.pool.users.find("new"));
}

void the_same_address_twice(void** /*state*/) {
  PoolUnderTest pool;
  // Nothing is checked at sign-up: the address is nobody's before the code has come.
  assert_int_equal(sign_up(pool, "second", kPlainsEmail).status, 200);
  const std::string code = pool.pool.inbox.next("second")->code;
  const auto owner = [&] {
    return pool.pool.users.resolve("plain@example.com", pool.pool.settings)->username;
  };
  assert_text(owner(), "plain");
  assert_refused(confirm(pool, "second", code), "AliasExistsException",
                 "An account with the given email already exists.");
  assert_text(owner(), "plain");
  // By force, the address moves and the first account loses it.
  assert_int_equal(confirm(pool, "second", code, true).status, 200);
  assert_text(owner(), "second");
  assert_text(pool.pool.users.find("plain")->attribute("email_verified"), "false");
  assert_text(pool.password_step("plain@example.com", "pw-plain").error(),
              "NotAuthorizedException");
  assert_false(pool.password_step("plain", "pw-plain").token("AccessToken").empty());
}

void where_the_code_goes(void** /*state*/) {
  PoolUnderTest pool;
  constexpr char kBoth[] = R"([{"Name":"email","Value":"new@example.com"},
                               {"Name":"phone_number","Value":"+15550008888"}])";
  pool.pool.settings.auto_verified_attributes = {"phone_number"};
  assert_text(string_at(sign_up(pool, "new", kBoth).body["CodeDeliveryDetails"], "DeliveryMedium"),
              "SMS");
  pool.pool.settings.auto_verified_attributes = {};
  assert_false(sign_up(pool, "other", kBoth).body.isMember("CodeDeliveryDetails"));
  Json::Value body;
  body["ClientId"] = kLegacyClient;
  body["Username"] = "other";
  assert_refused(pool.call("ResendConfirmationCode", body), "InvalidParameterException",
                 "Auto verification not turned on.");
}

void too_many_wrong_codes(void** /*state*/) {
  PoolUnderTest pool;
  pool.pool.settings.wrong_codes_limit = 2;
  (void)sign_up(pool, "new", kNewEmail);
  const std::string code = pool.pool.inbox.next("new")->code;
  assert_text(confirm(pool, "new", "x").error(), "CodeMismatchException");
  assert_text(confirm(pool, "new", "x").error(), "CodeMismatchException");
  // The right one is too late.
  assert_text(confirm(pool, "new", code).error(), "TooManyFailedAttemptsException");
  Json::Value body;
  body["ClientId"] = kLegacyClient;
  body["Username"] = "new";
  assert_int_equal(pool.call("ResendConfirmationCode", body).status, 200);
  assert_int_equal(confirm(pool, "new", pool.pool.inbox.next("new")->code).status, 200);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(a_new_account), cmocka_unit_test(refusals),
                              cmocka_unit_test(the_same_address_twice),
                              cmocka_unit_test(where_the_code_goes),
                              cmocka_unit_test(too_many_wrong_codes)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
