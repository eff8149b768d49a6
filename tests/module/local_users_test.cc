// The shipped program pam-cognito-local-users, with the accounts of the sandbox.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>

#include "tests/module/check.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito::test;

constexpr char kList[] = "/etc/pam-cognito/local-users";
constexpr char kNew[] = "/etc/pam-cognito/local-users.new";
constexpr char kAccountsConf[] = "/etc/pam-cognito/accounts.conf";
constexpr char kEverybody[] = "admin\nbob\ndynamic\nnobody\n";

struct Ran {
  int status = -1;
  std::string said;
};

Ran run(const char* option = nullptr, const char* user = nullptr) {
  int ends[2];
  assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
  Child child([&] {
    (void)::dup2(ends[1], STDOUT_FILENO);
    (void)::dup2(ends[1], STDERR_FILENO);
    ::execl(PAM_COGNITO_TEST_LOCAL_USERS, "pam-cognito-local-users", option, user, nullptr);
    return 127;
  });
  (void)::close(ends[1]);
  Ran ran;
  std::array<char, 512> part;
  ssize_t got = 0;
  while ((got = ::read(ends[0], part.data(), part.size())) > 0)
    ran.said.append(part.data(), static_cast<std::size_t>(got));
  (void)::close(ends[0]);
  ran.status = child.wait();
  return ran;
}

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct stat status_of(const char* path) {
  struct stat status{};
  assert_int_equal(::lstat(path, &status), 0);
  return status;
}

void append(const char* path, const char* line) {
  std::ofstream(path, std::ios::app) << line;
}

// While an object of this type exists, NSS cannot read /etc/group.
class BrokenGroups {
 public:
  BrokenGroups() {
    assert_int_equal(::rename("/etc/group", "/etc/group.away"), 0);
    assert_int_equal(::symlink("group", "/etc/group"), 0);
  }
  BrokenGroups(const BrokenGroups&) = delete;
  BrokenGroups& operator=(const BrokenGroups&) = delete;
  ~BrokenGroups() {
    (void)::unlink("/etc/group");
    (void)::rename("/etc/group.away", "/etc/group");
  }
};

int accounts(void**) {
  write_file("/etc/passwd",
             "root:x:0:0::/:/bin/sh\n"
             "daemon:x:999:999::/:/bin/sh\n"
             "nobody:x:65534:65534::/:/bin/sh\n"
             "alice:x:1001:1001::/:/bin/sh\n"
             "bob:x:1002:1002::/:/bin/sh\n"
             "carol:x:1003:2000::/:/bin/sh\n"
             "dave$:x:1004:1004::/:/bin/sh\n"
             "two words:x:1005:1005::/:/bin/sh\n"
             "admin:x:1010:1010::/:/bin/sh\n"
             "dynamic:x:61184:61184::/:/bin/sh\n");
  write_file("/etc/group", "cognito-users:x:2000:alice,admin\n");
  set_users_conf(kUsersConf);
  (void)::unlink(kList);
  (void)::unlink(kNew);
  return 0;
}

void local_accounts_without_cognito_users_are_listed(void**) {
  assert_text(run("--check").said.substr(0, 8), "missing ");
  const Ran ran = run();
  assert_text(ran.said, "");
  assert_int_equal(ran.status, 0);
  assert_text(text_of(kList), kEverybody);
  const struct stat status = status_of(kList);
  assert_int_equal(status.st_mode, S_IFREG | 0644);
  assert_int_equal(status.st_uid, 0);
  assert_int_equal(status.st_gid, 0);
  assert_int_equal(::access(kNew, F_OK), -1);
}

void without_users_conf_every_account_is_local(void**) {
  set_users_conf("");
  assert_int_equal(run().status, 0);
  assert_text(text_of(kList), "admin\nalice\nbob\ncarol\ndynamic\nnobody\n");
}

void the_list_follows_the_accounts(void**) {
  assert_int_equal(run().status, 0);
  append("/etc/passwd", "erin:x:1020:1020::/:/bin/sh\n");
  assert_text(run("--check").said, "add erin\n");
  assert_text(text_of(kList), kEverybody);
  assert_int_equal(run().status, 0);
  assert_text(text_of(kList), "admin\nbob\ndynamic\nerin\nnobody\n");
  write_file("/etc/group", "cognito-users:x:2000:alice,admin,bob\n");
  assert_text(run("--check").said, "remove bob\n");
  assert_int_equal(run().status, 0);
  assert_text(text_of(kList), "admin\ndynamic\nerin\nnobody\n");
  assert_text(run("--check").said, "");
}

void a_current_list_is_not_rewritten(void**) {
  assert_int_equal(run().status, 0);
  const struct stat before = status_of(kList);
  assert_int_equal(run().status, 0);
  const struct stat after = status_of(kList);
  assert_int_equal(before.st_ino, after.st_ino);
  assert_int_equal(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

// The list keeps its users except Cognito users, and nobody is added.
void a_failed_look_up_adds_nobody(void**) {
  write_file(kList, "admin\nbob\nerin\n");
  set_users_conf("group=cognito-users\nusers=erin\n");
  append("/etc/passwd", "erin:x:1020:1020::/:/bin/sh\n");
  {
    const BrokenGroups broken;
    assert_text(run("--check").said,
                "undecided the look-up of the group cognito-users failed: ELOOP\nremove erin\n");
    const Ran ran = run();
    assert_int_equal(ran.status, 1);
    assert_true(ran.said.contains("nobody was added"));
    assert_text(text_of(kList), "admin\nbob\n");
  }
  set_users_conf("usrs=erin\n");
  assert_int_equal(run().status, 1);
  assert_text(text_of(kList), "admin\nbob\n");
  set_users_conf("group=gone\n");
  assert_int_equal(run().status, 1);
  assert_text(text_of(kList), "admin\nbob\n");
  set_users_conf(kUsersConf);
  assert_int_equal(::rename("/etc/passwd", "/etc/passwd.away"), 0);
  assert_int_equal(run().status, 1);
  assert_text(text_of(kList), "admin\nbob\n");
}

// An attacker may have written the names, so none is kept, and pam_listfile must not use the list
// any longer.
void an_unsafe_list_is_replaced(void**) {
  write_file(kList, "alice\nbob\n", 0666);
  assert_text(run("--check").said.substr(0, 7), "unsafe ");
  {
    const BrokenGroups broken;
    assert_int_equal(run().status, 1);
    assert_text(text_of(kList), "");
  }
  assert_int_equal(status_of(kList).st_mode, S_IFREG | 0644);
  assert_int_equal(run().status, 0);
  assert_text(text_of(kList), kEverybody);

  write_file("/etc/elsewhere", "alice\n");
  (void)::unlink(kList);
  assert_int_equal(::symlink("/etc/elsewhere", kList), 0);
  assert_int_equal(::symlink("/etc/elsewhere", kNew), 0);
  assert_int_equal(run().status, 0);
  assert_true(S_ISREG(status_of(kList).st_mode));
  assert_text(text_of(kList), kEverybody);
  assert_text(text_of("/etc/elsewhere"), "alice\n");
}

void the_class_of_a_user_is_printed(void**) {
  assert_text(run("--class", "alice").said, "cognito alice\n");  // by the group's list
  assert_text(run("--class", "carol").said, "cognito carol\n");  // by the primary group
  assert_text(run("--class", "bob").said, "local bob\n");
  assert_text(run("--class", "daemon").said, "local daemon\n");
  assert_text(run("--class", "root").said, "local root\n");
  {
    const BrokenGroups broken;
    assert_true(run("--class", "bob").said.starts_with("refused "));
  }
  set_users_conf("grup=x\nexclude=bob\n");
  assert_true(run("--class", "alice").said.starts_with("refused alice "));
  assert_text(run("--class", "bob").said, "local bob\n");
  set_users_conf("uid_range=1001-1010\n");
  assert_text(run("--class", "dave$").said, "cognito dave$\n");  // pam_cognito refuses this name
  assert_int_equal(run("--class").status, 2);
  assert_int_equal(::access(kList, F_OK), -1);
}

// A line of /etc/passwd whose uid is in the range of accounts.conf: pam_cognito refuses the user,
// so a local password must not count either.
void a_uid_in_the_range_is_not_local(void**) {
  write_file(kAccountsConf, "[accounts]\nrange = 65536-70000\n");
  append("/etc/passwd", "wide:x:70000:70000::/:/bin/sh\n");
  append("/etc/passwd", "wider:x:70001:70001::/:/bin/sh\n");
  assert_int_equal(run().status, 0);
  assert_text(text_of(kList), std::string(kEverybody) + "wider\n");
  assert_text(run("--class", "wide").said, "cognito wide\n");
  // The range is unknown: nobody is added, and users who cannot be in a range stay.
  write_file(kAccountsConf, "[accounts]\nrange = 7\n");
  assert_int_equal(run().status, 1);
  assert_text(text_of(kList), std::string(kEverybody) + "wider\n");
  assert_true(run("--class", "wide").said.starts_with("refused wide "));
  assert_text(run("--class", "bob").said, "local bob\n");
  assert_int_equal(::unlink(kAccountsConf), 0);
  assert_int_equal(run().status, 0);
  assert_text(text_of(kList), std::string(kEverybody) + "wide\nwider\n");
}

void an_untrusted_directory_gets_no_list(void**) {
  assert_int_equal(::chmod("/etc/pam-cognito", 0777), 0);
  const Ran ran = run();
  assert_int_equal(::chmod("/etc/pam-cognito", 0755), 0);
  assert_int_equal(ran.status, 1);
  assert_true(ran.said.contains("only root can write"));
  assert_int_equal(::access(kList, F_OK), -1);
}

void unknown_arguments_are_a_usage_error(void**) {
  assert_int_equal(run("--help").status, 2);
  assert_int_equal(::access(kList, F_OK), -1);
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(local_accounts_without_cognito_users_are_listed, accounts),
      cmocka_unit_test_setup(without_users_conf_every_account_is_local, accounts),
      cmocka_unit_test_setup(the_list_follows_the_accounts, accounts),
      cmocka_unit_test_setup(a_current_list_is_not_rewritten, accounts),
      cmocka_unit_test_setup(a_failed_look_up_adds_nobody, accounts),
      cmocka_unit_test_setup(an_unsafe_list_is_replaced, accounts),
      cmocka_unit_test_setup(the_class_of_a_user_is_printed, accounts),
      cmocka_unit_test_setup(a_uid_in_the_range_is_not_local, accounts),
      cmocka_unit_test_setup(an_untrusted_directory_gets_no_list, accounts),
      cmocka_unit_test_setup(unknown_arguments_are_a_usage_error, accounts),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
