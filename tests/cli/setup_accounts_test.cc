#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/cli/setup_machine.h"
#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"
#include "tests/module/sandbox.h"

// `cognitoctl setup --accounts` against cognito-pool over HTTPS.
namespace pamcognito::test {
namespace {

constexpr char kNsswitchFile[] = "/etc/nsswitch.conf";

Finished set_up_accounts(const std::string& pattern = "*.*") {
  auto arguments = setup_with(g_ready["client_id"].asString(), ca_file());
  arguments.insert(arguments.end(), {"--accounts", pattern, "--sudo-group", "linux-admins"});
  return run_cognitoctl(arguments);
}

void install_library(const std::string& nsswitch) {
  write_below_root("/usr/lib/x86_64-linux-gnu/libnss_cognitod.so.2", "ELF");
  write_below_root("/usr/libexec/cognitod-accounts", "ELF");
  write_below_root(kNsswitchFile, nsswitch);
}

void users_without_local_accounts_are_set_up(void**) {
  install_library("# Mine.\npasswd: files sss # local first\ngroup:\tfiles winbind\nhosts: dns\n");
  write_below_root("/etc/sudoers", "gone.user ALL=(ALL) ALL\n");
  const Finished finished = set_up_accounts();
  if (finished.status != 0) fail_msg("%s", finished.output.c_str());
  assert_true(finished.output.contains("gone.user (/etc/sudoers)"));
  assert_true(finished.output.contains("a name like *.*. The first login makes the account."));
  assert_text(read_file(g_root + kNsswitchFile),
              "# Mine.\npasswd: files cognitod sss # local first\n"
              "group:\tfiles [SUCCESS=merge] cognitod winbind\nhosts: dns\n");
  const std::string conf = read_file(g_root + "/etc/pam-cognito/accounts.conf");
  assert_true(conf.contains("\n[accounts]\nnames = *.*\n"));
  assert_true(conf.contains("\npool = "));
  assert_true(conf.contains("\n[groups]\nsudo = linux-admins\ncognito-users = *\n"));
  assert_true(fs::exists(g_root + "/var/lib/pam-cognito-accounts/accounts.v1"));
  const fs::path key = g_root + "/etc/pam-cognito/fleet.key";
  assert_true(fs::status(key).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  const std::string before = tree();
  const Finished again = set_up_accounts();
  assert_true(again.output.contains("Nothing to change"));
  assert_text(tree(), before);
  // Without the options, what was set stays.
  assert_true(set_up().output.contains("Nothing to change"));
  const Finished added = run_cognitoctl({"users", "add", "ann.lee", "--root", g_root});
  if (added.status != 0) fail_msg("%s", added.output.c_str());
}

void undo_restores_the_name_service_and_keeps_the_key(void**) {
  install_library("passwd: files systemd\ngroup: files systemd\n");
  assert_int_equal(set_up_accounts().status, 0);
  const std::string key = read_file(g_root + "/etc/pam-cognito/fleet.key");
  assert_int_equal(run_cognitoctl({"setup", "--root", g_root, "--undo"}).status, 0);
  assert_text(read_file(g_root + kNsswitchFile), "passwd: files systemd\ngroup: files systemd\n");
  assert_false(fs::exists(g_root + "/etc/pam-cognito/accounts.conf"));
  assert_text(read_file(g_root + "/etc/pam-cognito/fleet.key"), key);
}

// Another package has added its service since: no part of the file is taken back.
void undo_keeps_services_that_came_later(void**) {
  install_library("passwd: files\ngroup: files\n");
  assert_int_equal(set_up_accounts().status, 0);
  write_below_root(kNsswitchFile, "passwd: files cognitod sss\ngroup: files cognitod sss\n");
  const Finished undone = run_cognitoctl({"setup", "--root", g_root, "--undo"});
  assert_int_equal(undone.status, 1);
  assert_true(undone.output.contains("nsswitch.conf was changed after setup"));
  assert_text(read_file(g_root + kNsswitchFile),
              "passwd: files cognitod sss\ngroup: files cognitod sss\n");
}

void accounts_that_cannot_be_set_up_change_nothing(void**) {
  const auto refused = [](const char* reason, const std::string& pattern = "*.*") {
    const std::string before = tree();
    const Finished finished = set_up_accounts(pattern);
    assert_int_not_equal(finished.status, 0);
    if (!finished.output.contains(reason)) fail_msg("%s: %s", reason, finished.output.c_str());
    assert_text(tree(), before);
  };
  refused("cognitod-accounts is not installed");
  write_below_root("/usr/libexec/cognitod-accounts", "");
  refused("cognitod-accounts is not installed");
  fs::remove(g_root + "/usr/libexec/cognitod-accounts");
  install_library("passwd: files [NOTFOUND=return] sss\ngroup: files\n");
  refused("the line passwd of /etc/nsswitch.conf has another action");
  install_library("passwd: files\ngroup: files\n");
  refused("fits names of users that a package may create", "*");
  write_below_root("/etc/pam-cognito/accounts.conf", "[accounts]\nrange = 5\n");
  refused("correct /etc/pam-cognito/accounts.conf first");
  fs::remove(g_root + "/etc/pam-cognito/accounts.conf");
  write_below_root("/elsewhere", "passwd: files\ngroup: files\n");
  fs::remove(g_root + kNsswitchFile);
  fs::create_symlink(g_root + "/elsewhere", g_root + kNsswitchFile);
  refused("is a symbolic link");
  fs::remove(g_root + kNsswitchFile);
  refused("/etc/nsswitch.conf cannot be read");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  if (::geteuid() != 0) return kSkipped;
  const auto fresh = [](const char* name, CMUnitTestFunction function) {
    return CMUnitTest{name, function, &fresh_machine, nullptr, nullptr};
  };
  const CMUnitTest tests[] = {
      fresh("users_without_local_accounts_are_set_up", &users_without_local_accounts_are_set_up),
      fresh("undo_restores_the_name_service_and_keeps_the_key",
            &undo_restores_the_name_service_and_keeps_the_key),
      fresh("undo_keeps_services_that_came_later", &undo_keeps_services_that_came_later),
      fresh("accounts_that_cannot_be_set_up_change_nothing",
            &accounts_that_cannot_be_set_up_change_nothing),
  };
  return cmocka_run_group_tests_name("cognitoctl setup --accounts", tests, &start_pool, &stop_pool);
}
