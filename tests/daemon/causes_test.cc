#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/stage.h"

// Answers of the service that are easily mistaken for others, through libpam, the bus, cognitod and
// HTTPS: the cause in cognitod's log, the text for the user, and the case of letters.
namespace pamcognito::test {
namespace {

Pool* pool = nullptr;
std::unique_ptr<Cognitod> daemon_;

constexpr char kAlicesPassword[] = "Correct-Horse-1";
constexpr char kBobsPassword[] = "Battery-Staple-2";

int fresh_pool(void**) {
  if (daemon_) (void)daemon_->stop();
  daemon_.reset();
  (void)pool->admin("reset");
  return 0;
}

void start(const std::string& access = {}) {
  std::string text = configuration_for(*pool);
  const std::string section = "[access]\n";
  daemon_.reset();
  daemon_ = std::make_unique<Cognitod>(text.insert(text.find(section) + section.size(), access));
}

void setting(const char* name, const Json::Value& value) {
  Json::Value settings;
  settings[name] = value;
  (void)pool->admin("settings/set", settings);
}

void update(const char* name, const char* member, const Json::Value& value) {
  Json::Value request;
  request["username"] = name;
  request[member] = value;
  (void)pool->admin("users/update", request);
}

Json::Value user(const char* name) {
  Json::Value request;
  request["username"] = name;
  return pool->admin("users/get", request);
}

// Codes that were used may be used again.
void forget_used_codes(const char* name) {
  Json::Value request;
  request["username"] = name;
  (void)pool->admin("users/unlock", request);
}

struct End {
  int code = PAM_SUCCESS;
  std::string seen;
};

// A sign-in with password and authenticator code, or with the code of a message.
End sign_in(const char* name, const std::string& password) {
  const bool is_lena = std::string_view(name) == "lena";
  forget_used_codes(is_lena ? "lena" : "alice");
  Person person;
  person.before_answering = [&](std::size_t question) {
    person.answers.push_back(question == 0 ? password : pool->totp_code("alice"));
  };
  Transaction transaction(name, &person, Stack{});
  End end;
  end.code = transaction.authenticate();
  end.seen = person.seen;
  return end;
}

void assert_code(int actual, int expected) {
  assert_string_equal(code_name(actual), code_name(expected));
}

// A sign-in of `name` ends with `code`, and the log has the cause.
std::string ends_by(const std::string& cause, int code, const char* name,
                    const std::string& password) {
  const std::size_t before = Cognitod::log().size();
  const End end = sign_in(name, password);
  assert_code(end.code, code);
  Cognitod::wait_for_log("CAUSE=" + cause, before);
  return end.seen;
}

// An attacker sees the same as for a wrong password.
void accounts_that_cannot_sign_in_by_password_yet(void**) {
  start();
  const std::string wrong = ends_by("not-authorized", PAM_AUTH_ERR, "alice", "not it");

  update("alice", "imported", true);
  assert_text(ends_by("imported-user", PAM_AUTH_ERR, "alice", "anything"), wrong);

  update("alice", "imported", false);
  update("alice", "status", "FORCE_CHANGE_PASSWORD");
  Json::Value days;
  days["life_s"] = 8 * 24 * 3600;
  (void)pool->admin("clock/advance", days);
  for (const char* text : {"temporary_password", "user_account"}) {
    setting("expired_password_text", text);
    assert_text(ends_by("temporary-password-expired", PAM_AUTH_ERR, "alice", kAlicesPassword),
                wrong);
    start();  // with a full budget of attempts
  }
}

void the_pools_lock(void**) {
  start();
  const std::string wrong = ends_by("not-authorized", PAM_AUTH_ERR, "alice", "not it");
  Json::Value lock;
  lock["name"] = "NotAuthorizedException";
  lock["message"] = "Password attempts exceeded";
  pool->fault("PASSWORD_VERIFIER", "error", lock);
  assert_text(ends_by("password-attempts-exceeded", PAM_AUTH_ERR, "alice", kAlicesPassword), wrong);
}

void nobody_to_send_a_code_to(void**) {
  start();
  Json::Value gone(Json::objectValue);
  gone["phone_number"] = Json::nullValue;
  update("bob", "attributes", gone);
  const std::string seen = ends_by("mfa-method-not-found", PAM_AUTH_ERR, "bob", kBobsPassword);
  assert_true(seen.contains("no phone number or e-mail address"));
}

void a_pool_that_throttles(void**) {
  start();
  Json::Value always;
  always["times"] = 0;
  pool->fault("InitiateAuth", "throttle", always);
  const std::string seen = ends_by("too-many-requests", PAM_AUTH_ERR, "alice", kAlicesPassword);
  assert_true(seen.contains("is busy"));
}

// alice's verified address is alice@example.com.
void an_address_in_other_letters(void**) {
  setting("case_sensitive", false);
  const std::string by_email = "cognito_username = %u@Example.com\nidentity = email\n";
  start(by_email);
  (void)ends_by("identity", PAM_PERM_DENIED, "alice", kAlicesPassword);
  assert_true(Cognitod::log().contains("alice@example.com, not alice@Example.com"));
  assert_true(Cognitod::log().contains("case_sensitive = no"));

  start(by_email + "case_sensitive = no\n");
  assert_code(sign_in("alice", kAlicesPassword).code, PAM_SUCCESS);
  // From now on by its pin.
  assert_code(sign_in("alice", kAlicesPassword).code, PAM_SUCCESS);
}

// The account was made as "Lena"; the pool takes each of the two names for it.
void a_name_that_the_pool_keeps_in_its_own_letters(void**) {
  for (const char* kept : {"lower_names", "lower", "kept"}) {
    (void)pool->admin("reset");
    setting("case_sensitive", false);
    setting("stored_case", kept);
    Json::Value lena;
    lena["username"] = "Lena";
    lena["password"] = kAlicesPassword;
    lena["groups"].append("linux-users");
    lena["mfa"]["enabled"].append("SOFTWARE_TOKEN_MFA");
    lena["mfa"]["totp_secret"] = user("alice")["mfa"]["totp_secret"];
    (void)pool->admin("users/create", lena);
    start();
    if (std::string_view(kept) == "kept")
      (void)ends_by("identity", PAM_PERM_DENIED, "lena", kAlicesPassword);
    else
      assert_code(sign_in("lena", kAlicesPassword).code, PAM_SUCCESS);
    start("case_sensitive = no\n");
    assert_code(sign_in("lena", kAlicesPassword).code, PAM_SUCCESS);
  }
}

// The pool keeps the name in lower case, Linux has two users.
void two_linux_names_of_one_account(void**) {
  setting("case_sensitive", false);
  start("case_sensitive = no\n");
  assert_code(sign_in("Alice", kAlicesPassword).code, PAM_SUCCESS);
  (void)ends_by("account-taken", PAM_PERM_DENIED, "alice", kAlicesPassword);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  set_up_accounts();
  const PrivateBus bus;
  Pool started;
  pool = &started;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(accounts_that_cannot_sign_in_by_password_yet, fresh_pool),
      cmocka_unit_test_setup(the_pools_lock, fresh_pool),
      cmocka_unit_test_setup(nobody_to_send_a_code_to, fresh_pool),
      cmocka_unit_test_setup(a_pool_that_throttles, fresh_pool),
      cmocka_unit_test_setup(an_address_in_other_letters, fresh_pool),
      cmocka_unit_test_setup(a_name_that_the_pool_keeps_in_its_own_letters, fresh_pool),
      cmocka_unit_test_setup(two_linux_names_of_one_account, fresh_pool),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  daemon_.reset();
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
