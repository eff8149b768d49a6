// The lines in syslog: one for each result, and never anything that the user has entered.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/membership.h"
#include "pam/result.h"
#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

void assert_one_line(const std::string& log, const char* part) {
  if (lines_in(log) != 1 || log.find(part) == std::string::npos)
    fail_msg("wanted one line with \"%s\", got: %s", part, log.c_str());
}

Syslog* syslog = nullptr;

int sign_in(const FakeDaemon::Script& script, const char* options = "") {
  FakeDaemon daemon(script);
  Person person{.answers = {"planted-password", "731731"}};
  Transaction transaction(kCognitoUser, &person, {.options = options});
  transaction.set_item(PAM_RHOST, "192.0.2.1 cause=forged\nline");
  return transaction.authenticate();
}

void each_result_is_one_line(void**) {
  (void)sign_in([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  assert_one_line(syslog->take(),
                  "pam_cognito(sshd:auth): sign-in success cause=outcome user=alice "
                  "rhost=192.0.2.1?cause=forged?line");
  (void)sign_in([](Peer& peer) { peer.outcome(Outcome::refused); });
  assert_one_line(syslog->take(), "sign-in refused cause=outcome user=alice");
  (void)sign_in([](Peer&) {});
  assert_one_line(syslog->take(), "sign-in failed cause=daemon-lost user=alice");
  (void)sign_in([](Peer& peer) { peer.raw("\x63\x63"); });
  assert_one_line(syslog->take(), "sign-in unforeseen cause=malformed-frame user=alice");

  Person person;
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.account(), PAM_PERM_DENIED);
  assert_one_line(syslog->take(), "pam_cognito(sshd:account): account unavailable cause=no-daemon");
}

// Returns the part of the line after " id=".
std::string id_in(const std::string& line) {
  const std::size_t at = line.find(" id=");
  return at == std::string::npos ? ""
                                 : line.substr(at + 4, line.find_first_of(" \n", at + 4) - at - 4);
}

void a_transaction_has_one_id(void**) {
  std::string first;
  for (int round = 0; round < 2; ++round) {
    const FakeDaemon daemon([](Peer& peer) {
      peer.ask(Purpose::password);
      peer.success();
    });
    Person person{.answers = {"planted-password"}};
    Transaction transaction(kCognitoUser, &person, {.options = "debug"});
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    const std::string id = id_in(syslog->take());
    assert_int_equal(id.size(), 16);
    assert_int_equal(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    assert_text(id_in(daemon.record().facts.data()), id);
    assert_code(transaction.account(), PAM_SUCCESS);
    assert_text(id_in(syslog->take()), id);
    assert_text(id_in(daemon.record().facts.data()), id);
    assert_true(id != first);
    first = id;
  }
}

void every_line_has_an_id(void**) {
  Person person{.answers = {"planted-password"}};
  {
    const FakeDaemon daemon([](Peer& peer) {
      peer.ask(Purpose::password);
      peer.success();
    });
    Transaction transaction(kCognitoUser, &person, {.options = "debug"});
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    Transaction other(kLocalUser, &person, {.options = "debug"});
    assert_code(other.authenticate(), kIgnored);
  }
  Transaction wrong(kCognitoUser, &person, {.options = "nullok"});
  assert_code(wrong.authenticate(), PAM_SERVICE_ERR);
  const std::string log = syslog->take();
  assert_int_equal(lines_in(log), 4);
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1)
    if (id_in(log.substr(begin, end - begin)).size() != 16)
      fail_msg("no id in: %s", log.substr(begin, end - begin).c_str());
}

void a_password_change_is_one_line(void**) {
  const auto change = [](const FakeDaemon::Script& script) {
    const FakeDaemon daemon(script);
    const RealUid itself(kCognitoUserUid);
    Person person{.answers = {"planted-password", "planted-too"}};
    Transaction transaction(kCognitoUser, &person, {.options = "debug", .service = "passwd"});
    return transaction.change_password();
  };
  assert_code(change([](Peer& peer) {
                peer.ask(Purpose::password);
                peer.ask(Purpose::new_password);
                peer.success();
              }),
              PAM_SUCCESS);
  std::string log = syslog->take();
  assert_true(log.find("planted") == std::string::npos);
  assert_int_equal(lines_in(log), 3);  // two of them from `debug`
  assert_true(log.contains(
      "pam_cognito(passwd:chauthtok): password-change success cause=outcome user=alice"));
  assert_code(change([](Peer& peer) { peer.outcome(Outcome::refused); }), PAM_AUTHTOK_RECOVERY_ERR);
  assert_one_line(syslog->take(), "password-change refused cause=outcome user=alice");

  Person person;
  const RealUid somebody(kCognitoUserUid);
  Transaction transaction(kPrimaryGroupUser, &person);
  assert_code(transaction.change_password(), PAM_PERM_DENIED);
  assert_one_line(syslog->take(), "password-change not-permitted cause=another-user user=carol");
}

void local_users_are_not_logged(void**) {
  Person person;
  Transaction transaction(kLocalUser, &person);
  assert_code(transaction.authenticate(), kIgnored);
  assert_code(transaction.account(), kIgnored);
  assert_code(transaction.change_password(), kIgnored);
  assert_text(syslog->take(), "");
}

void faults_of_the_configuration_are_named(void**) {
  Person person;
  {
    Transaction transaction(kCognitoUser, &person, {.options = "nullok"});
    assert_code(transaction.authenticate(), PAM_SERVICE_ERR);
    assert_one_line(syslog->take(), "unknown module option 'nullok'");
  }
  set_users_conf("group=cognito-users\nusrs=bob\n");
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SERVICE_ERR);
  set_users_conf(kUsersConf);
  assert_one_line(syslog->take(), "/etc/pam-cognito/users.conf:2: unknown key 'usrs'");
}

constexpr CognitoUser kFirst{.uid = 0x70000001, .in_range = true, .is_first_login = true};

// As fail2ban's filters expect it: conf/fail2ban, tests/machine/fail2ban_test.py.
void a_refused_name_without_an_account_is_a_line_for_fail2ban(void**) {
  using pamcognito::pam::Handle;
  const auto line = [](Outcome outcome, const CognitoUser& admitted = kFirst,
                       const char* rhost = "192.0.2.7") {
    Person person;
    Transaction transaction("scan.ex", &person);
    transaction.set_item(PAM_TTY, "ssh");
    if (rhost != nullptr) transaction.set_item(PAM_RHOST, rhost);
    pam::log_refused_name(Handle(transaction.get()), admitted,
                          {.outcome = outcome, .cause = "outcome"}, "scan.ex");
    return syslog->take();
  };
  const std::string refused = line(Outcome::refused);
  assert_int_equal(lines_in(refused), 1);
  const std::string wanted =
      " authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  "
      "user=scan.ex\n";
  if (!refused.ends_with(wanted)) fail_msg("got: %s", refused.c_str());
  assert_true(line(Outcome::tries_exhausted).ends_with(wanted));
  for (const Outcome outcome : {Outcome::success, Outcome::unavailable, Outcome::failed,
                                Outcome::conversation_broken, Outcome::not_permitted})
    assert_text(line(outcome), "");
  // Neither a user with an account, nor one at this machine.
  assert_text(line(Outcome::refused, {.uid = 0x70000001, .in_range = true}), "");
  assert_text(line(Outcome::refused, kFirst, nullptr), "");
  // No other host can be named.
  assert_true(
      line(Outcome::refused, kFirst, "a.example rhost=198.51.100.1  user=x\nsshd[1]:")
          .ends_with("rhost=a.example?rhost=198.51.100.1??user=x?sshd[1]:  user=scan.ex\n"));
}

// A user with an account has the line of the result alone.
void a_refused_user_with_an_account_has_no_line_for_fail2ban(void**) {
  assert_code(sign_in([](Peer& peer) { peer.outcome(Outcome::refused); }), PAM_AUTH_ERR);
  assert_false(syslog->take().contains("authentication failure"));
}

void no_secret_is_logged(void**) {
  for (const char* options : {"", "debug"}) {
    assert_code(sign_in(
                    [](Peer& peer) {
                      peer.ask(Purpose::password);
                      peer.ask(Purpose::code, "Code: ");
                      peer.success();
                    },
                    options),
                PAM_SUCCESS);
    const std::string log = syslog->take();
    assert_true(log.find("planted") == std::string::npos);
    assert_true(log.find("731731") == std::string::npos);
    assert_true(lines_in(log) == (std::string_view(options).empty() ? 1U : 3U));
  }
}

PrivateBus* bus = nullptr;
int start(void**) {
  bus = new PrivateBus();
  syslog = new Syslog();
  return 0;
}
int stop(void**) {
  delete bus;
  delete syslog;
  return 0;
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_result_is_one_line),
      cmocka_unit_test(a_transaction_has_one_id),
      cmocka_unit_test(every_line_has_an_id),
      cmocka_unit_test(a_password_change_is_one_line),
      cmocka_unit_test(local_users_are_not_logged),
      cmocka_unit_test(faults_of_the_configuration_are_named),
      cmocka_unit_test(a_refused_name_without_an_account_is_a_line_for_fail2ban),
      cmocka_unit_test(a_refused_user_with_an_account_has_no_line_for_fail2ban),
      cmocka_unit_test(no_secret_is_logged),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
