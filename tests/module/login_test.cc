// The session phase: open_session() and close_session().

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

constexpr char kVariable[] = "PAM_COGNITO_SIGN_IN";
constexpr char kSignInDigits[] = "0102030405060708090a0b0c0d0e0f10";
constexpr uid_t kSomebody = 1002;

void sign_in_script(Peer& peer) {
  if (peer.ask(Purpose::password)) peer.success();
}

std::string assignment(const std::string& value) {
  return std::string(kVariable) + "=" + value;
}

std::string line_of(const char* path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

// Makes this process belong to a new login, as pam_loginuid does.
void enter_login_of(uid_t uid) {
  std::ofstream("/proc/self/loginuid") << uid;
}

// A process keeps its audit ids, so they are set in a child. The function returns an error text; ""
// becomes exit status 0, and any other text is printed.
void in_a_child(const std::function<std::string()>& function) {
  Child child([&function] {
    const std::string fault = function();
    if (!fault.empty()) print_message("%s\n", fault.c_str());
    return fault.empty() ? 0 : 1;
  });
  assert_int_equal(child.wait(), 0);
}

std::string unless(bool good, const std::string& what) {
  return good ? "" : what;
}

// Opens and closes a login of kCognitoUser with this value of the variable. Returns "" if
// everything is right.
std::string log_in(const std::string& ticket, uid_t login_uid = kCognitoUserUid) {
  enter_login_of(login_uid);
  Person person;
  Transaction transaction(kCognitoUser, &person);
  if (!ticket.empty()) transaction.set_variable(assignment(ticket));
  if (const int code = transaction.open_session(); code != PAM_SUCCESS) return code_name(code);
  if (!transaction.variable(kVariable).empty()) return "the variable is still there";
  if (const int code = transaction.close_session(); code != PAM_SUCCESS) return code_name(code);
  return "";
}

// sudo by alice, for whom a session replaces the sign-in: nothing is asked.
void nothing_is_asked_in_the_users_own_login(void**) {
  const FakeDaemon daemon([](Peer& peer) { peer.success(); });
  const auto sudo_by = [](uid_t real_uid, uid_t login_uid) {
    enter_login_of(login_uid);
    const RealUid real(real_uid);
    Person person;
    return Transaction(kCognitoUser, &person, {.service = "sudo"}).authenticate();
  };
  in_a_child([&] {
    return unless(sudo_by(kCognitoUserUid, kCognitoUserUid) == PAM_SUCCESS,
                  "the session did not do");
  });
  // Root in alice's login, another user in it, or alice in another user's login. A cognitod that
  // accepts a success without an answer here is faulty.
  in_a_child([&] { return unless(sudo_by(0, kCognitoUserUid) == PAM_SERVICE_ERR, "root got in"); });
  in_a_child([&] {
    return unless(sudo_by(kSomebody, kCognitoUserUid) == PAM_SERVICE_ERR, "somebody got in");
  });
  in_a_child([&] {
    return unless(sudo_by(kCognitoUserUid, kSomebody) == PAM_SERVICE_ERR, "alice got in");
  });
}

// The module leaves out the audit session of a process under user@.service, because all logins of
// the user share it.
void under_the_user_manager_a_full_sign_in_is_asked(void**) {
  const FakeDaemon daemon([](Peer& peer) { peer.success(); });
  for (const char* cgroup :
       {"0::/user.slice/user-1001.slice/user@1001.service/app.slice/vte.scope\n",
        "2:cpu:/\n1:name=systemd:/user.slice/user-1001.slice/user@1001.service/init.scope\n"}) {
    in_a_child([&] {
      enter_login_of(kCognitoUserUid);
      write_file("/run/cgroup", cgroup);
      if (::mount("/run/cgroup", "/proc/self/cgroup", nullptr, MS_BIND, nullptr) != 0)
        return std::string("no other cgroup");
      const RealUid real(kCognitoUserUid);
      Person person;
      const int code = Transaction(kCognitoUser, &person, {.service = "sudo"}).authenticate();
      return unless(code == PAM_SERVICE_ERR, "a session did without an answer");
    });
    assert_null(std::strstr(daemon.record().facts.data(), "audit_session="));
  }
}

void authentication_leaves_a_ticket(void**) {
  const FakeDaemon daemon(sign_in_script);
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  const std::string ticket = transaction.variable(kVariable);
  assert_int_equal(ticket.size(), 48);
  assert_text(ticket.substr(0, 32), kSignInDigits);
  assert_int_equal(ticket.substr(32).find_first_not_of("0123456789abcdef"), std::string::npos);
  assert_non_null(std::strstr(daemon.record().facts.data(), ("id=" + ticket.substr(32)).c_str()));
}

void a_failed_sign_in_leaves_no_ticket(void**) {
  Person person{.answers = {"secret", "secret"}};
  Transaction transaction(kCognitoUser, &person);
  {
    const FakeDaemon daemon(sign_in_script);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
  }
  const FakeDaemon daemon([](Peer& peer) { peer.outcome(Outcome::refused); });
  assert_code(transaction.authenticate(), PAM_AUTH_ERR);
  assert_text(transaction.variable(kVariable), "");
}

// sudo passes the PAM environment to the command, and no session phase removes the ticket.
void su_and_sudo_leave_no_ticket(void**) {
  const FakeDaemon daemon(sign_in_script);
  for (const uid_t uid : {kCognitoUserUid, kSomebody}) {
    const RealUid person_itself(uid);
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person, {.service = "sudo"});
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    assert_text(transaction.variable(kVariable), "");
  }
  in_a_child([] {
    enter_login_of(kCognitoUserUid);
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person, {.service = "su"});
    if (transaction.authenticate() != PAM_SUCCESS) return std::string("not signed in");
    return unless(transaction.variable(kVariable).empty(), "a ticket inside the user's login");
  });
}

void the_login_is_opened_and_closed_once(void**) {
  const FakeDaemon daemon(sign_in_script);
  const Record& record = daemon.record();
  in_a_child([&record]() -> std::string {
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person, {.service = "login"});
    transaction.set_item(PAM_TTY, "/dev/tty1");
    if (transaction.authenticate() != PAM_SUCCESS) return "not signed in";
    enter_login_of(kCognitoUserUid);
    if (transaction.open_session() != PAM_SUCCESS) return "not opened";
    if (!transaction.variable(kVariable).empty()) return "the variable is still there";
    const std::string facts = record.facts.data();
    for (const std::string& fact : {std::string("ruid=0 "), std::string("loginuid=1001 "),
                                    "audit_session=" + line_of("/proc/self/sessionid") + " ",
                                    std::string("uid=1001 "), std::string("tty=/dev/tty1 ")})
      if (facts.find(fact) == std::string::npos) return "no " + fact + "in " + facts;
    if (record.logins_opened != 1 || std::string(record.user.data()) != kCognitoUser ||
        std::string(record.service.data()) != "login" || record.id != kSignInId)
      return "opened as something else";
    if (transaction.open_session() != PAM_SUCCESS || record.logins_opened != 1)
      return "opened again";
    if (transaction.close_session() != PAM_SUCCESS || record.logins_closed != 1)
      return "not closed";
    if (std::string(record.facts.data()) != facts) return "closed with other facts";
    if (transaction.close_session() != PAM_SUCCESS || record.logins_closed != 1)
      return "closed again";
    return "";
  });
}

// In sshd only the PAM environment crosses from the process that authenticates.
void another_process_opens_the_login_with_the_ticket(void**) {
  const FakeDaemon daemon(sign_in_script);
  Person person{.answers = {"secret"}};
  Transaction authenticating(kCognitoUser, &person);
  assert_code(authenticating.authenticate(), PAM_SUCCESS);
  const std::string ticket = authenticating.variable(kVariable);
  in_a_child([&ticket] { return log_in(ticket); });
  assert_int_equal(daemon.record().logins_opened, 1);
  assert_int_equal(daemon.record().logins_closed, 1);
  // The whole transaction has one log id.
  assert_non_null(std::strstr(daemon.record().facts.data(), ("id=" + ticket.substr(32)).c_str()));
}

void without_a_ticket_nothing_is_opened_or_closed(void**) {
  const FakeDaemon daemon;
  const std::string good = kSignInDigits;
  for (const std::string& ticket :
       {std::string(), std::string("x"), good.substr(1), good + "0", good + "0123456789abcde",
        good + "0123456789abcdeg", good + "0123456789abcdef0", "Z" + good.substr(1),
        "A" + good.substr(1), good.substr(0, 31) + " ", std::string(5000, 'a')})
    in_a_child([&ticket] { return log_in(ticket); });
  assert_int_equal(daemon.record().logins_opened, 0);
  assert_int_equal(daemon.record().logins_closed, 0);
  in_a_child([&good] { return log_in(good); });  // a ticket without a log id is valid
  assert_int_equal(daemon.record().logins_opened, 1);
}

void outside_a_login_of_the_user_nothing_is_opened(void**) {
  const FakeDaemon daemon;
  in_a_child([] { return log_in(kSignInDigits, kSomebody); });
  // Audit ids that were never set.
  Person person;
  Transaction transaction(kCognitoUser, &person);
  transaction.set_variable(assignment(kSignInDigits));
  assert_code(transaction.open_session(), PAM_SUCCESS);
  assert_text(transaction.variable(kVariable), "");
  assert_code(transaction.close_session(), PAM_SUCCESS);
  assert_int_equal(daemon.record().logins_opened, 0);
  assert_int_equal(daemon.record().logins_closed, 0);
}

void only_root_opens_and_closes(void**) {
  const FakeDaemon daemon;
  in_a_child([&daemon]() -> std::string {
    enter_login_of(kCognitoUserUid);
    Person person;
    Transaction transaction(kCognitoUser, &person);
    transaction.set_variable(assignment(kSignInDigits));
    if (::seteuid(kCognitoUserUid) != 0) return "seteuid";
    const int opened = transaction.open_session();
    if (!transaction.variable(kVariable).empty()) return "the variable is still there";
    if (::seteuid(0) != 0) return "seteuid";
    if (opened != PAM_SUCCESS) return code_name(opened);
    transaction.set_variable(assignment(kSignInDigits));
    if (transaction.open_session() != PAM_SUCCESS) return "not opened by root";
    if (::seteuid(kCognitoUserUid) != 0) return "seteuid";
    const int closed = transaction.close_session();
    if (::seteuid(0) != 0) return "seteuid";
    return unless(closed == PAM_SUCCESS && daemon.record().logins_closed == 0, "closed");
  });
  assert_int_equal(daemon.record().logins_opened, 1);
}

void a_ticket_of_another_user_opens_nothing(void**) {
  const FakeDaemon daemon(sign_in_script);
  in_a_child([]() -> std::string {
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person);
    if (transaction.authenticate() != PAM_SUCCESS) return "not signed in";
    transaction.set_item(PAM_USER, kPrimaryGroupUser);
    enter_login_of(1003);
    if (transaction.open_session() != PAM_SUCCESS) return "not let pass";
    return unless(transaction.variable(kVariable).empty(), "the variable is still there");
  });
  assert_int_equal(daemon.record().logins_opened, 0);
}

void another_users_login_is_not_closed(void**) {
  const FakeDaemon daemon;
  in_a_child([]() -> std::string {
    enter_login_of(kCognitoUserUid);
    Person person;
    Transaction transaction(kCognitoUser, &person);
    transaction.set_variable(assignment(kSignInDigits));
    if (transaction.open_session() != PAM_SUCCESS) return "not opened";
    transaction.set_item(PAM_USER, kPrimaryGroupUser);
    return unless(transaction.close_session() == PAM_SUCCESS, "not let pass");
  });
  assert_int_equal(daemon.record().logins_opened, 1);
  assert_int_equal(daemon.record().logins_closed, 0);
}

void local_users_are_ignored_without_the_bus(void**) {
  const FakeDaemon daemon;
  for (const char* user : {kLocalUser, "root", "daemon", "admin", "nonexistent"}) {
    Person person;
    Transaction transaction(user, &person);
    transaction.set_variable(assignment(kSignInDigits));
    assert_code(transaction.open_session(), kIgnored);
    assert_text(transaction.variable(kVariable), "");
    assert_code(transaction.close_session(), kIgnored);
  }
  assert_int_equal(daemon.record().logins_opened, 0);
  assert_int_equal(daemon.record().logins_closed, 0);
}

// Errors in the service file or in users.conf are reported in authentication and the account phase,
// and not here.
void faults_of_the_configuration_refuse_no_login(void**) {
  const FakeDaemon daemon;
  Person person;
  {
    Transaction transaction(kCognitoUser, &person, {.options = "nullok"});
    transaction.set_variable(assignment(kSignInDigits));
    assert_code(transaction.open_session(), kIgnored);
    assert_code(transaction.close_session(), kIgnored);
  }
  set_users_conf("malformed\n");
  Transaction transaction(kCognitoUser, &person);
  transaction.set_variable(assignment(kSignInDigits));
  assert_code(transaction.open_session(), kIgnored);
  assert_text(transaction.variable(kVariable), "");
  set_users_conf(kUsersConf);
  assert_int_equal(daemon.record().logins_opened, 0);
}

void no_failure_of_cognitod_refuses_a_login(void**) {
  const std::string ticket = kSignInDigits;
  in_a_child([&ticket] { return log_in(ticket); });  // no cognitod
  for (const char* error :
       {"org.pamcognito.Error.NoSuchSession", "org.pamcognito.Error.Unconfigured",
        "org.pamcognito.Error.NotPermitted", "org.example.Unknown"}) {
    const FakeDaemon daemon({}, {.login_error = error});
    in_a_child([&ticket] { return log_in(ticket); });
    assert_int_equal(daemon.record().logins_opened, 1);
    assert_int_equal(daemon.record().logins_closed, 0);  // because it was not opened
  }
  constexpr unsigned watchdog = 120;  // seconds; SIGALRM ends the test program
  (void)::alarm(watchdog);
  const FakeDaemon silent({}, {.silent_logins = true});
  in_a_child([&ticket] { return log_in(ticket); });
  (void)::alarm(0);
  assert_int_equal(silent.record().logins_opened, 1);
  assert_int_equal(silent.record().logins_closed, 0);
}

void each_result_is_one_line_with_the_log_id(void**) {
  const FakeDaemon daemon;
  Syslog syslog;
  const std::string ticket = std::string(kSignInDigits) + "00112233aabbccdd";
  in_a_child([&ticket] { return log_in(ticket); });
  std::string log = syslog.take();
  for (const char* line :
       {"pam_cognito(sshd:session): login-binding success cause=opened user=alice "
        "id=00112233aabbccdd\n",
        "pam_cognito(sshd:session): login-binding success cause=closed user=alice "
        "id=00112233aabbccdd\n"})
    if (log.find(line) == std::string::npos) fail_msg("no %s in %s", line, log.c_str());
  in_a_child([&ticket] { return log_in(ticket, kSomebody); });
  log = syslog.take();
  assert_true(log.contains("login-binding failed cause=no-login-of-the-user user=alice id="));
  in_a_child([] { return log_in(""); });
  assert_text(syslog.take(), "");
}

// If the session is never opened, the ticket ends with the transaction.
void the_host_keeps_no_descriptor(void**) {
  const FakeDaemon daemon;
  in_a_child([]() -> std::string {
    enter_login_of(kCognitoUserUid);
    const int before = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)::close(before);
    Person person;
    Transaction transaction(kCognitoUser, &person);
    transaction.set_variable(assignment(kSignInDigits));
    if (transaction.open_session() != PAM_SUCCESS) return "not opened";
    const int after = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)::close(after);
    return unless(before == after, "a descriptor is left");
  });
}

bool audit_ids_can_be_set() {
  Child child([] {
    enter_login_of(kCognitoUserUid);
    return line_of("/proc/self/loginuid") == "1001" ? 0 : 1;
  });
  return child.wait() == 0;
}

}  // namespace

int main() {
  enter_sandbox();
  if (!audit_ids_can_be_set() || line_of("/proc/self/loginuid") == "1001") {
    print_message("SKIPPED: the kernel's audit ids cannot be set here\n");
    return kSkipped;
  }
  const CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_asked_in_the_users_own_login),
      cmocka_unit_test(under_the_user_manager_a_full_sign_in_is_asked),
      cmocka_unit_test(authentication_leaves_a_ticket),
      cmocka_unit_test(a_failed_sign_in_leaves_no_ticket),
      cmocka_unit_test(su_and_sudo_leave_no_ticket),
      cmocka_unit_test(the_login_is_opened_and_closed_once),
      cmocka_unit_test(another_process_opens_the_login_with_the_ticket),
      cmocka_unit_test(without_a_ticket_nothing_is_opened_or_closed),
      cmocka_unit_test(outside_a_login_of_the_user_nothing_is_opened),
      cmocka_unit_test(only_root_opens_and_closes),
      cmocka_unit_test(a_ticket_of_another_user_opens_nothing),
      cmocka_unit_test(another_users_login_is_not_closed),
      cmocka_unit_test(local_users_are_ignored_without_the_bus),
      cmocka_unit_test(faults_of_the_configuration_refuse_no_login),
      cmocka_unit_test(no_failure_of_cognitod_refuses_a_login),
      cmocka_unit_test(each_result_is_one_line_with_the_log_id),
      cmocka_unit_test(the_host_keeps_no_descriptor),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
