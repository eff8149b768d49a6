// NEW_PASSWORD_REQUIRED: temporary passwords, the password policy, required attributes.
#include <cstdint>
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr char kTemporary[] = "Temporary-1";

void add_user(PoolUnderTest& pool, const std::string& more = "{}") {
  Json::Value user = json(more);
  user["username"] = "new";
  user["password"] = kTemporary;
  user["status"] = "FORCE_CHANGE_PASSWORD";
  assert_true(pool.pool.users.put(user, true, pool.pool.clock.life_ms()).has_value());
}

Reply answer(PoolUnderTest& pool, const std::string& session, const std::string& password,
             const std::string& more = "{}") {
  Json::Value responses = json(more);
  responses["USERNAME"] = "new";
  responses["NEW_PASSWORD"] = password;
  return pool.respond(kLegacyClient, "NEW_PASSWORD_REQUIRED", session, to_text(responses));
}

void assert_refused(const Reply& reply, const char* name, const char* message) {
  assert_text(reply.error(), name);
  assert_text(reply.message(), message);
}

void a_new_password(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool, R"({"attributes":{"email":"new@example.com"}})");
  // The temporary password comes first.
  assert_refused(pool.password_step("new", "other"), "NotAuthorizedException",
                 "Incorrect username or password.");
  const Reply asked = pool.srp_step(kLegacyClient, "new", kTemporary);
  assert_text(asked.challenge(), "NEW_PASSWORD_REQUIRED");
  assert_text(asked.parameter("userAttributes"), R"({"email":"new@example.com"})");
  assert_text(asked.parameter("requiredAttributes"), "[]");
  assert_false(answer(pool, asked.session(), "Chosen-Word-2").token("AccessToken").empty());
  assert_refused(answer(pool, asked.session(), "Chosen-Word-3"), "NotAuthorizedException",
                 "Invalid session for the user, session can only be used once.");
  assert_text(pool.pool.users.find("new")->status, "CONFIRMED");
  assert_text(pool.password_step("new", kTemporary).error(), "NotAuthorizedException");
  assert_false(pool.srp_step(kLegacyClient, "new", "Chosen-Word-2").token("IdToken").empty());
}

void policy(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool);
  const std::string session = pool.password_step("new", kTemporary).session();
  const auto refused = [&](const std::string& password, const std::string& ending) {
    assert_refused(answer(pool, session, password), "InvalidPasswordException",
                   ("Password did not conform with policy: Password " + ending).c_str());
  };
  refused("Ab-1", "not long enough");
  refused("all-small-1", "must have uppercase characters");
  refused("ALL-LARGE-1", "must have lowercase characters");
  refused("No-Numbers", "must have numeric characters");
  refused("NoSymbols1", "must have symbol characters");
  assert_text(answer(pool, session, std::string(300, 'A')).error(), "InvalidParameterException");
  assert_text(answer(pool, session, "").message(), "Missing required parameter NEW_PASSWORD");
  // The session has stayed usable, and the settings count.
  pool.pool.settings.password_symbols = false;
  assert_false(answer(pool, session, "NoSymbols1").token("AccessToken").empty());
}

void history(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool);
  pool.pool.settings.password_history = 2;
  std::string session = pool.password_step("new", kTemporary).session();
  assert_text(answer(pool, session, kTemporary).error(), "PasswordHistoryPolicyViolationException");
  assert_false(answer(pool, session, "Chosen-Word-2").token("AccessToken").empty());
  User& user = *pool.pool.users.find("new");
  user.status = "FORCE_CHANGE_PASSWORD";
  session = pool.password_step("new", "Chosen-Word-2").session();
  assert_text(answer(pool, session, kTemporary).error(), "PasswordHistoryPolicyViolationException");
  // With one less to remember, the present one only.
  pool.pool.settings.password_history = 1;
  assert_text(answer(pool, session, "Chosen-Word-2").error(),
              "PasswordHistoryPolicyViolationException");
  assert_false(answer(pool, session, kTemporary).token("AccessToken").empty());
}

void expiry(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool);
  constexpr int64_t kDayMs = 24LL * 3600 * 1000;
  pool.pool.clock.advance_life(7 * kDayMs - 60'000);
  assert_text(pool.password_step("new", kTemporary).challenge(), "NEW_PASSWORD_REQUIRED");
  pool.pool.clock.advance_life(120'000);
  assert_refused(pool.password_step("new", kTemporary), "NotAuthorizedException",
                 "Temporary password has expired and must be reset by an administrator.");
  // A caller without the password learns nothing of the expiry.
  assert_text(pool.password_step("new", "other").message(), "Incorrect username or password.");
  pool.pool.users.find("new")->set_password("Temporary-2", pool.pool.clock.life_ms());
  assert_text(pool.password_step("new", "Temporary-2").challenge(), "NEW_PASSWORD_REQUIRED");
}

void required_attributes(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool, R"({"attributes":{"email":"new@example.com","email_verified":"true"}})");
  pool.pool.settings.required_attributes = {"email", "name"};
  const Reply asked = pool.password_step("new", kTemporary);
  assert_text(asked.parameter("requiredAttributes"), R"(["userAttributes.name"])");
  const auto with = [&](const std::string& attributes) {
    return answer(pool, asked.session(), "Chosen-Word-2", attributes);
  };
  assert_refused(with("{}"), "InvalidParameterException",
                 "Invalid attributes given, name is missing");
  assert_refused(with(R"({"userAttributes.name":"N","userAttributes.email":"x@example.com"})"),
                 "NotAuthorizedException", "Cannot modify an already provided email");
  assert_refused(with(R"({"userAttributes.name":"N","userAttributes.email_verified":"true"})"),
                 "NotAuthorizedException", "A client attempted to write unauthorized attribute");
  assert_false(with(R"({"userAttributes.name":"N","userAttributes.phone_number":"+15550001111"})")
                   .token("AccessToken")
                   .empty());
  const User& user = *pool.pool.users.find("new");
  assert_text(user.attribute("name"), "N");
  assert_text(user.attribute("phone_number_verified"), "false");
}

void what_the_client_may_write(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool);
  const std::string session = pool.password_step("new", kTemporary).session();
  const auto with = [&](const std::string& attributes) {
    return answer(pool, session, "Chosen-Word-2", attributes);
  };
  const auto refused = [&](const std::string& attributes) {
    assert_refused(with(attributes), "NotAuthorizedException",
                   "A client attempted to write unauthorized attribute");
  };
  // Without a list of its own, a client writes the standard attributes.
  refused(R"({"userAttributes.custom:team":"t"})");
  pool.pool.find_client(kLegacyClient)->write_attributes = {"custom:team", "nickname"};
  refused(R"({"userAttributes.name":"N"})");
  assert_text(pool.pool.users.find("new")->status, "FORCE_CHANGE_PASSWORD");
  assert_false(with(R"({"userAttributes.custom:team":"t"})").token("AccessToken").empty());
  assert_text(pool.pool.users.find("new")->attribute("custom:team"), "t");
}

void what_comes_next(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool, R"({"mfa":{"enabled":["SOFTWARE_TOKEN_MFA"],"totp_secret":"JBSWY3DPEHPK3PXP"}})");
  const std::string session = pool.password_step("new", kTemporary).session();
  const Reply next = answer(pool, session, "Chosen-Word-2");
  assert_text(next.challenge(), "SOFTWARE_TOKEN_MFA");
  assert_string_not_equal(next.session().c_str(), session.c_str());

  PoolUnderTest strict;
  add_user(strict);
  strict.pool.settings.mfa_configuration = "ON";
  const std::string other = strict.password_step("new", kTemporary).session();
  assert_text(answer(strict, other, "Chosen-Word-2").challenge(), "MFA_SETUP");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(a_new_password),
                              cmocka_unit_test(policy),
                              cmocka_unit_test(history),
                              cmocka_unit_test(expiry),
                              cmocka_unit_test(required_attributes),
                              cmocka_unit_test(what_the_client_may_write),
                              cmocka_unit_test(what_comes_next)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
