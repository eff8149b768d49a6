#include <json/json.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cli/setup_machine.h"
#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"

// `cognitoctl setup` and the pool's part of `doctor` against cognito-pool over HTTPS.
namespace pamcognito::test {
namespace {

void a_machine_is_set_up(void**) {
  const Finished finished = set_up();
  if (finished.status != 0) print_error("%s", finished.output.c_str());
  assert_int_equal(finished.status, 0);
  const std::string text = read_file(config_path());
  assert_true(text.contains("user_pool_id = " + g_ready["user_pool_id"].asString() + "\n"));
  assert_true(text.contains("allow_groups = linux-users\n"));
  assert_true(text.contains("[service sshd]\n"));
  assert_true(text.contains("sign_in_timeout = 290s\n"));
  assert_text(read_file(g_root + "/etc/pam-cognito/cognitod.conf"), "# mine\n");
  assert_text(read_file(g_root + "/etc/pam-cognito/users.conf"),
              "# Mine.\n#group=cognito-users\nmin_uid=2000\ngroup=cognito-users\n"
              "exclude=admin localadmin\n");
  assert_true(read_file(g_root + "/etc/ssh/sshd_config.d/50-pam-cognito.conf")
                  .contains("LoginGraceTime 300\n"));
  assert_true(read_file(g_root + "/etc/pam.d/common-auth").contains("pam_cognito.so"));
  assert_true(read_file(g_root + "/etc/group").contains("cognito-users:x:990:\n"));
  assert_true(calls().contains("systemctl restart cognitod.service\n"));
  assert_true(calls().contains("systemctl try-reload-or-restart ssh.service\n"));
  assert_true(finished.output.contains("(exclude= in users.conf): admin, localadmin."));
  assert_true(finished.output.contains("Keep this shell open until a login has worked."));
}

void a_second_run_changes_nothing(void**) {
  assert_int_equal(set_up().status, 0);
  const std::string before = tree();
  const Finished again = set_up();
  assert_int_equal(again.status, 0);
  assert_true(again.output.contains("Nothing to change: this machine is set up."));
  assert_text(tree(), before);
}

// The JSON of a dry run, a run, a second run, a refused one and an undo.
void setup_prints_json(void**) {
  auto arguments = setup_with(g_ready["client_id"].asString(), ca_file());
  arguments.emplace_back("--json");
  auto dry = arguments;
  dry.emplace_back("--dry-run");
  auto wrong = setup_with("1wrong23456789", ca_file());
  wrong.emplace_back("--json");
  const std::vector<std::string> undo = {"setup", "--root", g_root, "--undo", "--json"};
  std::string text;
  for (const auto& command : {dry, arguments, arguments, wrong, undo, undo})
    text += transcript_of(command, run_cognitoctl(command)) + "\n";
  static const std::regex port("(127\\.0\\.0\\.1:)[0-9]+");
  for (std::size_t at = 0; (at = text.find(g_root, at)) != std::string::npos;)
    text.replace(at, g_root.size(), "/machine");
  assert_golden("setup", std::regex_replace(text, port, "$018443"));
}

void undo_brings_everything_back(void**) {
  const std::string before = tree();
  assert_int_equal(set_up().status, 0);
  // A second run with another group of Cognito is undone with the first one.
  auto arguments = setup_with(g_ready["client_id"].asString(), ca_file());
  *(arguments.end() - 2) = "linux-admins";
  assert_int_equal(run_cognitoctl(arguments).status, 0);
  assert_true(read_file(config_path()).contains("allow_groups = linux-admins\n"));
  const Finished undone = run_cognitoctl({"setup", "--root", g_root, "--undo"});
  assert_int_equal(undone.status, 0);
  assert_true(undone.output.contains("As before: /etc/pam-cognito/users.conf"));
  assert_true(calls().contains("systemctl try-restart cognitod.service\n"));
  assert_text(tree(), before);
  assert_true(
      run_cognitoctl({"setup", "--root", g_root, "--undo"}).output.contains("Nothing to undo"));
}

// The second run does not reach its end. A change by the administrator between the two stays.
void undo_of_a_killed_run_loses_no_earlier_change(void**) {
  assert_int_equal(set_up().status, 0);
  std::ofstream(g_root + "/etc/pam-cognito/users.conf", std::ios::app) << "users=bob\n";
  const std::string before = read_file(g_root + "/etc/pam-cognito/users.conf");
  write_program("/usr/bin/systemctl", "kill -KILL $PPID\n");
  auto arguments = setup_with(g_ready["client_id"].asString(), ca_file());
  *(arguments.end() - 2) = "linux-admins";
  assert_int_equal(run_cognitoctl(arguments).status, -1);
  write_program("/usr/bin/systemctl", "");
  const Finished undone = run_cognitoctl({"setup", "--root", g_root, "--undo"});
  assert_int_equal(undone.status, 1);
  assert_true(undone.output.contains("users.conf was changed after setup"));
  assert_text(read_file(g_root + "/etc/pam-cognito/users.conf"), before);
  assert_true(read_file(config_path()).contains("allow_groups = linux-users\n"));
}

void a_template_refuses_what_a_shell_would_read(void**) {
  const Finished finished = run_cognitoctl(
      {"setup", "--print", "ansible", "--pool", "x'; reboot '", "--client", "1example23456789"});
  assert_int_equal(finished.status, 2);
  assert_false(finished.output.contains("cognitoctl setup --pool"));
}

void undo_loses_no_later_change(void**) {
  assert_int_equal(set_up().status, 0);
  std::ofstream(g_root + "/etc/pam-cognito/users.conf", std::ios::app) << "users=bob\n";
  const std::string before = tree();
  const Finished undone = run_cognitoctl({"setup", "--root", g_root, "--undo"});
  assert_int_equal(undone.status, 1);
  assert_true(undone.output.contains("users.conf was changed after setup"));
  assert_text(tree(), before);
}

void a_dry_run_changes_nothing(void**) {
  const std::string before = tree();
  auto arguments = setup_with(g_ready["client_id"].asString(), ca_file());
  arguments.emplace_back("--dry-run");
  const Finished finished = run_cognitoctl(arguments);
  assert_int_equal(finished.status, 0);
  assert_true(finished.output.contains("Setup would take these steps:"));
  assert_text(tree(), before);
  assert_false(calls().contains("systemctl"));
}

void without_a_terminal_it_needs_yes(void**) {
  const std::string before = tree();
  auto arguments = setup_with(g_ready["client_id"].asString(), ca_file());
  arguments.pop_back();
  const Finished finished = run_cognitoctl(arguments);
  assert_int_equal(finished.status, 2);
  assert_true(finished.output.contains("give --yes"));
  assert_text(tree(), before);
}

// Each program fails once, in one run each.
void a_failed_step_takes_all_steps_back(void**) {
  for (const char* program : {"/usr/sbin/groupadd", "/usr/sbin/pam-auth-update",
                              "/usr/libexec/pam-cognito-local-users", "/usr/bin/systemctl"}) {
    (void)fresh_machine(nullptr);
    write_program(program, "exit 1\n");
    const std::string before = tree();
    const Finished finished = set_up();
    assert_int_equal(finished.status, 1);
    if (!finished.output.contains("Every step was taken back"))
      fail_msg("%s: %s", program, finished.output.c_str());
    if (tree() != before)
      fail_msg("%s: %s\n--- before\n%s", program, tree().c_str(), before.c_str());
  }
}

void an_sshd_that_another_file_overrides_is_a_failure(void**) {
  write_program("/usr/sbin/sshd",
                "[ \"$1\" != -T ] || { echo usepam yes; echo kbdinteractiveauthentication yes\n"
                "echo passwordauthentication yes; echo logingracetime 120; }\n");
  const std::string before = tree();
  const Finished finished = set_up();
  assert_int_equal(finished.status, 1);
  assert_true(finished.output.contains("passwordauthentication no"));
  assert_text(tree(), before);
}

// The signal comes from a program of the step, so it is there before the step ends. `when`: of
// which of its calls. The program may end by the same signal.
void a_signal_takes_all_steps_back(void**) {
  struct Moment {
    const char* program;
    const char* when;
  };
  for (const auto& [program, when] :
       {Moment{"/usr/sbin/sshd", "-t"}, Moment{"/usr/sbin/groupadd", "--system"},
        Moment{"/usr/libexec/pam-cognito-local-users", ""},
        Moment{"/usr/sbin/pam-auth-update", "--enable"}, Moment{"/usr/bin/systemctl", "restart"},
        Moment{"/usr/bin/systemctl", "try-reload-or-restart"}})
    for (const char* name : {"INT", "TERM", "HUP"})
      for (const char* end : {"exit 0", "exit 130"}) {
        (void)fresh_machine(nullptr);
        // Only once, so that the undoing is not interrupted.
        write_below_root(program, read_file(g_root + program) + "[ -e '" + g_root +
                                      "/run/sent' ] || [ \"$1\" != '" + when + "' ] || { touch '" +
                                      g_root + "/run/sent'; kill -" + name + " $PPID; " + end +
                                      "; }\nexit 0\n");
        const std::string before = tree();
        const Finished finished = set_up();
        assert_int_equal(finished.status, 1);
        if (!finished.output.contains("interrupted by a signal. Every step was taken back"))
          fail_msg("%s %s %s: %s", program, when, name, finished.output.c_str());
        if (tree() != before) fail_msg("%s %s %s: %s", program, when, name, tree().c_str());
      }
}

// Killed while each program runs, the machine is as before after `--undo`, and after the next run's
// own undoing, too.
void a_killed_run_is_undone(void**) {
  for (const char* program : {"/usr/sbin/groupadd", "/usr/sbin/pam-auth-update",
                              "/usr/libexec/pam-cognito-local-users", "/usr/bin/systemctl"}) {
    (void)fresh_machine(nullptr);
    const std::string good = read_file(g_root + program);
    const std::string before = tree();
    write_program(program, "kill -KILL $PPID\n");
    assert_int_equal(set_up().status, -1);
    write_below_root(program, good);
    // A line that the machine did not finish writing.
    std::ofstream(g_root + "/var/lib/pam-cognito-setup/log", std::ios::app) << "file 3 64";
    const Finished undone = run_cognitoctl({"setup", "--root", g_root, "--undo"});
    assert_int_equal(undone.status, 0);
    if (tree() != before)
      fail_msg("%s: %s\n--- before\n%s", program, tree().c_str(), before.c_str());

    write_program(program, "kill -KILL $PPID\n");
    assert_int_equal(set_up().status, -1);
    write_below_root(program, good);
    const Finished again = set_up();
    assert_int_equal(again.status, 0);
    assert_true(again.output.contains("An earlier run did not reach its end"));
    assert_int_equal(run_cognitoctl({"setup", "--root", g_root, "--undo"}).status, 0);
    if (tree() != before) fail_msg("%s: %s", program, tree().c_str());
  }
}

void a_symbolic_link_is_not_changed(void**) {
  fs::remove(g_root + "/etc/pam-cognito/users.conf");
  write_below_root("/elsewhere", "min_uid=2000\n");
  fs::create_symlink(g_root + "/elsewhere", g_root + "/etc/pam-cognito/users.conf");
  const Finished finished = set_up();
  assert_int_equal(finished.status, 1);
  assert_true(finished.output.contains("symbolic link"));
  assert_text(read_file(g_root + "/elsewhere"), "min_uid=2000\n");
  assert_false(fs::exists(config_path()));
  fs::remove(g_root + "/elsewhere");
}

void a_file_of_the_administrator_is_copied(void**) {
  std::ofstream(config_path()) << "# mine\n";
  assert_int_equal(set_up().status, 0);
  assert_text(read_file(config_path() + ".bak-1"), "# mine\n");
}

void an_invalid_users_conf_is_reported(void**) {
  std::ofstream(g_root + "/etc/pam-cognito/users.conf") << "usrs=alice\n";
  const std::string before = tree();
  const Finished finished = set_up();
  assert_int_equal(finished.status, 1);
  assert_true(finished.output.contains("correct users.conf first"));
  assert_text(tree(), before);
}

void only_root_may(void**) {
  const Finished finished = run_cognitoctl({"setup", "--undo"}, "", 1000);
  assert_int_equal(finished.status, 8);
  assert_true(finished.output.contains("Run as root: sudo cognitoctl setup --undo"));
}

void a_template_is_printed(void**) {
  for (const char* form : {"cloud-init", "ansible"}) {
    const Finished finished =
        run_cognitoctl({"setup", "--print", form, "--pool", "eu-west-1_Example", "--client",
                        "1example23456789", "--allow-groups", "linux-users"});
    assert_int_equal(finished.status, 0);
    assert_true(finished.output.contains(
        "cognitoctl setup --pool 'eu-west-1_Example' --client '1example23456789' --allow-groups "
        "'linux-users' --yes\n"));
  }
}

std::string policy_path() {
  return g_root + "/etc/pam-cognito/break-glass.conf";
}

// The policy after a run of setup; empty: there is none.
std::string chosen_policy() {
  (void)run_cognitoctl({"setup", "--root", g_root, "--undo"});
  fs::remove(policy_path());
  assert_int_equal(run_cognitoctl(setup_with(g_ready["client_id"].asString(), ca_file())).status,
                   0);
  return read_file(policy_path());
}

void only_a_window_where_nobody_sits(void**) {
  const std::string seat = "/run/systemd/seats/seat0";
  write_below_root(seat, "IS_SEAT0=1\nCAN_TTY=1\nCAN_GRAPHICAL=0\n");
  assert_true(chosen_policy().ends_with("\nlocal_password = window\n"));
  write_below_root(seat, "IS_SEAT0=1\nCAN_TTY=1\nCAN_GRAPHICAL=1\n");
  assert_text(chosen_policy(), "");
  write_below_root("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  assert_true(chosen_policy().ends_with("\nlocal_password = window\n"));
  // A file of the administrator stays.
  std::ofstream(policy_path()) << "local_password = never\n";
  assert_int_equal(run_cognitoctl(setup_with(g_ready["client_id"].asString(), ca_file())).status,
                   0);
  assert_text(read_file(policy_path()), "local_password = never\n");
  fs::remove(policy_path());
}

Finished break_glass(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"break-glass", "--root", g_root});
  return run_cognitoctl(arguments);
}

void a_window_is_opened_and_closed(void**) {
  const std::string window = g_root + "/run/pam-cognito/break-glass";
  fs::create_directories(g_root + "/run");
  for (const char* time : {"59s", "25h", "1441min", "0h", "-1h", "2", "h", "2hours"})
    assert_int_equal(break_glass({"open", "--for", time, "--all"}).status, 2);
  assert_int_equal(break_glass({"open", "--for", "2h"}).status, 2);
  assert_int_equal(break_glass({"open", "--for", "2h", "--all", "--user", "alice"}).status, 2);
  assert_int_equal(break_glass({"open", "--for", "2h", "--user", "a b"}).status, 2);
  assert_int_equal(break_glass({"open", "--all"}).status, 2);
  assert_false(fs::exists(window));
  assert_int_equal(break_glass({"open", "--for", "2h", "--user", "alice", "--user", "bob"}).status,
                   0);
  assert_true(read_file(window).ends_with("\nusers=alice bob\n"));
  assert_true(break_glass({"status"}).output.contains(" for alice, bob"));
  assert_int_equal(break_glass({"open", "--for", "1min", "--all"}).status, 0);
  assert_true(read_file(window).ends_with("\nusers=*\n"));
  assert_true(break_glass({"close"}).output.contains("is closed"));
  assert_false(fs::exists(window));
  assert_true(break_glass({"close"}).output.contains("No window was open"));
  std::ofstream(policy_path()) << "local_password = never\n";
  assert_int_equal(break_glass({"open", "--for", "2h", "--all"}).status, 1);
  std::ofstream(policy_path()) << "local_password = maybe\n";
  assert_int_equal(break_glass({"open", "--for", "2h", "--all"}).status, 1);
  assert_int_equal(break_glass({"status"}).status, 1);
  assert_false(fs::exists(window));
  fs::remove(policy_path());
}

void an_unknown_client_is_not_written(void**) {
  const std::string before = tree();
  const Finished finished = run_cognitoctl(setup_with("0nosuchclient", ca_file()));
  assert_int_equal(finished.status, 1);
  assert_true(finished.output.contains("0nosuchclient does not exist"));
  assert_text(tree(), before);
}

void unchecked_writes_it_all_the_same(void**) {
  auto arguments = setup_with("0nosuchclient", ca_file());
  arguments.emplace_back("--unchecked");
  assert_int_equal(run_cognitoctl(arguments).status, 0);
  assert_true(read_file(config_path()).contains("client_id = 0nosuchclient\n"));
}

void a_certificate_that_is_not_trusted_is_named(void**) {
  const Finished finished = run_cognitoctl(
      setup_with(g_ready["client_id"].asString(), "/etc/ssl/certs/ca-certificates.crt"));
  assert_int_equal(finished.status, 1);
  assert_true(finished.output.contains("the user pool's certificate is trusted"));
  assert_false(fs::exists(config_path()));
}

void a_client_with_a_secret_needs_it_on_the_machine(void**) {
  const std::string before = tree();
  const Finished refused = run_cognitoctl(setup_with("2cognitopool3secret4id56", ca_file()));
  assert_int_equal(refused.status, 1);
  assert_true(refused.output.contains("systemd-creds encrypt --name=client_secret"));
  assert_true(refused.output.contains("Nothing was changed."));
  assert_text(tree(), before);
  write_below_root("/etc/credstore.encrypted/cognitod.client_secret", "encrypted");
  const Finished finished = run_cognitoctl(setup_with("2cognitopool3secret4id56", ca_file()));
  assert_int_equal(finished.status, 0);
  assert_false(finished.output.contains("has a secret"));
  assert_false(read_file(config_path()).contains("secret ="));
}

// From each users.conf, on a machine with a screen and on one without.
void a_second_run_has_no_steps_whatever_was_there(void**) {
  const std::string users = "/etc/pam-cognito/users.conf";
  for (const char* text :
       {"", "# nothing", "group=cognito-users", "group\t=\n", "group = \nexclude =\n",
        "exclude=bob\n", "exclude=admin localadmin\n", "users=localadmin\n",
        "uid_range=1000-2000\ngroup=cognito-users\n", "group=staff\n"})
    for (const char* graphical : {"0", "1"}) {
      (void)fresh_machine(nullptr);
      if (*text == '\0')
        fs::remove(g_root + users);
      else
        write_below_root(users, text);
      write_below_root("/run/systemd/seats/seat0",
                       "CAN_GRAPHICAL=" + std::string(graphical) + "\n");
      if (set_up().status != 0) fail_msg("\"%s\": %s", text, set_up().output.c_str());
      const std::string before = tree();
      const Finished again = set_up();
      if (again.status != 0 || !again.output.contains("Nothing to change"))
        fail_msg("\"%s\": %s", text, again.output.c_str());
      assert_text(tree(), before);
    }
}

void a_later_run_excludes_nobody(void**) {
  assert_int_equal(set_up().status, 0);
  const std::string users = g_root + "/etc/pam-cognito/users.conf";
  // The administrator takes a name out, and gives sudo to another user.
  write_below_root("/etc/pam-cognito/users.conf", "group=cognito-users\nexclude=admin\n");
  write_below_root("/etc/group", "sudo:x:27:localadmin,bob\ncognito-users:x:990:\n");
  std::ofstream(g_root + "/etc/passwd", std::ios::app) << "bob:x:1003:1003::/:/bin/bash\n";
  const Finished again = set_up();
  assert_int_equal(again.status, 0);
  assert_true(again.output.contains("Nothing to change"));
  assert_text(read_file(users), "group=cognito-users\nexclude=admin\n");
}

void a_member_by_primary_group_is_not_excluded(void**) {
  write_below_root("/etc/passwd",
                   "root:x:0:0::/root:/bin/bash\nlocaladmin:x:2000:990::/:/bin/sh\n");
  write_below_root("/etc/group", "sudo:x:27:localadmin\ncognito-users:x:990:\n");
  const Finished finished = set_up();
  assert_int_equal(finished.status, 0);
  assert_false(read_file(g_root + "/etc/pam-cognito/users.conf").contains("exclude="));
  assert_true(finished.output.contains("Sign in with Cognito (group cognito-users): localadmin."));
  assert_true(finished.output.contains("from another machine: ssh localadmin@"));
}

void the_command_for_an_account_is_printed(void**) {
  const std::string command = "useradd --create-home --shell /bin/bash --groups cognito-users NAME";
  assert_true(set_up().output.contains(command));
  assert_true(set_up().output.contains(command));  // also if there is nothing to change
  write_below_root("/etc/group", "sudo:x:27:localadmin\ncognito-users:x:990:alice,admin\n");
  std::ofstream(g_root + "/etc/passwd", std::ios::app) << "alice:x:2002:2002::/:/bin/bash\n";
  const Finished again = set_up();
  assert_true(again.output.contains(
      "Sign in with Cognito (group cognito-users): alice."));  // admin is excluded
  assert_false(again.output.contains("useradd"));
}

void what_is_not_given_is_asked_for(void**) {
  // The last questions: client and groups. A name that is not answered in time is none.
  auto arguments = setup_with("x", ca_file());
  arguments.erase(arguments.begin() + 7, arguments.begin() + 9);
  arguments.erase(arguments.end() - 3, arguments.end() - 1);
  const Finished finished =
      run_cognitoctl(arguments, g_ready["client_id"].asString() + "\nlinux-admins\n");
  assert_int_equal(finished.status, 0);
  assert_true(finished.output.contains("App client id: "));
  assert_true(read_file(config_path()).contains("allow_groups = linux-admins\n"));
}

void a_value_cannot_smuggle_a_line_in(void**) {
  auto arguments = setup_with("x\n[access]\nallow_users = *", ca_file());
  assert_int_equal(run_cognitoctl(arguments).status, 2);
  assert_false(fs::exists(config_path()));
}

void doctor_asks_the_pool(void**) {
  assert_int_equal(run_cognitoctl(setup_with(g_ready["client_id"].asString(), ca_file())).status,
                   0);
  const Finished finished = run_cognitoctl({"doctor", "--json", "--root", g_root});
  Json::Value report;
  std::istringstream(finished.output) >> report;
  assert_int_equal(finished.status, 5);  // the tree holds nothing but the configuration
  int good = 0;
  for (const Json::Value& check : report["checks"])
    if (check["id"].asString().starts_with("pool-") && check["state"] == "ok") ++good;
  if (good != 5) print_error("%s", finished.output.c_str());
  assert_int_equal(good, 5);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  if (::geteuid() != 0) return 77;  // the configuration must be root's
  const auto fresh = [](const char* name, CMUnitTestFunction function) {
    return CMUnitTest{name, function, &fresh_machine, nullptr, nullptr};
  };
  const CMUnitTest tests[] = {
      fresh("a_machine_is_set_up", &a_machine_is_set_up),
      fresh("a_second_run_changes_nothing", &a_second_run_changes_nothing),
      fresh("setup_prints_json", &setup_prints_json),
      fresh("undo_brings_everything_back", &undo_brings_everything_back),
      fresh("undo_loses_no_later_change", &undo_loses_no_later_change),
      fresh("undo_of_a_killed_run_loses_no_earlier_change",
            &undo_of_a_killed_run_loses_no_earlier_change),
      fresh("a_template_refuses_what_a_shell_would_read",
            &a_template_refuses_what_a_shell_would_read),
      fresh("a_dry_run_changes_nothing", &a_dry_run_changes_nothing),
      fresh("without_a_terminal_it_needs_yes", &without_a_terminal_it_needs_yes),
      fresh("a_failed_step_takes_all_steps_back", &a_failed_step_takes_all_steps_back),
      fresh("an_sshd_that_another_file_overrides_is_a_failure",
            &an_sshd_that_another_file_overrides_is_a_failure),
      fresh("a_signal_takes_all_steps_back", &a_signal_takes_all_steps_back),
      fresh("a_killed_run_is_undone", &a_killed_run_is_undone),
      fresh("a_symbolic_link_is_not_changed", &a_symbolic_link_is_not_changed),
      fresh("a_file_of_the_administrator_is_copied", &a_file_of_the_administrator_is_copied),
      fresh("an_invalid_users_conf_is_reported", &an_invalid_users_conf_is_reported),
      fresh("only_root_may", &only_root_may),
      fresh("a_template_is_printed", &a_template_is_printed),
      fresh("only_a_window_where_nobody_sits", &only_a_window_where_nobody_sits),
      fresh("a_window_is_opened_and_closed", &a_window_is_opened_and_closed),
      fresh("an_unknown_client_is_not_written", &an_unknown_client_is_not_written),
      fresh("unchecked_writes_it_all_the_same", &unchecked_writes_it_all_the_same),
      fresh("a_certificate_that_is_not_trusted_is_named",
            &a_certificate_that_is_not_trusted_is_named),
      fresh("a_client_with_a_secret_needs_it_on_the_machine",
            &a_client_with_a_secret_needs_it_on_the_machine),
      fresh("a_second_run_has_no_steps_whatever_was_there",
            &a_second_run_has_no_steps_whatever_was_there),
      fresh("a_later_run_excludes_nobody", &a_later_run_excludes_nobody),
      fresh("a_member_by_primary_group_is_not_excluded",
            &a_member_by_primary_group_is_not_excluded),
      fresh("the_command_for_an_account_is_printed", &the_command_for_an_account_is_printed),
      fresh("what_is_not_given_is_asked_for", &what_is_not_given_is_asked_for),
      fresh("a_value_cannot_smuggle_a_line_in", &a_value_cannot_smuggle_a_line_in),
      fresh("doctor_asks_the_pool", &doctor_asks_the_pool),
  };
  return cmocka_run_group_tests_name("setup", tests, &start_pool, &stop_pool);
}
