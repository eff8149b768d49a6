// Users whom no local file names: the stored record decides in each phase, whether or not cognitod
// would sign them in. /etc/passwd of the sandbox answers for the name service.

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/break_glass.h"
#include "common/membership.h"
#include "common/users_conf.h"
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

constexpr char kZoe[] = "zoe.new";
constexpr uid_t kZoeUid = 0x70000000 + 455;
constexpr char kWide[] = "wide";  // a local user with a large uid
constexpr uid_t kWideUid = 70000;
constexpr char kHome[] = "/var/lib/homes/zoe.new";
constexpr char kConf[] = "[accounts]\nrange = 1879048192-2099999999\n";

void set_file(const std::string& image, mode_t mode = 0644) {
  (void)::unlink(accounts::kPath);
  write_file(accounts::kPath, image, mode);
}

void set_records(const std::vector<Stored>& records) {
  set_file(accounts_file(records));
}

void set_conf(const std::string& text, mode_t mode = 0644) {
  (void)::unlink(accounts::kConfPath);
  if (!text.empty()) write_file(accounts::kConfPath, text, mode);
}

int reset(void**) {
  (void)::chmod(accounts::kDirectory, 0755);
  (void)::chmod(accounts::kConfDirectory, 0755);
  set_conf(kConf);
  set_records({{kZoe, kZoeUid}, {"other.user", kZoeUid + 1}});
  set_users_conf(kUsersConf);
  write_file("/etc/shadow", "", 0600);
  return 0;
}

struct Codes {
  int authenticate;
  int account;
  int set_credentials;
  int change_password;
};

// Each phase in a transaction of its own.
void assert_codes(const char* user, const Codes& expected) {
  Person person{.answers = {"secret", "secret", "secret"}};
  assert_code(Transaction(user, &person).authenticate(), expected.authenticate);
  assert_code(Transaction(user, &person).account(), expected.account);
  assert_code(Transaction(user, &person).set_credentials(), expected.set_credentials);
  const RealUid itself(user == std::string(kZoe) ? kZoeUid : kWideUid);
  assert_code(Transaction(user, &person).change_password(), expected.change_password);
}

void assert_routes(const char* user, const Codes& expected, int session) {
  Person person;
  const Stack stack{.options = "route", .service = "su"};
  const RealUid itself(user == std::string(kZoe) ? kZoeUid : kWideUid);
  assert_code(Transaction(user, &person, stack).authenticate(), expected.authenticate);
  assert_code(Transaction(user, &person, stack).account(), expected.account);
  assert_code(Transaction(user, &person, stack).set_credentials(), expected.set_credentials);
  assert_code(Transaction(user, &person, stack).open_session(), session);
  assert_code(Transaction(user, &person, stack).close_session(), session);
  assert_code(Transaction(user, &person, stack).change_password(), expected.change_password);
}

constexpr Codes kLocal = {kIgnored, kIgnored, kIgnored, kIgnored};

// pam_sm_authenticate(3), pam_sm_acct_mgmt(3), pam_sm_setcred(3), pam_sm_chauthtok(3). By hand.
struct Refusal {
  const char* what;
  std::function<void()> make;
  Codes decide;
  Codes route;
  int route_session;
  const char* reason;
};

constexpr Codes kNoRecord = {PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_CRED_ERR, PAM_PERM_DENIED};
constexpr Codes kNoRecordRoute = {PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_AUTH_ERR, PAM_PERM_DENIED};
constexpr Codes kUnreadable = {PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_CRED_ERR, PAM_TRY_AGAIN};
constexpr Codes kUnreadableRoute = {PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_AUTH_ERR, PAM_TRY_AGAIN};
constexpr Codes kBadConf = {PAM_SERVICE_ERR, PAM_SERVICE_ERR, kIgnored, PAM_SERVICE_ERR};
constexpr Codes kBadConfRoute = {PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR,
                                 PAM_SERVICE_ERR};
constexpr char kOnlyRoot[] = "file and directory must be root's, and nobody else may write them";

std::vector<Refusal> refusals() {
  const auto no_record = [](const char* what, std::function<void()> make, const char* reason) {
    return Refusal{what, std::move(make), kNoRecord, kNoRecordRoute, PAM_PERM_DENIED, reason};
  };
  const auto unreadable = [](const char* what, std::function<void()> make, const char* reason) {
    return Refusal{what, std::move(make), kUnreadable, kUnreadableRoute, PAM_PERM_DENIED, reason};
  };
  const auto bad_conf = [](const char* what, std::function<void()> make, const char* reason) {
    return Refusal{what, std::move(make), kBadConf, kBadConfRoute, PAM_SERVICE_ERR, reason};
  };
  return {
      no_record(
          "an empty file", [] { set_records({}); }, "the user has no account"),
      no_record(
          "another name with the uid", [] { set_records({{"other.user", kZoeUid}}); },
          "the user has no account"),
      no_record(
          "another uid", [] { set_records({{kZoe, kZoeUid + 1}}); },
          "the account has uid 1879048648, and the name service says 1879048647"),
      {"a locked record",
       [] { set_records({{kZoe, kZoeUid, State::locked}}); },
       {PAM_AUTH_ERR, PAM_ACCT_EXPIRED, PAM_CRED_ERR, PAM_PERM_DENIED},
       {PAM_AUTH_ERR, PAM_ACCT_EXPIRED, PAM_AUTH_ERR, PAM_PERM_DENIED},
       PAM_ACCT_EXPIRED,
       "the account is locked"},
      unreadable(
          "no file", [] { (void)::unlink(accounts::kPath); }, "accounts.v1: ENOENT"),
      unreadable(
          "an empty file of 0 bytes", [] { set_file(""); }, "accounts.v1: is damaged"),
      unreadable(
          "a file cut short", [] { set_file(accounts_file({{kZoe, kZoeUid}}).substr(0, 150)); },
          "accounts.v1: is damaged"),
      // E22 of the attacks on the prototype: a damaged record looked like an unknown user.
      unreadable(
          "one byte of the name",
          [] {
            std::string image = accounts_file({{kZoe, kZoeUid}});
            image[image.find(kZoe)] = 'y';
            set_file(image);
          },
          "accounts.v1: is damaged"),
      unreadable(
          "a file that others may write", [] { set_file(accounts_file({{kZoe, kZoeUid}}), 0664); },
          kOnlyRoot),
      unreadable(
          "a file of another user", [] { assert_int_equal(::chown(accounts::kPath, 1, 0), 0); },
          kOnlyRoot),
      unreadable(
          "a directory that others may write",
          [] { assert_int_equal(::chmod(accounts::kDirectory, 0777), 0); }, kOnlyRoot),
      unreadable(
          "a symbolic link",
          [] {
            assert_int_equal(::rename(accounts::kPath, "/var/lib/elsewhere"), 0);
            assert_int_equal(::symlink("/var/lib/elsewhere", accounts::kPath), 0);
          },
          "accounts.v1: ELOOP"),
      unreadable(
          "a FIFO",
          [] {
            (void)::unlink(accounts::kPath);
            assert_int_equal(::mkfifo(accounts::kPath, 0644), 0);
          },
          kOnlyRoot),
      bad_conf(
          "a fault in accounts.conf", [] { set_conf("[accounts]\nrange = 5\n"); },
          "accounts.conf: a line has a fault, or the file is too large"),
      bad_conf(
          "accounts.conf that others may write", [] { set_conf(kConf, 0666); }, kOnlyRoot),
      bad_conf(
          "/etc/pam-cognito that others may write",
          [] { assert_int_equal(::chmod(accounts::kConfDirectory, 0777), 0); }, kOnlyRoot),
      {"exclude=",
       [] { set_users_conf("exclude=zoe.new\n"); },
       {PAM_PERM_DENIED, PAM_PERM_DENIED, kIgnored, PAM_PERM_DENIED},
       {PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},
       PAM_PERM_DENIED,
       "exclude= of users.conf names a user whose uid is in the range of accounts.conf"},
  };
}

void accept_everything(Peer& peer) {
  peer.ask(Purpose::password);
  peer.success();
}

// A cognitod that accepts everything is not even asked. So it is the same whether cognitod is up,
// stopped, masked or hanging.
void without_an_active_record_each_phase_refuses_and_asks_nobody(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon(accept_everything);
  for (const Refusal& refusal : refusals()) {
    print_message("%s\n", refusal.what);
    reset(nullptr);
    refusal.make();
    assert_codes(kZoe, refusal.decide);
    assert_routes(kZoe, refusal.route, refusal.route_session);
    Person person;
    // Not in the session phase, which refuses no login: the account phase comes before it.
    assert_code(Transaction(kZoe, &person).open_session(), kIgnored);
    assert_code(Transaction(kZoe, &person).close_session(), kIgnored);
    assert_code(Transaction(kZoe, &person, {.options = "emergency"}).authenticate(), PAM_AUTH_ERR);
  }
  assert_int_equal(daemon.record().opened, 0);
  assert_int_equal(daemon.record().changing, 0);
  assert_int_equal(daemon.record().checked, 0);
  assert_int_equal(daemon.record().logins_opened, 0);
}

void without_a_bus_the_refusals_are_the_same(void**) {
  for (const Refusal& refusal : refusals()) {
    print_message("%s\n", refusal.what);
    reset(nullptr);
    refusal.make();
    assert_codes(kZoe, refusal.decide);
  }
}

void the_reason_is_logged_once(void**) {
  for (const Refusal& refusal : refusals()) {
    if (refusal.decide.authenticate != PAM_AUTH_ERR) continue;
    reset(nullptr);
    refusal.make();
    Syslog syslog;
    Person person;
    Transaction transaction(kZoe, &person);
    (void)transaction.authenticate();
    (void)transaction.account();
    (void)transaction.set_credentials();
    const std::string lines = syslog.take();
    print_message("%s: %s", refusal.what, lines.c_str());
    const std::size_t first = lines.find(refusal.reason);
    assert_true(first != std::string::npos);
    assert_true(lines.find(refusal.reason, first + 1) == std::string::npos);
    assert_true(lines.contains("sign-in refused cause=account-record user=zoe.new: "));
  }
}

void an_active_record_leaves_the_decision_to_cognitod(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon(accept_everything);
  assert_routes(kZoe, {PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS}, PAM_SUCCESS);
  Person person{.answers = {"secret"}};
  Transaction transaction(kZoe, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_SUCCESS);
  assert_code(transaction.set_credentials(), PAM_SUCCESS);
  assert_string_equal(daemon.record().user.data(), kZoe);
  // A login by key.
  Transaction by_key(kZoe, &person);
  assert_code(by_key.account(), PAM_SUCCESS);
  assert_int_equal(daemon.record().checked, 2);
}

// A home that exists may have another user's keys and start files.
void only_an_own_home_is_used(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon(accept_everything);
  set_conf(std::string(kConf) + "home = /var/lib/homes/%u\n");
  struct Case {
    const char* what;
    std::function<void()> make;
    const char* reason;  // null: good
  };
  const auto make_home = [](uid_t owner, mode_t mode) {
    assert_int_equal(::mkdir(kHome, 0700), 0);
    assert_int_equal(::chown(kHome, owner, owner), 0);
    assert_int_equal(::chmod(kHome, mode), 0);
  };
  const std::vector<Case> cases = {
      {"none yet", [] {}, nullptr},
      {"no parent", [] { assert_int_equal(::rmdir("/var/lib/homes"), 0); }, nullptr},
      {"0700", [&] { make_home(kZoeUid, 0700); }, nullptr},
      {"0755", [&] { make_home(kZoeUid, 0755); }, nullptr},
      {"another user's", [&] { make_home(1001, 0700); }, "belongs to uid 1001"},
      {"root's", [&] { make_home(0, 0755); }, "belongs to uid 0"},
      {"the group can write", [&] { make_home(kZoeUid, 0770); }, "can be written by others"},
      {"all can write", [&] { make_home(kZoeUid, 0707); }, "can be written by others"},
      {"a file", [] { write_file(kHome, ""); }, "is no directory"},
      {"a symbolic link", [] { assert_int_equal(::symlink("/", kHome), 0); }, "is no directory"},
      {"a directory above that others can write",
       [] { assert_int_equal(::chmod("/var/lib/homes", 0777), 0); },
       "/var/lib/homes: can be written"},
      {"a directory above of another user",
       [&] {
         make_home(kZoeUid, 0700);
         assert_int_equal(::chown("/var/lib/homes", 1001, 1001), 0);
       },
       "/var/lib/homes: belongs to uid 1001"},
      {"a link in place of the directory above",
       [] {
         assert_int_equal(::rmdir("/var/lib/homes"), 0);
         assert_int_equal(::symlink("/", "/var/lib/homes"), 0);
       },
       "/var/lib/homes: is no directory"},
      {"a parent that is a file",
       [] {
         assert_int_equal(::rmdir("/var/lib/homes"), 0);
         write_file("/var/lib/homes", "");
       },
       "/var/lib/homes: is no directory"},
  };
  for (const Case& one : cases) {
    print_message("%s\n", one.what);
    assert_int_equal(::mkdir("/var/lib/homes", 0755), 0);
    one.make();
    Syslog syslog;
    Person person;
    assert_code(Transaction(kZoe, &person).account(),
                one.reason == nullptr ? PAM_SUCCESS : PAM_PERM_DENIED);
    const std::string lines = syslog.take();
    if (one.reason != nullptr &&
        !(lines.contains("account refused cause=account-home user=zoe.new: ") &&
          lines.contains(one.reason)))
      fail_msg("%s: %s", one.what, lines.c_str());
    (void)::unlink(kHome);
    (void)::rmdir(kHome);
    (void)::rmdir("/var/lib/homes");
    (void)::unlink("/var/lib/homes");
  }
}

// users.conf does not have to name the user, and cannot make the user a local one.
void users_conf_does_not_matter(void**) {
  for (const char* text : {"", "# nothing\n", "group=\n", "min_uid=2000000000\n", "oops=1\n"}) {
    set_users_conf(text);
    assert_int_equal(static_cast<int>(classify_user(kUsersConfPath, kZoe, nullptr)),
                     static_cast<int>(Membership::cognito_user));
  }
}

void a_lock_during_the_sign_in_counts(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon(accept_everything);
  Person person{.answers = {"secret"}};
  Transaction transaction(kZoe, &person, {.routed_after_auth = true});
  Transaction deciding(kZoe, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  person.answers = {"", "secret"};
  assert_code(deciding.authenticate(), PAM_SUCCESS);
  set_records({{kZoe, kZoeUid, State::locked}});
  assert_code(transaction.account(), PAM_ACCT_EXPIRED);
  assert_code(deciding.account(), PAM_ACCT_EXPIRED);
  assert_int_equal(daemon.record().checked, 0);
}

// The record of the transaction's user is exchanged for another one's meanwhile.
void another_uid_during_the_sign_in_is_refused(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon(accept_everything);
  Person person{.answers = {"secret"}};
  Transaction transaction(kZoe, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  set_records({{kZoe, kZoeUid + 7}});
  assert_code(transaction.account(), PAM_PERM_DENIED);
  assert_int_equal(daemon.record().checked, 0);
}

// The profile turns PAM_AUTHINFO_UNAVAIL into pam_unix, which accepts the account of a user without
// a line in /etc/shadow.
void a_local_password_never_counts(void**) {
  write_file("/etc/shadow", "zoe.new:$y$j9T$abc$def:20000:0:99999:7:::\n", 0600);
  Person person{.answers = {"secret", "secret"}};
  Transaction transaction(kZoe, &person, {.local_password = true});
  assert_code(transaction.authenticate(), PAM_AUTH_ERR);
  assert_code(transaction.account(), PAM_PERM_DENIED);
  assert_true(person.seen.contains("your account has no local password"));
  // Root has opened a window for everybody.
  (void)::mkdir(break_glass::kWindowDirectory, 0755);
  const break_glass::Now now = break_glass::now();
  write_file("/run/pam-cognito/break-glass",
             break_glass::format_window({.boot_id = now.boot_id,
                                         .end = now.boot_time + std::chrono::hours(1),
                                         .all = true,
                                         .users = {}}));
  Transaction in_window(kZoe, &person, {.local_password = true});
  assert_code(in_window.authenticate(), PAM_AUTH_ERR);
  assert_code(in_window.account(), PAM_PERM_DENIED);
  (void)::unlink("/run/pam-cognito/break-glass");
}

// An emergency sign-in of a local account whose uid comes into the range before the account phase.
void an_emergency_ends_when_the_uid_comes_into_the_range(void**) {
  set_conf("");
  set_users_conf("users=wide\n");
  Person person{.answers = {"secret"}};
  Transaction transaction(kWide, &person, {.local_password = true});
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_AUTHINFO_UNAVAIL);
  set_conf("[accounts]\nrange = 65536-80000\n");
  set_records({{kWide, kWideUid}});
  assert_code(transaction.account(), PAM_PERM_DENIED);
}

void only_uids_that_accounts_conf_can_name_depend_on_it(void**) {
  // Without accounts.conf nobody is in the range.
  set_conf("");
  assert_codes(kZoe, kLocal);
  assert_codes(kWide, kLocal);
  // Outside the range.
  set_conf(kConf);
  assert_codes(kWide, kLocal);
  set_conf("[accounts]\nrange = 65536-80000\n");
  assert_codes(kZoe, kLocal);
  assert_codes(kWide, kNoRecord);
  // The range is not known, so each uid of 65536 and more could be in it.
  set_conf("[accounts]\nrange = x\n");
  assert_codes(kWide, kBadConf);
  Person person;
  for (const char* user : {kLocalUser, "root", "daemon", "nobody", "admin", "nosuchuser"})
    assert_code(Transaction(user, &person).account(), kIgnored);
}

void a_local_line_in_the_range_is_no_local_user(void**) {
  set_records({});
  std::string reason;
  CognitoUser user;
  assert_int_equal(static_cast<int>(classify_user(kUsersConfPath, kZoe, &reason, &user)),
                   static_cast<int>(Membership::no_account));
  set_records({{kZoe, kZoeUid}});
  assert_int_equal(static_cast<int>(classify_user(kUsersConfPath, kZoe, &reason, &user)),
                   static_cast<int>(Membership::cognito_user));
  assert_int_equal(user.uid, kZoeUid);
  assert_true(user.in_range);
}

// A record of a name whose uid is outside the range makes nobody a Cognito user.
void a_record_of_a_local_name_changes_nothing(void**) {
  set_records({{kLocalUser, kZoeUid}, {"root", kZoeUid + 1}});
  Person person;
  for (const char* user : {kLocalUser, "root"}) {
    assert_code(Transaction(user, &person).authenticate(), kIgnored);
    assert_code(Transaction(user, &person).account(), kIgnored);
  }
}

}  // namespace

int main() {
  enter_sandbox();
  if (::mount("tmpfs", "/var/lib", "tmpfs", MS_NOSUID, "mode=0755") != 0 ||
      ::mkdir(accounts::kDirectory, 0755) != 0)
    return kSkipped;
  write_file("/etc/passwd",
             "root:x:0:0::/:/bin/sh\n"
             "daemon:x:999:999::/:/bin/sh\n"
             "alice:x:1001:1001::/:/bin/sh\n"
             "bob:x:1002:1002::/:/bin/sh\n"
             "admin:x:1010:1010::/:/bin/sh\n"
             "nobody:x:65534:65534::/:/bin/sh\n"
             "wide:x:70000:70000::/:/bin/sh\n"
             "zoe.new:x:1879048647:1879048647::/:/bin/sh\n");
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(without_an_active_record_each_phase_refuses_and_asks_nobody, reset),
      cmocka_unit_test_setup(without_a_bus_the_refusals_are_the_same, reset),
      cmocka_unit_test_setup(the_reason_is_logged_once, reset),
      cmocka_unit_test_setup(an_active_record_leaves_the_decision_to_cognitod, reset),
      cmocka_unit_test_setup(only_an_own_home_is_used, reset),
      cmocka_unit_test_setup(users_conf_does_not_matter, reset),
      cmocka_unit_test_setup(a_lock_during_the_sign_in_counts, reset),
      cmocka_unit_test_setup(another_uid_during_the_sign_in_is_refused, reset),
      cmocka_unit_test_setup(a_local_password_never_counts, reset),
      cmocka_unit_test_setup(an_emergency_ends_when_the_uid_comes_into_the_range, reset),
      cmocka_unit_test_setup(only_uids_that_accounts_conf_can_name_depend_on_it, reset),
      cmocka_unit_test_setup(a_local_line_in_the_range_is_no_local_user, reset),
      cmocka_unit_test_setup(a_record_of_a_local_name_changes_nothing, reset),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
