// A user's own attributes: who may write them, and how changed addresses are proved.
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

// `plain`, signed in.
class SignedInPlain : public PoolUnderTest {
 public:
  SignedInPlain() : token_(tokens_for(kOpenClient, "plain", "pw-plain").token("AccessToken")) {}

  Reply ask(const std::string& operation, const std::string& body_json = "{}") {
    Json::Value body = json(body_json);
    body["AccessToken"] = token_;
    return call(operation, body);
  }
  Reply write(const std::string& name, const std::string& value) {
    Json::Value attribute;
    attribute["Name"] = name;
    attribute["Value"] = value;
    Json::Value body;
    body["UserAttributes"].append(attribute);
    return ask("UpdateUserAttributes", to_text(body));
  }
  Reply verify(const std::string& attribute, const std::string& code) {
    Json::Value body;
    body["AttributeName"] = attribute;
    body["Code"] = code;
    return ask("VerifyUserAttribute", to_text(body));
  }
  User& plain() { return *pool.users.find("plain"); }

 private:
  std::string token_;
};

void assert_refused(const Reply& reply, const char* name, const char* message) {
  assert_text(reply.error(), name);
  assert_text(reply.message(), message);
}

void a_changed_address_is_proved(void** /*state*/) {
  SignedInPlain user;
  const Reply changed = user.write("email", "other@example.com");
  assert_int_equal(changed.status, 200);
  const Json::Value& sent = changed.body["CodeDeliveryDetailsList"][0];
  assert_text(string_at(sent, "AttributeName"), "email");
  assert_text(string_at(sent, "Destination"), "o***@e***");
  assert_text(user.plain().attribute("email_verified"), "false");
  assert_null(user.pool.users.resolve("other@example.com", user.pool.settings));
  const auto message = user.pool.inbox.next("plain");
  assert_refused(user.verify("email", "wrong"), "CodeMismatchException",
                 "Invalid verification code provided, please try again.");
  assert_int_equal(user.verify("email", message->code).status, 200);
  assert_text(user.plain().attribute("email_verified"), "true");
  assert_ptr_equal(user.pool.users.resolve("other@example.com", user.pool.settings), &user.plain());
  // The code is used up.
  assert_text(user.verify("email", message->code).error(), "ExpiredCodeException");
}

void a_code_belongs_to_its_address(void** /*state*/) {
  SignedInPlain user;
  (void)user.write("email", "first@example.com");
  const std::string first = user.pool.inbox.next("plain")->code;
  user.pool.settings.auto_verified_attributes = {};
  const Reply changed = user.write("email", "second@example.com");
  assert_false(changed.body.isMember("CodeDeliveryDetailsList"));
  assert_text(user.verify("email", first).error(), "ExpiredCodeException");
}

void a_code_on_request(void** /*state*/) {
  SignedInPlain user;
  user.pool.settings.auto_verified_attributes = {};
  assert_text(
      user.ask("GetUserAttributeVerificationCode", R"({"AttributeName":"phone_number"})").error(),
      "InvalidParameterException");
  assert_text(user.ask("GetUserAttributeVerificationCode", R"({"AttributeName":"name"})").error(),
              "InvalidParameterException");
  assert_int_equal(user.write("phone_number", "+15550009999").status, 200);
  const auto request = [&] {
    return user.ask("GetUserAttributeVerificationCode", R"({"AttributeName":"phone_number"})");
  };
  assert_text(string_at(request().body["CodeDeliveryDetails"], "DeliveryMedium"), "SMS");
  const std::string old_code = user.pool.inbox.next("plain")->code;
  user.pool.clock.advance_life(24LL * 3600 * 1000 + 1);
  assert_refused(user.verify("phone_number", old_code), "ExpiredCodeException",
                 "Invalid code provided, please request a code again.");
  (void)request();
  const std::string code = user.pool.inbox.next("plain")->code;
  assert_int_equal(user.verify("phone_number", code).status, 200);
  assert_text(user.plain().attribute("phone_number_verified"), "true");
}

void limits(void** /*state*/) {
  SignedInPlain user;
  user.pool.settings.attribute_code_limit = 2;
  user.pool.settings.verify_attribute_limit = 1;
  const auto request = [&] {
    return user.ask("GetUserAttributeVerificationCode", R"({"AttributeName":"email"})");
  };
  assert_int_equal(request().status, 200);
  assert_int_equal(request().status, 200);
  assert_text(request().error(), "LimitExceededException");
  assert_text(user.verify("email", "wrong").error(), "CodeMismatchException");
  assert_text(user.verify("email", "wrong").error(), "LimitExceededException");
}

void an_alias_has_one_owner(void** /*state*/) {
  SignedInPlain user;
  User& mail = *user.pool.users.find("mail");
  mail.attributes["email_verified"] = "true";
  assert_int_equal(user.write("email", "mail@example.com").status, 200);
  const auto message = user.pool.inbox.next("plain");
  assert_refused(user.verify("email", message->code), "AliasExistsException",
                 "An account with the given email already exists.");
  assert_text(user.plain().attribute("email_verified"), "false");
  assert_ptr_equal(user.pool.users.resolve("mail@example.com", user.pool.settings), &mail);
  assert_text(user.write("preferred_username", "postie").error(), "AliasExistsException");
  // A user name is no alias: this is the case that a login must not fall for.
  assert_int_equal(user.write("preferred_username", "mail").status, 200);
}

void what_may_be_written(void** /*state*/) {
  SignedInPlain user;
  for (const char* refused : {"email_verified", "sub", "custom:role", "no_such_attribute"}) {
    assert_refused(user.write(refused, "true"), "NotAuthorizedException",
                   "A client attempted to write unauthorized attribute");
  }
  assert_int_equal(user.write("name", "P. Lain").status, 200);
  Client& client = *user.pool.find_client(kOpenClient);
  client.write_attributes = {"nickname", "custom:role", "email_verified"};
  assert_text(user.write("name", "Q").error(), "NotAuthorizedException");
  assert_text(user.write("email_verified", "true").error(), "NotAuthorizedException");
  assert_int_equal(user.write("custom:role", "r").status, 200);
  assert_text(user.plain().attribute("name"), "P. Lain");
  assert_text(user.plain().attribute("custom:role"), "r");
}

void a_blank_value_deletes(void** /*state*/) {
  SignedInPlain user;
  user.pool.settings.required_attributes = {"name"};
  assert_int_equal(user.write("email", "").status, 200);
  assert_false(user.plain().attributes.contains("email"));
  assert_false(user.plain().attributes.contains("email_verified"));
  assert_text(user.write("name", "").error(), "InvalidParameterException");
}

void malformed(void** /*state*/) {
  SignedInPlain user;
  assert_text(user.ask("UpdateUserAttributes").error(), "InvalidParameterException");
  assert_text(user.ask("UpdateUserAttributes", R"({"UserAttributes":"x"})").error(),
              "SerializationException");
  assert_text(user.ask("UpdateUserAttributes", R"({"UserAttributes":[{"Value":"x"}]})").error(),
              "InvalidParameterException");
  assert_text(user.write("name", std::string(2049, 'x')).error(), "InvalidParameterException");
  assert_text(user.ask("VerifyUserAttribute", R"({"Code":"1"})").error(),
              "InvalidParameterException");
  assert_text(
      user.call("VerifyUserAttribute", json(R"({"AttributeName":"email","Code":"1"})")).error(),
      "InvalidParameterException");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(a_changed_address_is_proved),
                              cmocka_unit_test(a_code_belongs_to_its_address),
                              cmocka_unit_test(a_code_on_request),
                              cmocka_unit_test(limits),
                              cmocka_unit_test(an_alias_has_one_owner),
                              cmocka_unit_test(what_may_be_written),
                              cmocka_unit_test(a_blank_value_deletes),
                              cmocka_unit_test(malformed)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
