#include <fcntl.h>
#include <json/json.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"
#include "tests/module/sandbox.h"

// `cognitoctl setup` and the pool's part of `doctor` against cognito-pool over HTTPS.
namespace pamcognito::test {
namespace {

namespace fs = std::filesystem;

std::string g_root;
Child g_pool;
Json::Value g_ready;

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

int stop_pool(void**) {
  g_pool.signal(SIGTERM);
  (void)g_pool.wait();
  std::error_code ignored;
  fs::remove_all(g_root, ignored);
  return 0;
}

int start_pool(void**) {
  char directory[] = "/tmp/cognitoctl-setup-XXXXXX";
  assert_non_null(::mkdtemp(directory));
  g_root = directory;
  fs::create_directories(g_root + "/etc/pam-cognito");
  const std::string state = g_root + "/pool";
  g_pool = Child([&state] {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)::dup2(nowhere, STDOUT_FILENO);
    (void)::execl(PAM_COGNITO_TEST_POOL, "cognito-pool", "--state", state.c_str(), "--seed",
                  PAM_COGNITO_TEST_SEED, nullptr);
    return 127;
  });
  // The pool creates this file when it listens.
  constexpr int tries = 6000;
  for (int i = 0; i < tries && !fs::exists(state + "/ready.json"); ++i) (void)::usleep(10'000);
  if (!fs::exists(state + "/ready.json")) {
    (void)stop_pool(nullptr);
    fail_msg("waited in vain for cognito-pool");
  }
  std::istringstream(read_file(state + "/ready.json")) >> g_ready;
  return 0;
}

std::vector<std::string> setup_with(const std::string& client, const std::string& ca_file) {
  const auto value = [](const char* key) { return g_ready[key].asString(); };
  return {"setup",           "--root",        g_root,           "--pool",     value("user_pool_id"),
          "--region",        value("region"), "--client",       client,       "--endpoint",
          value("endpoint"), "--issuer",      value("issuer"),  "--jwks-uri", value("jwks_uri"),
          "--ca-file",       ca_file,         "--allow-groups", "linux-users"};
}

std::string ca_file() {
  return g_ready["ca_file"].asString();
}

std::string config_path() {
  return g_root + "/etc/pam-cognito/cognitod.conf";
}

int no_configuration(void**) {
  for (const auto& entry : fs::directory_iterator(g_root + "/etc/pam-cognito"))
    fs::remove(entry.path());
  return 0;
}

void a_good_pool_is_written(void**) {
  const Finished finished = run_cognitoctl(setup_with(g_ready["client_id"].asString(), ca_file()));
  if (finished.status != 0) print_error("%s", finished.output.c_str());
  assert_int_equal(finished.status, 0);
  const std::string text = read_file(config_path());
  assert_true(text.contains("user_pool_id = " + g_ready["user_pool_id"].asString() + "\n"));
  assert_true(text.contains("allow_groups = linux-users\n"));
  assert_false(fs::exists(config_path() + ".bak-1"));
  assert_false(fs::exists(config_path() + ".new"));
  assert_true(finished.output.contains("pam-auth-update --enable pam-cognito"));
}

void every_old_configuration_is_kept(void**) {
  std::string last;
  constexpr int runs = 5;
  for (int i = 1; i <= runs; ++i) {
    // An admin adds a line to what setup wrote the last time.
    const std::string edited = last + "# mine, " + std::to_string(i) + "\n";
    std::ofstream(config_path()) << edited;
    const Finished finished =
        run_cognitoctl(setup_with(g_ready["client_id"].asString(), ca_file()));
    assert_int_equal(finished.status, 0);
    const std::string backup = config_path() + ".bak-" + std::to_string(i);
    assert_true(finished.output.contains("the old one is " + backup + "\n"));
    assert_text(read_file(backup), edited);
    last = read_file(config_path());
  }
  for (int i = 1; i <= runs; ++i)
    assert_true(read_file(config_path() + ".bak-" + std::to_string(i))
                    .contains("# mine, " + std::to_string(i) + "\n"));
}

// A copy that an older version made is the admin's, too.
void an_older_copy_stays(void**) {
  std::ofstream(config_path()) << "# mine\n";
  std::ofstream(config_path() + ".bak") << "# older\n";
  std::ofstream(config_path() + ".bak-1") << "# old\n";
  const Finished finished = run_cognitoctl(setup_with(g_ready["client_id"].asString(), ca_file()));
  assert_int_equal(finished.status, 0);
  assert_text(read_file(config_path() + ".bak"), "# older\n");
  assert_text(read_file(config_path() + ".bak-1"), "# old\n");
  assert_text(read_file(config_path() + ".bak-2"), "# mine\n");
}

std::string policy_path() {
  return g_root + "/etc/pam-cognito/break-glass.conf";
}

void write_below_root(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(g_root + path).parent_path());
  std::ofstream(g_root + path) << text;
}

// The policy after a run of setup; empty: there is none.
std::string chosen_policy() {
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
  std::ofstream(config_path()) << "# mine\n";
  const Finished finished = run_cognitoctl(setup_with("0nosuchclient", ca_file()));
  assert_int_equal(finished.status, 1);
  assert_true(finished.output.contains("0nosuchclient does not exist"));
  assert_text(read_file(config_path()), "# mine\n");
  assert_false(fs::exists(config_path() + ".new"));
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

void a_client_with_a_secret_is_told_where_it_belongs(void**) {
  const Finished finished = run_cognitoctl(setup_with("2cognitopool3secret4id56", ca_file()));
  assert_int_equal(finished.status, 0);
  assert_true(finished.output.contains("systemd-creds encrypt --name=client_secret"));
  assert_false(read_file(config_path()).contains("secret ="));
}

void what_is_not_given_is_asked_for(void**) {
  // The last questions: client and groups. A name that is not answered in time is none.
  auto arguments = setup_with("x", ca_file());
  arguments.erase(arguments.begin() + 7, arguments.begin() + 9);
  arguments.resize(arguments.size() - 2);
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
    return CMUnitTest{name, function, &no_configuration, nullptr, nullptr};
  };
  const CMUnitTest tests[] = {
      fresh("a_good_pool_is_written", &a_good_pool_is_written),
      fresh("every_old_configuration_is_kept", &every_old_configuration_is_kept),
      fresh("an_older_copy_stays", &an_older_copy_stays),
      fresh("only_a_window_where_nobody_sits", &only_a_window_where_nobody_sits),
      fresh("a_window_is_opened_and_closed", &a_window_is_opened_and_closed),
      fresh("an_unknown_client_is_not_written", &an_unknown_client_is_not_written),
      fresh("unchecked_writes_it_all_the_same", &unchecked_writes_it_all_the_same),
      fresh("a_certificate_that_is_not_trusted_is_named",
            &a_certificate_that_is_not_trusted_is_named),
      fresh("a_client_with_a_secret_is_told_where_it_belongs",
            &a_client_with_a_secret_is_told_where_it_belongs),
      fresh("what_is_not_given_is_asked_for", &what_is_not_given_is_asked_for),
      fresh("a_value_cannot_smuggle_a_line_in", &a_value_cannot_smuggle_a_line_in),
      fresh("doctor_asks_the_pool", &doctor_asks_the_pool),
  };
  return cmocka_run_group_tests_name("setup", tests, &start_pool, &stop_pool);
}
