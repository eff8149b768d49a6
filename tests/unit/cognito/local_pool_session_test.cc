// The client against cognito-pool, after a sign-in: refreshes, rotation, devices, and all events
// that end them.
#include <curl/curl.h>
#include <signal.h>

#include <string>

#include "tests/unit/cognito/local_pool.h"

namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using cognito::PoolResult;
using cognito::RefreshProof;
using cognito::Tokens;

constexpr char kClientId[] = "2cognitopool3secret4id56";

// One person who has signed in, and the tokens of that.
struct SignedIn {
  LocalPool p;
  Tokens tokens;
  RefreshProof proof;

  explicit SignedIn(const std::string& settings = "{}", const std::string& client = "{}") {
    p.admin("settings/set", settings);
    std::string changes = client;
    changes.insert(1,
                   std::string(R"("client_id":")") + kClientId + (client == "{}" ? "\"" : "\","));
    p.admin("clients/set", changes);
    tokens = p.tokens_of(p.sign_in("erin"));
    proof.refresh_token = tokens.refresh_token;
    proof.username = "erin";
  }

  PoolResult<Tokens> refresh() { return p.run(p.client->refresh(proof, p.soon())); }
  void refreshes() {
    const auto result = refresh();
    if (!result) fail_msg("%s", result.error().message.c_str());
    const auto verified = p.run(p.client->verify(&*result, p.soon()));
    if (!verified) fail_msg("%s", verified.error().message.c_str());
    assert_text(verified->username, "erin");
  }
  void is_refused(ErrorKind kind) {
    const auto result = refresh();
    assert_false(result.has_value());
    assert_int_equal(result.error().kind, kind);
  }
  int sent(const std::string& operation) {
    return p.admin("log/list", "{}")["counts"].get(operation, 0).asInt();
  }
};

constexpr char kErin[] = R"({"username":"erin"})";
constexpr char kRotating[] = R"({"refresh_token_rotation":true,"retry_grace_period_s":30})";
constexpr char kDevices[] = R"({"device_configuration":{}})";

void a_refresh_brings_tokens_of_the_same_account(void**) {
  SignedIn s;
  s.refreshes();
  s.refreshes();
  assert_int_equal(s.sent("GetTokensFromRefreshToken"), 2);
  assert_int_equal(s.sent("InitiateAuth/REFRESH_TOKEN_AUTH"), 0);
  const auto first = s.refresh();
  assert_text(first->refresh_token, "");
  assert_text(first->device_key, "");
  assert_true(s.p.run(s.p.client->get_user(first->access_token, s.p.soon())).has_value());
}

void groups_are_those_of_now(void**) {
  SignedIn s;
  s.p.admin("users/update", R"({"username":"erin","groups":["linux-users"]})");
  auto fresh = s.refresh();
  auto verified = s.p.run(s.p.client->verify(&*fresh, s.p.soon()));
  assert_int_equal(verified->groups.size(), 1);
  s.p.admin("users/update", R"({"username":"erin","groups":[]})");
  fresh = s.refresh();
  verified = s.p.run(s.p.client->verify(&*fresh, s.p.soon()));
  assert_true(verified->groups.empty());
}

void an_endpoint_without_the_operation(void**) {
  SignedIn s(kDevices);
  s.p.admin("faults/add", R"({"on":"GetTokensFromRefreshToken","kind":"error","times":0,)"
                          R"("name":"UnknownOperationException"})");
  s.proof.device_key = s.tokens.device_key;
  s.refreshes();
  s.refreshes();
  assert_int_equal(s.sent("GetTokensFromRefreshToken"), 1);
  assert_int_equal(s.sent("InitiateAuth/REFRESH_TOKEN_AUTH"), 2);
  s.proof.username = "una";
  s.is_refused(ErrorKind::not_authorized);  // SECRET_HASH is that of the account's name
}

void rotation_with_grace(void**) {
  SignedIn s("{}", kRotating);
  const auto first = s.refresh();
  assert_false(first->refresh_token.empty());
  assert_string_not_equal(first->refresh_token.c_str(), s.proof.refresh_token.c_str());
  s.refreshes();  // the old one, within the grace period
  s.p.admin("clock/advance", R"({"life_s":31})");
  s.is_refused(ErrorKind::refresh_token_reuse);
  s.proof.refresh_token = first->refresh_token;
  s.refreshes();
}

void rotation_without_grace(void**) {
  SignedIn s("{}", R"({"refresh_token_rotation":true})");
  const auto first = s.refresh();
  s.is_refused(ErrorKind::refresh_token_reuse);
  s.proof.refresh_token = first->refresh_token;
  s.refreshes();
}

void a_lost_answer_of_a_rotating_refresh(void**) {
  for (const bool grace : {true, false}) {
    SignedIn s("{}", grace ? kRotating : R"({"refresh_token_rotation":true})");
    s.p.admin("faults/add", R"({"on":"GetTokensFromRefreshToken","kind":"lose_answer"})");
    const auto result = s.refresh();
    assert_int_equal(s.sent("GetTokensFromRefreshToken"), 2);
    assert_int_equal(result.has_value(), grace);
    if (!grace) assert_int_equal(result.error().kind, ErrorKind::refresh_token_reuse);
    if (!grace) continue;
    s.p.admin("clock/advance", R"({"life_s":31})");
    s.proof.refresh_token = result->refresh_token;
    s.refreshes();
  }
}

void throttled_once_and_for_long(void**) {
  SignedIn s;
  const std::string throttle = R"({"on":"GetTokensFromRefreshToken","kind":"throttle","times":)";
  s.p.admin("faults/add", throttle + "1}");
  s.refreshes();
  s.p.admin("faults/add", throttle + "0}");
  s.is_refused(ErrorKind::too_many_requests);
  s.p.admin("faults/clear", "{}");
  s.refreshes();
}

void what_ends_a_session(void**) {
  struct Row {
    const char* call;
    const char* body;
    ErrorKind kind;
    const char* settings = "{}";
  };
  const Row rows[] = {
      {"users/disable", kErin, ErrorKind::user_disabled},
      {"users/sign-out", kErin, ErrorKind::not_authorized},
      {"users/delete", kErin, ErrorKind::user_not_found},
      {"users/reset-password", kErin, ErrorKind::not_authorized},
      {"users/reset-password", kErin, ErrorKind::password_reset_required,
       R"({"get_tokens_tells_status":true})"},
      {"clock/advance", R"({"life_s":2592001})", ErrorKind::not_authorized},
  };
  for (const Row& row : rows) {
    SignedIn s;
    s.refreshes();
    s.p.admin("settings/set", row.settings);
    s.p.admin(row.call, row.body);
    s.is_refused(row.kind);
  }
  SignedIn s;
  assert_true(s.p.run(s.p.client->revoke(s.tokens.refresh_token, s.p.soon())).has_value());
  s.is_refused(ErrorKind::not_authorized);
}

void a_disabled_account_that_is_enabled_again(void**) {
  SignedIn s;
  s.p.admin("users/disable", kErin);
  s.is_refused(ErrorKind::user_disabled);
  s.p.admin("users/enable", kErin);
  s.refreshes();
}

void the_oldest_of_too_many_sign_ins_ends(void**) {
  SignedIn s(R"({"token_sessions_per_user":2})");
  const Tokens second = s.p.tokens_of(s.p.sign_in("erin"));
  s.refreshes();
  (void)s.p.tokens_of(s.p.sign_in("erin"));
  s.is_refused(ErrorKind::not_authorized);
  s.proof.refresh_token = second.refresh_token;
  s.refreshes();
}

void another_pool_knows_nothing_of_it(void**) {
  SignedIn here;
  SignedIn there;
  here.proof.refresh_token = there.tokens.refresh_token;
  here.is_refused(ErrorKind::not_authorized);
}

// Devices.

PoolResult<void> confirm(SignedIn& s, const Tokens& tokens) {
  return s.p.run(s.p.client->confirm_device(tokens.access_token, tokens.device_key,
                                            tokens.device_group_key, "host-1", s.p.soon()));
}

void no_device_where_the_pool_wants_none(void**) {
  SignedIn s;
  assert_text(s.tokens.device_key, "");
  assert_text(s.tokens.device_group_key, "");
}

void a_confirmed_device_s_key_is_wanted(void**) {
  for (const bool by_initiate_auth : {false, true}) {
    SignedIn s(kDevices);
    assert_true(s.tokens.device_key.starts_with("eu-west-1_"));
    assert_false(s.tokens.device_group_key.empty());
    if (by_initiate_auth) {
      s.p.admin("faults/add", R"({"on":"GetTokensFromRefreshToken","kind":"error","times":0,)"
                              R"("name":"UnknownOperationException"})");
    }
    const auto confirmed = confirm(s, s.tokens);
    if (!confirmed) fail_msg("%s", confirmed.error().message.c_str());
    const Json::Value device = s.p.admin("users/get", kErin)["devices"][0];
    assert_text(device["name"].asString(), "host-1");
    assert_true(device["confirmed"].asBool() && device["remembered"].asBool());

    s.is_refused(ErrorKind::not_authorized);
    s.proof.device_key = s.tokens.device_key + "0";
    s.is_refused(ErrorKind::not_authorized);
    s.proof.device_key = s.tokens.device_key;
    s.refreshes();
    assert_text(s.refresh()->device_key, "");
  }
}

void a_device_that_was_not_confirmed_gets_a_new_key(void**) {
  SignedIn s(kDevices);
  const auto refreshed = s.refresh();
  assert_false(refreshed->device_key.empty());
  assert_string_not_equal(refreshed->device_key.c_str(), s.tokens.device_key.c_str());
  assert_int_equal(confirm(s, s.tokens).error().kind, ErrorKind::resource_not_found);
  assert_true(confirm(s, *refreshed).has_value());
  s.proof.device_key = refreshed->device_key;
  s.refreshes();
}

// If a pool requires the key of an unconfirmed device, or refuses its refresh, the token seems to
// be over until the device is confirmed.
void a_pool_that_refreshes_confirmed_devices_only(void**) {
  for (const char* setting :
       {R"({"unconfirmed_device_refresh":"key"})", R"({"unconfirmed_device_refresh":"never"})"}) {
    SignedIn s(kDevices);
    s.p.admin("settings/set", setting);
    s.is_refused(ErrorKind::not_authorized);
    assert_true(confirm(s, s.tokens).has_value());
    s.proof.device_key = s.tokens.device_key;
    s.refreshes();
  }
}

void a_lost_answer_of_the_confirmation(void**) {
  SignedIn s(kDevices);
  s.p.admin("faults/add", R"({"on":"ConfirmDevice","kind":"lose_answer"})");
  assert_true(confirm(s, s.tokens).has_value());
  s.proof.device_key = s.tokens.device_key;
  s.refreshes();
}

void a_device_is_forgotten(void**) {
  SignedIn s(kDevices);
  assert_true(confirm(s, s.tokens).has_value());
  s.proof.device_key = s.tokens.device_key;
  s.p.admin("faults/add", R"({"on":"ForgetDevice","kind":"lose_answer"})");
  const auto forget = [&] {
    return s.p.run(
        s.p.client->forget_device(s.tokens.access_token, s.tokens.device_key, s.p.soon()));
  };
  assert_true(forget().has_value());
  assert_int_equal(s.p.admin("users/get", kErin)["devices"].size(), 0);
  s.is_refused(ErrorKind::not_authorized);
  assert_true(s.p.run(s.p.client->revoke(s.tokens.refresh_token, s.p.soon())).has_value());
  assert_int_equal(forget().error().kind,
                   ErrorKind::not_authorized);  // the access token is revoked
}

void the_name_of_an_alias_wanders(void**) {
  LocalPool p;
  const auto who = [&](const char* password) {
    const auto step = p.sign_in("erin@example.com", password);
    if (!step) return std::string("nobody");
    const Tokens tokens = p.tokens_of(step);
    return p.run(p.client->verify(&tokens, p.soon()))->username;
  };
  assert_text(who(kPassword), "erin");
  p.admin("users/create", R"({"username":"zoe","password":"Other-Gnome-9",)"
                          R"("force_alias_creation":true,"attributes":)"
                          R"({"email":"erin@example.com","email_verified":"true"}})");
  assert_text(who(kPassword), "nobody");
  assert_text(who("Other-Gnome-9"), "zoe");
  assert_text(p.admin("users/get", kErin)["attributes"]["email_verified"].asString(), "false");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_refresh_brings_tokens_of_the_same_account),
      cmocka_unit_test(groups_are_those_of_now),
      cmocka_unit_test(an_endpoint_without_the_operation),
      cmocka_unit_test(rotation_with_grace),
      cmocka_unit_test(rotation_without_grace),
      cmocka_unit_test(a_lost_answer_of_a_rotating_refresh),
      cmocka_unit_test(throttled_once_and_for_long),
      cmocka_unit_test(what_ends_a_session),
      cmocka_unit_test(a_disabled_account_that_is_enabled_again),
      cmocka_unit_test(the_oldest_of_too_many_sign_ins_ends),
      cmocka_unit_test(another_pool_knows_nothing_of_it),
      cmocka_unit_test(no_device_where_the_pool_wants_none),
      cmocka_unit_test(a_confirmed_device_s_key_is_wanted),
      cmocka_unit_test(a_device_that_was_not_confirmed_gets_a_new_key),
      cmocka_unit_test(a_pool_that_refreshes_confirmed_devices_only),
      cmocka_unit_test(a_lost_answer_of_the_confirmation),
      cmocka_unit_test(a_device_is_forgotten),
      cmocka_unit_test(the_name_of_an_alias_wanders),
  };
  return cmocka_run_group_tests_name("local_pool_session", tests, nullptr, nullptr);
}
