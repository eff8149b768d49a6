// The first login: which sign-ins of a user without an account are admitted, and what the account
// must be after them. The test's own program plays sshd, because accounts.conf names it.

#include <security/pam_appl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "accounts/fleet_key.h"
#include "nss/accounts_conf.h"
#include "nss/accounts_format.h"
#include "tests/module/accounts_file.h"
#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;
using accounts::State;

constexpr char kAnn[] = "ann.new";  // the name service does not know her
constexpr char kZoe[] = "zoe.new";  // the name service answers as for sshd
constexpr char kPool[] = "eu-central-1_AbCdEfGhI";
constexpr uid_t kFirst = 0x7000'0000;
constexpr uid_t kLast = 2099999999;

uid_t uid_by_rule(const char* name) {
  const std::string key(accounts::kFleetKeySize, '\x11');
  return accounts::uid_of(key, kPool, name, kFirst, kLast);
}

void store(const std::vector<Stored>& records) {
  write_file(accounts::kPath, accounts_file(records));
}

std::string own_program() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  assert_true(size > 0);
  return {path.data(), static_cast<std::size_t>(size)};
}

std::string conf(const std::string& more = "") {
  return "[accounts]\nnames = *.*\npool = " + std::string(kPool) + "\n" + more;
}
std::string with_sshd() {
  return conf("sshd = /usr/sbin/sshd " + own_program() + "\n");
}

int reset(void**) {
  write_file(accounts::kConfPath, conf());
  write_file(accounts::kFleetKeyPath, std::string(2 * accounts::kFleetKeySize, '1') + "\n", 0600);
  store({});
  set_users_conf("");
  return 0;
}

// cognitod, and what cognitod-accounts has stored before the success.
FakeDaemon::Script daemon_that_stores(const std::vector<Stored>& records) {
  return [records](Peer& peer) {
    peer.ask(Purpose::password);
    store(records);
    peer.success();
  };
}

struct Host {
  const char* tty = "tty1";
  const char* remote_host = nullptr;
};

// The codes of authentication and account phase.
struct Codes {
  int authenticate;
  int account;
};
Codes sign_in(const char* user, Person* person, const Host& host) {
  Transaction transaction(user, person, {.service = "login"});
  if (host.tty != nullptr) transaction.set_item(PAM_TTY, host.tty);
  if (host.remote_host != nullptr) transaction.set_item(PAM_RHOST, host.remote_host);
  const int code = transaction.authenticate();
  return {code, code == PAM_SUCCESS ? transaction.account() : code};
}

void assert_sign_in(const char* user, const Host& host, const std::vector<Stored>& stored,
                    const Codes& expected, const std::string& transcript,
                    const std::string& text = "") {
  const PrivateBus bus;
  FakeDaemon daemon(daemon_that_stores(stored));
  Person person{.answers = {"secret"}};
  const Codes codes = sign_in(user, &person, host);
  assert_code(codes.authenticate, expected.authenticate);
  assert_code(codes.account, expected.account);
  daemon.wait_for_script();
  assert_true(daemon.record().transcript().contains(transcript));
  assert_true(person.seen.contains(text));
}

void a_console_makes_the_account(void**) {
  assert_sign_in(kAnn, {}, {{kAnn, uid_by_rule(kAnn)}}, {PAM_SUCCESS, PAM_SUCCESS}, "ack");
}

// With uid_attribute. login(1) looks the user up after the sign-in.
void a_console_takes_the_uid_that_was_stored(void**) {
  assert_sign_in(kAnn, {}, {{kAnn, uid_by_rule(kAnn) + 1}}, {PAM_SUCCESS, PAM_SUCCESS}, "ack");
}

void a_success_without_a_stored_account_is_refused(void**) {
  assert_sign_in(kAnn, {}, {}, {PAM_AUTH_ERR, PAM_AUTH_ERR}, "abort");
}

void a_locked_account_is_refused(void**) {
  assert_sign_in(kAnn, {}, {{kAnn, uid_by_rule(kAnn), State::locked}}, {PAM_AUTH_ERR, PAM_AUTH_ERR},
                 "abort");
}

void sshd_signs_in_with_the_uid_that_it_has(void**) {
  write_file(accounts::kConfPath, with_sshd());
  assert_sign_in(kZoe, {"ssh", "192.0.2.7"}, {{kZoe, uid_by_rule(kZoe)}},
                 {PAM_SUCCESS, PAM_SUCCESS}, "ack");
}

void sshd_with_another_uid_begins_anew(void**) {
  write_file(accounts::kConfPath, with_sshd());
  assert_sign_in(kZoe, {"ssh", "192.0.2.7"}, {{kZoe, uid_by_rule(kZoe) + 1}},
                 {PAM_MAXTRIES, PAM_MAXTRIES}, "abort",
                 "error(Your account is ready. Connect again.)");
}

// cognitod is asked in none of these.
void others_are_not_admitted(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon(daemon_that_stores({{kAnn, uid_by_rule(kAnn)}}));
  const auto code = [](const char* user, const Host& host = {}) {
    Person person{.answers = {"secret"}};
    return sign_in(user, &person, host).authenticate;
  };
  struct Case {
    const char* what;
    std::function<int()> sign_in;
    int expected;
  };
  const std::vector<Case> cases = {
      {"a remote host, not sshd", [&] { return code(kAnn, {"tty1", "192.0.2.7"}); }, kIgnored},
      {"no terminal", [&] { return code(kAnn, {nullptr, nullptr}); }, kIgnored},
      {"a name without a mark", [&] { return code("ann"); }, kIgnored},
      {"a reserved name", [&] { return code("postgres"); }, kIgnored},
      {"a program that a user has started",
       [&] {
         const RealUid user(1001);
         return code(kAnn);
       },
       kIgnored},
      {"no pool",
       [&] {
         write_file(accounts::kConfPath, "[accounts]\nnames = *.*\n");
         return code(kAnn);
       },
       kIgnored},
      {"no names",
       [&] {
         write_file(accounts::kConfPath, "[accounts]\npool = eu-central-1_AbCdEfGhI\n");
         return code(kAnn);
       },
       kIgnored},
      {"a damaged accounts file",
       [&] {
         write_file(accounts::kPath, std::string(128, 'x'));
         return code(kAnn);
       },
       kIgnored},
      {"no accounts file",
       [&] {
         assert_int_equal(::unlink(accounts::kPath), 0);
         return code(kAnn);
       },
       kIgnored},
      {"a fleet key that others can read",
       [&] {
         assert_int_equal(::chmod(accounts::kFleetKeyPath, 0644), 0);
         return code(kAnn);
       },
       kIgnored},
      {"another user has the uid",
       [&] {
         store({{"other.user", uid_by_rule(kAnn)}});
         return code(kAnn);
       },
       kIgnored},
      {"exclude=",
       [&] {
         set_users_conf("exclude=ann.new\n");
         return code(kAnn);
       },
       PAM_PERM_DENIED},
      // The name service says another uid than the rule, so another source has answered.
      {"an entry with another uid", [&] { return code("tom.old"); }, PAM_AUTH_ERR},
  };
  for (const Case& one : cases) {
    print_message("%s\n", one.what);
    reset(nullptr);
    assert_code(one.sign_in(), one.expected);
  }
  assert_int_equal(daemon.record().opened, 0);
}

// A login by key has no authentication.
void the_account_phase_alone_admits_nobody(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon;
  write_file(accounts::kConfPath, with_sshd());
  Person person;
  Transaction by_key(kZoe, &person);
  by_key.set_item(PAM_RHOST, "192.0.2.7");
  assert_code(by_key.account(), PAM_PERM_DENIED);
  assert_code(by_key.set_credentials(), PAM_CRED_ERR);
  assert_int_equal(daemon.record().checked, 0);
}

}  // namespace

int main() {
  enter_sandbox();
  if (::mount("tmpfs", "/var/lib", "tmpfs", MS_NOSUID, "mode=0755") != 0 ||
      ::mkdir(accounts::kDirectory, 0755) != 0)
    return kSkipped;
  write_file("/etc/passwd", "root:x:0:0::/:/bin/sh\nalice:x:1001:1001::/:/bin/sh\nzoe.new:x:" +
                                std::to_string(uid_by_rule(kZoe)) +
                                ":1001::/:/bin/sh\ntom.old:x:1879048777:1001::/:/bin/sh\n");
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_console_makes_the_account, reset),
      cmocka_unit_test_setup(a_console_takes_the_uid_that_was_stored, reset),
      cmocka_unit_test_setup(a_success_without_a_stored_account_is_refused, reset),
      cmocka_unit_test_setup(a_locked_account_is_refused, reset),
      cmocka_unit_test_setup(sshd_signs_in_with_the_uid_that_it_has, reset),
      cmocka_unit_test_setup(sshd_with_another_uid_begins_anew, reset),
      cmocka_unit_test_setup(others_are_not_admitted, reset),
      cmocka_unit_test_setup(the_account_phase_alone_admits_nobody, reset),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
