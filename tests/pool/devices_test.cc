// Devices: keys that come with the tokens, confirmation, what a refresh wants, forgetting.
#include <string>
#include <utility>

#include "tests/pool/cmocka.h"
#include "tests/pool/srp.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

// A pool that tracks devices, and a user who has signed in.
struct Fixture {
  PoolUnderTest pool;
  Reply tokens;

  explicit Fixture(bool on_user_prompt = false, const std::string& client = kOpenClient) {
    DeviceConfiguration configuration;
    configuration.device_only_remembered_on_user_prompt = on_user_prompt;
    pool.pool.settings.device_configuration = configuration;
    tokens = pool.tokens_for(client, "plain", "pw-plain");
  }

  [[nodiscard]] const Json::Value& metadata() const {
    return tokens.body["AuthenticationResult"]["NewDeviceMetadata"];
  }
  [[nodiscard]] std::string key() const { return string_at(metadata(), "DeviceKey"); }

  Reply call(const std::string& operation, const Json::Value& more = Json::objectValue) {
    Json::Value body = more;
    body["AccessToken"] = tokens.token("AccessToken");
    if (!body.isMember("DeviceKey")) body["DeviceKey"] = key();
    return pool.call(operation, body);
  }
  Reply confirm(const Json::Value& more = Json::objectValue) {
    Json::Value body = more;
    if (!body.isMember("DeviceSecretVerifierConfig")) {
      // g^x for any x: what a client sends is no different.
      const SrpVerifier verifier =
          make_verifier("-group", key(), "device password", "saltsaltsaltsalt");
      body["DeviceSecretVerifierConfig"]["Salt"] = base64_encode(padded(verifier.salt.get()));
      body["DeviceSecretVerifierConfig"]["PasswordVerifier"] =
          base64_encode(padded(verifier.verifier.get()));
    }
    return call("ConfirmDevice", body);
  }
  Reply refresh(const std::string& device_key = "", const std::string& client = kOpenClient) {
    Json::Value body;
    body["ClientId"] = client;
    body["RefreshToken"] = tokens.token("RefreshToken");
    if (!device_key.empty()) body["DeviceKey"] = device_key;
    return pool.call("GetTokensFromRefreshToken", body);
  }
  Reply refresh_by_initiate_auth(const std::string& device_key = "") {
    Json::Value parameters;
    parameters["REFRESH_TOKEN"] = tokens.token("RefreshToken");
    if (!device_key.empty()) parameters["DEVICE_KEY"] = device_key;
    return pool.initiate(kOpenClient, "REFRESH_TOKEN_AUTH", to_text(parameters));
  }
};

Json::Value claims_of(const std::string& jwt) {
  const std::string rest = jwt.substr(jwt.find('.') + 1);
  return json(*base64_decode(rest.substr(0, rest.find('.'))));
}

void a_key_comes_with_the_tokens(void** /*state*/) {
  Fixture f;
  assert_true(f.key().starts_with("eu-west-1_"));
  assert_true(f.key().size() <= 55);
  assert_false(string_at(f.metadata(), "DeviceGroupKey").empty());
  assert_text(string_at(claims_of(f.tokens.token("AccessToken")), "device_key"), f.key());
  assert_false(claims_of(f.tokens.token("IdToken")).isMember("device_key"));
  const Reply again = f.pool.tokens_for(kOpenClient, "plain", "pw-plain");
  assert_string_not_equal(
      string_at(again.body["AuthenticationResult"]["NewDeviceMetadata"], "DeviceKey").c_str(),
      f.key().c_str());

  PoolUnderTest without;
  const Reply tokens = without.tokens_for(kOpenClient, "plain", "pw-plain");
  assert_false(tokens.body["AuthenticationResult"].isMember("NewDeviceMetadata"));
  assert_false(claims_of(tokens.token("AccessToken")).isMember("device_key"));
}

void a_device_is_confirmed_once(void** /*state*/) {
  for (const bool on_user_prompt : {false, true}) {
    Fixture f(on_user_prompt);
    assert_text(f.call("GetDevice").error(), "ResourceNotFoundException");
    Json::Value named;
    named["DeviceName"] = "laptop";
    const Reply confirmed = f.confirm(named);
    assert_int_equal(confirmed.status, 200);
    assert_int_equal(confirmed.body["UserConfirmationNecessary"].asBool(), on_user_prompt);
    assert_text(f.confirm().error(), "DeviceKeyExistsException");
    const Json::Value device = f.call("GetDevice").body["Device"];
    assert_text(string_at(device, "DeviceKey"), f.key());
    assert_text(string_at(device["DeviceAttributes"][0], "Value"),
                on_user_prompt ? "not_remembered" : "remembered");
    assert_text(string_at(device["DeviceAttributes"][1], "Value"), "laptop");
    assert_int_equal(f.call("ListDevices").body["Devices"].size(), 1);
  }
}

void what_is_no_verifier_is_refused(void** /*state*/) {
  Fixture f;
  const std::string salt = base64_encode(std::string(16, 'a'));
  const std::string verifier = base64_encode(std::string(384, 'a'));
  const BigNumber prime(BN_get_rfc3526_prime_3072(nullptr));
  const std::pair<std::string, std::string> bad[] = {
      {"", verifier},
      {salt, ""},
      {"!!", verifier},
      {base64_encode(std::string(16, '\xff')), verifier},  // negative
      {base64_encode(std::string("\0a", 2)), verifier},    // not the shortest form
      {base64_encode(std::string(18, 'a')), verifier},     // too long
      {salt, base64_encode(std::string(1, '\0'))},         // 0
      {salt, base64_encode("\x01")},                       // 1
      {salt, base64_encode(padded(prime.get()))},          // N
      {salt, base64_encode(std::string(385, 'a'))},        // beyond N
  };
  for (const auto& [salt_text, verifier_text] : bad) {
    Json::Value body;
    body["DeviceSecretVerifierConfig"]["Salt"] = salt_text;
    body["DeviceSecretVerifierConfig"]["PasswordVerifier"] = verifier_text;
    assert_text(f.confirm(body).error(), "InvalidParameterException");
  }
  Json::Value none;
  none["DeviceSecretVerifierConfig"] = Json::nullValue;
  assert_text(f.confirm(none).error(), "InvalidParameterException");
  Json::Value foreign;
  foreign["DeviceKey"] = "eu-west-1_0badf00d-0000-4000-8000-00000000bad0";
  assert_text(f.confirm(foreign).message(), "Device does not exist.");
  assert_int_equal(f.confirm().status, 200);
}

void a_refresh_wants_the_key_of_a_confirmed_device(void** /*state*/) {
  Fixture f;
  assert_int_equal(f.confirm().status, 200);
  assert_text(f.refresh().message(), "Invalid Refresh Token");
  assert_text(f.refresh_by_initiate_auth().message(), "Invalid Refresh Token");
  assert_text(f.refresh("eu-west-1_other").message(), "Invalid Refresh Token");
  for (const Reply& refreshed : {f.refresh(f.key()), f.refresh_by_initiate_auth(f.key())}) {
    assert_text(string_at(claims_of(refreshed.token("AccessToken")), "device_key"), f.key());
    assert_false(refreshed.body["AuthenticationResult"].isMember("NewDeviceMetadata"));
  }
}

void a_device_that_is_not_confirmed(void** /*state*/) {
  Fixture f;
  assert_int_equal(f.refresh(f.key()).status, 200);
  assert_text(f.refresh("eu-west-1_other").message(), "Device does not exist.");
  const Reply refreshed = f.refresh();
  const std::string fresh =
      string_at(refreshed.body["AuthenticationResult"]["NewDeviceMetadata"], "DeviceKey");
  assert_false(fresh.empty());
  assert_string_not_equal(fresh.c_str(), f.key().c_str());
  assert_text(f.confirm().message(), "Device does not exist.");
}

void rotation_keeps_the_device(void** /*state*/) {
  Fixture f(false, kRotatingClient);
  assert_int_equal(f.confirm().status, 200);
  const Reply first = f.refresh(f.key(), kRotatingClient);
  f.tokens.body["AuthenticationResult"]["RefreshToken"] = first.token("RefreshToken");
  assert_text(f.refresh("", kRotatingClient).message(), "Invalid Refresh Token");
  assert_int_equal(f.refresh(f.key(), kRotatingClient).status, 200);
}

void a_forgotten_device_takes_its_refresh_token_along(void** /*state*/) {
  Fixture f;
  assert_text(f.call("ForgetDevice").error(), "ResourceNotFoundException");
  assert_int_equal(f.confirm().status, 200);
  assert_int_equal(f.call("ForgetDevice").status, 200);
  assert_text(f.call("ForgetDevice").message(), "Device does not exist.");
  assert_int_equal(f.call("ListDevices").body["Devices"].size(), 0);
  assert_text(f.refresh(f.key()).message(), "Invalid Refresh Token");
  assert_text(f.refresh().message(), "Invalid Refresh Token");
}

void remembered_or_not(void** /*state*/) {
  Fixture f;
  assert_int_equal(f.confirm().status, 200);
  const auto set = [&](const char* status) {
    Json::Value body;
    body["DeviceRememberedStatus"] = status;
    return f.call("UpdateDeviceStatus", body);
  };
  assert_int_equal(set("not_remembered").status, 200);
  assert_false(f.pool.pool.users.find("plain")->devices[f.key()].remembered);
  assert_int_equal(set("remembered").status, 200);
  assert_true(f.pool.pool.users.find("plain")->devices[f.key()].remembered);
  assert_text(set("perhaps").error(), "InvalidParameterException");
}

void nobody_s_device_but_one_s_own(void** /*state*/) {
  Fixture f;
  assert_int_equal(f.confirm().status, 200);
  f.pool.pool.users.find("mail")->mfa_enabled.clear();
  const Reply other = f.pool.tokens_for(kOpenClient, "mail", "pw-mail");
  for (const char* operation :
       {"GetDevice", "ForgetDevice", "UpdateDeviceStatus", "ConfirmDevice"}) {
    Json::Value body;
    body["AccessToken"] = other.token("AccessToken");
    body["DeviceKey"] = f.key();
    body["DeviceRememberedStatus"] = "remembered";
    assert_text(f.pool.call(operation, body).message(), "Device does not exist.");
  }
}

// A key that a client remembers, and a pool that does not track devices: clients then ask again
// without it.
void a_key_at_sign_in_must_be_known(void** /*state*/) {
  Fixture f;
  const auto sign_in = [&](const std::string& key) {
    return f.pool.initiate(
        kLegacyClient, "USER_PASSWORD_AUTH",
        R"({"USERNAME":"plain","PASSWORD":"pw-plain","DEVICE_KEY":")" + key + R"("})");
  };
  assert_text(sign_in(f.key()).message(), "Device does not exist.");
  assert_int_equal(f.confirm().status, 200);
  assert_false(sign_in(f.key()).token("AccessToken").empty());
}

void the_oldest_sign_in_makes_room(void** /*state*/) {
  PoolUnderTest pool;
  pool.pool.settings.token_sessions_per_user = 2;
  const Reply first = pool.tokens_for(kOpenClient, "plain", "pw-plain");
  const Reply second = pool.tokens_for(kOpenClient, "plain", "pw-plain");
  const auto refresh = [&](const Reply& tokens) {
    Json::Value body;
    body["ClientId"] = kOpenClient;
    body["RefreshToken"] = tokens.token("RefreshToken");
    return pool.call("GetTokensFromRefreshToken", body);
  };
  assert_int_equal(refresh(first).status, 200);
  const Reply third = pool.tokens_for(kOpenClient, "plain", "pw-plain");
  assert_text(refresh(first).message(), "Refresh Token has been revoked");
  assert_int_equal(refresh(second).status, 200);
  assert_int_equal(refresh(third).status, 200);
}

void the_log_has_who_refreshes(void** /*state*/) {
  Fixture f;
  (void)f.refresh();
  (void)f.refresh_by_initiate_auth();
  RequestLog::Filter filter;
  filter.username = "plain";
  const Json::Value requests = f.pool.pool.log.list(filter, false);
  const Json::Value& last = requests[requests.size() - 1];
  assert_text(string_at(last, "name"), "REFRESH_TOKEN_AUTH");
  assert_text(string_at(requests[requests.size() - 2], "operation"), "GetTokensFromRefreshToken");
}

void a_password_that_must_be_reset_ends_refreshes(void** /*state*/) {
  Fixture f;
  f.pool.pool.users.find("plain")->status = "RESET_REQUIRED";
  assert_text(f.refresh().error(), "NotAuthorizedException");
  assert_text(f.refresh_by_initiate_auth().error(), "PasswordResetRequiredException");
}

void the_setting(void** /*state*/) {
  PoolSettings settings;
  assert_true(to_json(settings)["device_configuration"].isNull());
  assert_true(update(settings, json(R"({"device_configuration":{}})")).has_value());
  assert_true(settings.device_configuration.has_value());
  assert_true(update(settings, json(R"({"device_configuration":)"
                                    R"({"device_only_remembered_on_user_prompt":true}})"))
                  .has_value());
  assert_true(settings.device_configuration->device_only_remembered_on_user_prompt);
  assert_true(update(settings, json(R"({"sms_code_digits":6})")).has_value());
  assert_true(settings.device_configuration->device_only_remembered_on_user_prompt);
  assert_false(update(settings, json(R"({"device_configuration":{"x":1}})")).has_value());
  assert_false(update(settings, json(R"({"device_configuration":true})")).has_value());
  assert_true(update(settings, json(R"({"device_configuration":null})")).has_value());
  assert_false(settings.device_configuration.has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(a_key_comes_with_the_tokens),
                              cmocka_unit_test(a_device_is_confirmed_once),
                              cmocka_unit_test(what_is_no_verifier_is_refused),
                              cmocka_unit_test(a_refresh_wants_the_key_of_a_confirmed_device),
                              cmocka_unit_test(a_device_that_is_not_confirmed),
                              cmocka_unit_test(rotation_keeps_the_device),
                              cmocka_unit_test(a_forgotten_device_takes_its_refresh_token_along),
                              cmocka_unit_test(remembered_or_not),
                              cmocka_unit_test(nobody_s_device_but_one_s_own),
                              cmocka_unit_test(a_key_at_sign_in_must_be_known),
                              cmocka_unit_test(the_oldest_sign_in_makes_room),
                              cmocka_unit_test(the_log_has_who_refreshes),
                              cmocka_unit_test(a_password_that_must_be_reset_ends_refreshes),
                              cmocka_unit_test(the_setting)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
