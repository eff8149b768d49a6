// The lines `route` and `emergency` of the PAM profile.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

constexpr int kExpired = static_cast<int>(PAM_CHANGE_EXPIRED_AUTHTOK);

// A transaction in which every line of the module is `route`.
struct Routed {
  explicit Routed(const char* user, const char* options = "route")
      : transaction(user, &person, {.options = options, .service = "su"}) {}

  Person person;
  Transaction transaction;
};

struct Codes {
  int authenticate;
  int account;
  int set_credentials;
  int session;
  int password;
};

// Each phase in a transaction of its own, run by the user: if root changes a password, another rule
// applies.
void assert_routes(const char* user, const Codes& expected, const char* options = "route") {
  print_message("%s %s\n", user, options);
  const RealUid itself(kCognitoUserUid);
  assert_code(Routed(user, options).transaction.authenticate(), expected.authenticate);
  assert_code(Routed(user, options).transaction.account(), expected.account);
  assert_code(Routed(user, options).transaction.set_credentials(), expected.set_credentials);
  assert_code(Routed(user, options).transaction.open_session(), expected.session);
  assert_code(Routed(user, options).transaction.close_session(), expected.session);
  assert_code(Routed(user, options).transaction.change_password(), expected.password);
}

constexpr Codes kCognito = {PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS};
constexpr Codes kNone = {kIgnored, kIgnored, kIgnored, kIgnored, kIgnored};
constexpr Codes kServiceError = {PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR,
                                 PAM_SERVICE_ERR};
constexpr Codes kDenied = {PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED,
                           PAM_PERM_DENIED};

// There is no bus, so the test would notice a call.
void route_tells_cognito_users_from_local_users(void**) {
  assert_routes(kCognitoUser, kCognito);
  assert_routes(kPrimaryGroupUser, kCognito);
  for (const char* user : {kLocalUser, "root", "daemon", "nobody", "admin", "nosuchuser"})
    assert_routes(user, kNone);
}

void route_asks_nobody_and_needs_no_cognitod(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) { peer.outcome(Outcome::refused); });
  Routed routed(kCognitoUser);
  assert_code(routed.transaction.authenticate(), PAM_SUCCESS);
  assert_code(routed.transaction.account(), PAM_SUCCESS);
  assert_code(routed.transaction.set_credentials(), PAM_SUCCESS);
  assert_int_equal(routed.person.questions, 0);
  assert_int_equal(daemon.record().opened, 0);
  assert_int_equal(daemon.record().checked, 0);
}

void an_uncertain_membership_is_refused(void**) {
  assert_routes("dave$", kDenied);
  set_users_conf("exclude=admin\nusrs=bob\n");
  assert_routes(kCognitoUser, kServiceError);
  assert_routes(kLocalUser, kServiceError);
  for (const char* user : {"root", "daemon", "admin"}) assert_routes(user, kNone);
  set_users_conf(kUsersConf);
}

void an_unknown_option_refuses_cognito_users(void**) {
  for (const char* options : {"route nullok", "nullok route", "route emergency", "emergency route",
                              "route route", "emergency emergency"})
    assert_code(Routed(kCognitoUser, options).transaction.account(), PAM_SERVICE_ERR);
  assert_code(Routed(kCognitoUser, "route debug try_first_pass").transaction.account(),
              PAM_SUCCESS);
}

// The caller of su sets the limits. With every number of descriptors the result is right, or a
// refusal.
void a_shortage_is_refused_or_harmless(void**) {
  for (const char* user : {kCognitoUser, kLocalUser}) {
    for (rlim_t free = 0; free < 8; ++free) {
      Child child([user, free] {
        Routed routed(user);
        (void)routed.transaction.set_credentials();  // makes libpam load its modules
        const int lowest = ::dup(STDIN_FILENO);
        (void)::close(lowest);
        const rlimit limit{.rlim_cur = static_cast<rlim_t>(lowest) + free, .rlim_max = 4096};
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 100;
        return routed.transaction.authenticate();
      });
      const int code = child.wait();
      print_message("%s with %d descriptors: %s\n", user, static_cast<int>(free), code_name(code));
      const int right = user == kCognitoUser ? PAM_SUCCESS : kIgnored;
      // PAM_SYSTEM_ERR comes from libpam, which has no socket for the audit log.
      assert_true(code == right || code == PAM_SERVICE_ERR || code == PAM_SYSTEM_ERR);
      if (free == 0) assert_true(code != right);
      if (free == 7) assert_code(code, right);
    }
  }
}

// NSS fails although nothing is short: /etc/group cannot be read.
void a_failure_of_nss_is_refused(void**) {
  assert_int_equal(::rename("/etc/group", "/etc/group.away"), 0);
  assert_int_equal(::symlink("group", "/etc/group"), 0);  // ELOOP
  assert_routes(kCognitoUser,
                {PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_TRY_AGAIN});
  assert_routes("root", kNone);
  // The line that signs users in refuses too: after a failed look-up a local password must not
  // count.
  Person person;
  Transaction transaction(kCognitoUser, &person, {.local_password = true});
  assert_code(transaction.authenticate(), PAM_AUTH_ERR);
  assert_int_equal(::unlink("/etc/group"), 0);
  assert_int_equal(::rename("/etc/group.away", "/etc/group"), 0);
}

// A transaction with `route` in the line before the module, as in the profile.
void a_signed_in_user_remains_a_cognito_user(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  for (const bool emergency : {false, true}) {
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person,
                            {.local_password = emergency, .routed_after_auth = true});
    {
      if (emergency) empty_run_directory();  // removes the bus
      assert_code(transaction.authenticate(), PAM_SUCCESS);
    }
    set_users_conf("group=\nusers=carol\n");
    assert_code(transaction.account(), PAM_SUCCESS);
    assert_code(transaction.set_credentials(), PAM_SUCCESS);
    transaction.set_item(PAM_USER, kLocalUser);
    assert_code(transaction.account(), kIgnored);
    set_users_conf(kUsersConf);
  }
}

// PAM_IGNORE lets the profile continue with pam_unix, for every user and every users.conf.
void a_password_that_root_sets_is_local(void**) {
  set_users_conf("usrs=bob\n");
  assert_code(Routed(kCognitoUser).transaction.change_password(), kIgnored);
  set_users_conf(kUsersConf);
  assert_code(Routed(kCognitoUser).transaction.change_password(), kIgnored);
  assert_code(Routed(kLocalUser).transaction.change_password(), kIgnored);
  // A login program runs as root too, but the expired password is the user's.
  assert_code(Routed(kCognitoUser).transaction.change_password(kExpired), PAM_SUCCESS);
  assert_code(Routed(kLocalUser).transaction.change_password(kExpired), kIgnored);
}

// The line is reached by mistake, as nothing was unavailable.
void emergency_alone_signs_nobody_in(void**) {
  for (const char* user : {kCognitoUser, kLocalUser, "root"})
    assert_code(Routed(user, "emergency").transaction.authenticate(), PAM_AUTH_ERR);
  assert_code(Routed(kCognitoUser, "emergency nullok").transaction.authenticate(), PAM_AUTH_ERR);
  assert_code(Routed(kCognitoUser, "emergency").transaction.set_credentials(), PAM_SUCCESS);
  assert_code(Routed(kLocalUser, "emergency").transaction.set_credentials(), kIgnored);
}

void emergency_is_logged(void**) {
  Syslog syslog;
  Person person;
  Transaction transaction(kCognitoUser, &person, {.local_password = true});
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  const std::string lines = syslog.take();
  assert_true(lines.contains("sign-in unavailable cause=local-password user=alice"));
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(route_tells_cognito_users_from_local_users),
      cmocka_unit_test(route_asks_nobody_and_needs_no_cognitod),
      cmocka_unit_test(an_uncertain_membership_is_refused),
      cmocka_unit_test(an_unknown_option_refuses_cognito_users),
      cmocka_unit_test(a_shortage_is_refused_or_harmless),
      cmocka_unit_test(a_failure_of_nss_is_refused),
      cmocka_unit_test(a_password_that_root_sets_is_local),
      cmocka_unit_test(emergency_alone_signs_nobody_in),
      cmocka_unit_test(emergency_is_logged),
      cmocka_unit_test(a_signed_in_user_remains_a_cognito_user),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
