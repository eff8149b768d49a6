// Root's break-glass policy and window, which the module reads itself.

#include "common/break_glass.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;
using std::chrono::seconds;

constexpr char kAliceHasAPassword[] = "alice:$y$j9T$abc$def:20000:0:99999:7:::\n";
constexpr char kPassedSeconds[] = "PASSED_SECONDS";  // set by probe.cc
constexpr char kWindowPath[] = "/run/pam-cognito/break-glass";

void set_policy(const std::string& text, mode_t mode = 0644) {
  if (text.empty())
    (void)::unlink(break_glass::kPolicyPath);
  else
    write_file(break_glass::kPolicyPath, text, mode);
}

void set_window_text(const std::string& text, mode_t mode = 0644) {
  (void)::mkdir(break_glass::kWindowDirectory, 0755);
  (void)::unlink(kWindowPath);
  if (!text.empty()) write_file(kWindowPath, text, mode);
}

std::string window_text(seconds from_now, const std::vector<std::string>& users) {
  const break_glass::Now now = break_glass::now();
  return break_glass::format_window({.boot_id = now.boot_id,
                                     .end = now.boot_time + from_now,
                                     .all = users.empty(),
                                     .users = users});
}

void set_shadow(const std::string& text) {
  write_file("/etc/shadow", text, 0600);
}

int reset(void**) {
  (void)::unsetenv(kPassedSeconds);
  set_policy("");
  set_window_text("");
  set_shadow("");
  return 0;
}

int sign_in(FakeDaemon& /*daemon*/, Person& person) {
  Transaction transaction(kCognitoUser, &person);
  return transaction.authenticate();
}

int sign_in_without_daemon() {
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  return transaction.authenticate();
}

void the_policy_decides_while_cognitod_is_absent(void**) {
  assert_code(sign_in_without_daemon(), PAM_AUTHINFO_UNAVAIL);
  set_policy("local_password = when-unreachable\n");
  assert_code(sign_in_without_daemon(), PAM_AUTHINFO_UNAVAIL);
  for (const char* policy : {"local_password = window\n", "local_password = never\n"}) {
    set_policy(policy);
    assert_code(sign_in_without_daemon(), PAM_AUTH_ERR);
  }
}

void the_policy_decides_while_the_pool_is_unreachable(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.outcome(Outcome::unavailable);
  });
  const auto code = [&] {
    Person person{.answers = {"secret"}};
    return sign_in(daemon, person);
  };
  assert_code(code(), PAM_AUTHINFO_UNAVAIL);
  set_policy("local_password = window\n");
  assert_code(code(), PAM_AUTH_ERR);
  set_policy("local_password = never\n");
  assert_code(code(), PAM_AUTH_ERR);
}

void an_untrusted_policy_counts_as_never(void**) {
  set_policy("local_password = sometimes\n");
  assert_code(sign_in_without_daemon(), PAM_AUTH_ERR);
  set_policy("local_password = when-unreachable\n", 0666);
  assert_code(sign_in_without_daemon(), PAM_AUTH_ERR);
  set_policy("local_password = when-unreachable\n");
  assert_int_equal(::chown(break_glass::kPolicyPath, kCognitoUserUid, 0), 0);
  assert_code(sign_in_without_daemon(), PAM_AUTH_ERR);
  set_policy("");
  assert_int_equal(::symlink("/etc/passwd", break_glass::kPolicyPath), 0);
  assert_code(sign_in_without_daemon(), PAM_AUTH_ERR);
}

// After a refusal in authentication the account phase has no emergency to refer to.
void a_refusal_by_policy_leaves_no_emergency_for_the_account_phase(void**) {
  set_policy("local_password = never\n");
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_AUTH_ERR);
  assert_code(transaction.account(), PAM_PERM_DENIED);
}

void each_decision_is_logged_once(void**) {
  Syslog syslog;
  (void)sign_in_without_daemon();
  std::string lines = syslog.take();
  assert_non_null(std::strstr(lines.c_str(), "break-glass permitted cause=no-bus user=alice"));
  set_policy("local_password = window\n");
  (void)sign_in_without_daemon();
  lines = syslog.take();
  assert_non_null(std::strstr(lines.c_str(), "break-glass refused cause=policy-window user=alice"));
  set_policy("oops\n");
  (void)sign_in_without_daemon();
  lines = syslog.take();
  assert_non_null(std::strstr(lines.c_str(), "line 1: 'oops' is not of the form key=value"));
  assert_non_null(std::strstr(lines.c_str(), "break-glass refused cause=policy-never user=alice"));
}

void an_open_window_permits_without_asking_cognitod(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  Syslog syslog;
  set_shadow(kAliceHasAPassword);
  for (const char* policy : {"", "local_password = window\n"}) {
    set_policy(policy);
    set_window_text(window_text(seconds(120), {"bob", "alice"}));
    Person person{.answers = {"secret"}};
    assert_code(sign_in(daemon, person), PAM_AUTHINFO_UNAVAIL);
    assert_int_equal(person.questions, 0);
    assert_non_null(
        std::strstr(person.seen.c_str(), "info(Emergency access is open on this machine until "));
    assert_non_null(std::strstr(syslog.take().c_str(), "break-glass permitted cause=window"));
  }
  assert_int_equal(daemon.record().opened, 0);
}

void the_policy_never_overrides_a_window(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.outcome(Outcome::unavailable);
  });
  set_shadow(kAliceHasAPassword);
  set_window_text(window_text(seconds(120), {}));
  for (const char* policy : {"local_password = never\n", "malformed\n"}) {
    set_policy(policy);
    Person person{.answers = {"secret"}};
    assert_code(sign_in(daemon, person), PAM_AUTH_ERR);
    assert_int_equal(person.questions, 1);
  }
}

// With a window for other users, an ended window and malformed windows, Cognito decides as usual.
void a_closed_window_changes_nothing(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  set_shadow(kAliceHasAPassword);
  const auto asks_cognito = [&] {
    Person person{.answers = {"secret"}};
    assert_code(sign_in(daemon, person), PAM_SUCCESS);
    assert_int_equal(person.questions, 1);
  };
  set_window_text(window_text(seconds(120), {"bob"}));
  asks_cognito();
  set_window_text(window_text(seconds(0), {}));
  asks_cognito();
  set_window_text(window_text(std::chrono::hours(25), {}));
  asks_cognito();
  set_window_text("boot_id=00000000-0000-0000-0000-000000000000\nend=999999999\nusers=*\n");
  asks_cognito();
  set_window_text("users=*\n");
  asks_cognito();
  set_window_text(window_text(seconds(120), {}), 0666);
  asks_cognito();
  set_window_text(window_text(seconds(120), {}));
  assert_int_equal(::chown(kWindowPath, kCognitoUserUid, kCognitoUserUid), 0);
  asks_cognito();
  set_window_text(window_text(seconds(120), {}));
  assert_int_equal(::chmod(break_glass::kWindowDirectory, 0777), 0);
  asks_cognito();
  assert_int_equal(::chmod(break_glass::kWindowDirectory, 0755), 0);
}

void a_user_without_a_local_password_is_asked_by_cognito(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  set_window_text(window_text(seconds(120), {}));
  for (const char* shadow :
       {"", "alice::20000:0:99999:7:::\n", "alice:!:20000:0:99999:7:::\n",
        "alice:!$y$j9T$abc$def:20000:0:99999:7:::\n", "alice:*:20000:0:99999:7:::\n",
        "bob:$y$j9T$abc$def:20000:0:99999:7:::\n"}) {
    set_shadow(shadow);
    Person person{.answers = {"secret"}};
    assert_code(sign_in(daemon, person), PAM_SUCCESS);
  }
}

int account_in_a_window(Outcome answer) {
  FakeDaemon daemon({}, {.account = answer});
  Person person;
  Transaction transaction(kCognitoUser, &person, {.local_password = true});
  if (transaction.authenticate() != PAM_SUCCESS) return -1;
  return transaction.account();
}

// Root opens a window if cognitod is broken: a failure of cognitod does not close the window, but
// its refusal counts.
void in_a_window_the_account_phase_accepts_failures_but_no_refusal(void**) {
  const PrivateBus bus;
  set_shadow(kAliceHasAPassword);
  set_window_text(window_text(seconds(120), {}));
  assert_code(account_in_a_window(Outcome::success), PAM_SUCCESS);
  assert_code(account_in_a_window(Outcome::failed), PAM_AUTHINFO_UNAVAIL);
  assert_code(account_in_a_window(Outcome::unavailable), PAM_AUTHINFO_UNAVAIL);
  assert_code(account_in_a_window(Outcome::account_unknown), PAM_AUTHINFO_UNAVAIL);
  assert_code(account_in_a_window(Outcome::account_denied), PAM_PERM_DENIED);
  // Without a window the same failure is a refusal.
  set_window_text("");
  FakeDaemon daemon(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.outcome(Outcome::unavailable);
      },
      {.account = Outcome::failed});
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person, {.local_password = true});
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_PERM_DENIED);
}

// A user can leave the prompt of su open for any time.
void a_closed_window_ends_the_permission_at_an_open_prompt(void**) {
  Syslog syslog;
  const auto code_after = [](const std::function<void()>& change) {
    Person person{.on_notice = change};
    Transaction transaction(kCognitoUser, &person, {.local_password = true});
    return transaction.authenticate();
  };
  set_shadow(kAliceHasAPassword);
  const auto open_window = [] {
    set_policy("");
    set_window_text(window_text(seconds(120), {"alice"}));
  };
  open_window();
  assert_code(code_after({}), PAM_SUCCESS);
  assert_code(code_after([] { set_window_text(""); }), PAM_AUTH_ERR);
  assert_non_null(
      std::strstr(syslog.take().c_str(), "break-glass refused cause=permission-ended user=alice"));
  open_window();
  assert_code(code_after([] { set_window_text(window_text(seconds(0), {})); }), PAM_AUTH_ERR);
  open_window();
  assert_code(code_after([] { set_window_text(window_text(seconds(120), {"bob"})); }),
              PAM_AUTH_ERR);
  open_window();
  assert_code(code_after([] { set_policy("local_password = never\n"); }), PAM_AUTH_ERR);
  open_window();
  assert_code(code_after([] { set_policy("local_password = window\n"); }), PAM_SUCCESS);
}

// A sign-in met an outage, and its prompt is still open long after the pool has returned.
void the_permission_of_an_outage_ends_after_five_minutes(void**) {
  Syslog syslog;
  const auto code_after = [](seconds passed) {
    (void)::unsetenv(kPassedSeconds);
    Person person{.answers = {"secret"}};
    Transaction transaction(
        kCognitoUser, &person,
        {.local_password = true, .before_emergency = "later=" + std::to_string(passed.count())});
    return transaction.authenticate();
  };
  assert_code(code_after(seconds(299)), PAM_SUCCESS);
  assert_code(code_after(seconds(302)), PAM_AUTH_ERR);
}

// A window alone does not admit a user who signs in by a key, because authentication was not
// called.
void a_window_alone_does_not_decide_the_account(void**) {
  set_shadow(kAliceHasAPassword);
  set_window_text(window_text(seconds(120), {}));
  Person person;
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.account(), PAM_PERM_DENIED);
}

}  // namespace

// Replaces the clock of the module: the kernel's time plus the seconds that the probe has set. The
// program exports this function, so the module's reference resolves to it.
extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock,
                                                                    timespec* time) {
  const long result = ::syscall(SYS_clock_gettime, clock, time);
  if (const char* passed = std::getenv(kPassedSeconds);
      passed != nullptr && clock == CLOCK_BOOTTIME)
    time->tv_sec += std::atoi(passed);
  return static_cast<int>(result);
}

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_policy_decides_while_cognitod_is_absent, reset),
      cmocka_unit_test_setup(the_permission_of_an_outage_ends_after_five_minutes, reset),
      cmocka_unit_test_setup(the_policy_decides_while_the_pool_is_unreachable, reset),
      cmocka_unit_test_setup(an_untrusted_policy_counts_as_never, reset),
      cmocka_unit_test_setup(a_refusal_by_policy_leaves_no_emergency_for_the_account_phase, reset),
      cmocka_unit_test_setup(each_decision_is_logged_once, reset),
      cmocka_unit_test_setup(an_open_window_permits_without_asking_cognitod, reset),
      cmocka_unit_test_setup(the_policy_never_overrides_a_window, reset),
      cmocka_unit_test_setup(a_closed_window_changes_nothing, reset),
      cmocka_unit_test_setup(a_user_without_a_local_password_is_asked_by_cognito, reset),
      cmocka_unit_test_setup(in_a_window_the_account_phase_accepts_failures_but_no_refusal, reset),
      cmocka_unit_test_setup(a_closed_window_ends_the_permission_at_an_open_prompt, reset),
      cmocka_unit_test_setup(a_window_alone_does_not_decide_the_account, reset),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
