#include "tests/cli/setup_machine.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {

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
  return {
      "setup",           "--root",        g_root,           "--pool",      value("user_pool_id"),
      "--region",        value("region"), "--client",       client,        "--endpoint",
      value("endpoint"), "--issuer",      value("issuer"),  "--jwks-uri",  value("jwks_uri"),
      "--ca-file",       ca_file,         "--allow-groups", "linux-users", "--yes"};
}

std::string ca_file() {
  return g_ready["ca_file"].asString();
}

std::string config_path() {
  return g_root + "/etc/pam-cognito/cognitod.conf.d/10-pool.conf";
}

void write_below_root(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(g_root + path).parent_path());
  std::ofstream(g_root + path) << text;
}

// A program of the tree. It appends its name and arguments to /calls.
void write_program(const std::string& path, const std::string& script) {
  write_below_root(path, "#!/bin/sh\necho \"${0##*/} $*\" >>'" + g_root + "/calls'\n" + script);
  fs::permissions(g_root + path, fs::perms::owner_all);
}

// A machine with the packages, sshd and one administrator.
int fresh_machine(void**) {
  for (const char* folder : {"etc", "var", "usr", "run", "calls", "sys"})
    fs::remove_all(g_root + "/" + folder);
  for (const char* folder : {"/etc/pam-cognito/cognitod.conf.d", "/etc/ssh/sshd_config.d",
                             "/etc/pam.d", "/var/lib/pam", "/run", "/usr/share/pam-configs"})
    fs::create_directories(g_root + folder);
  write_below_root("/etc/passwd",
                   "root:x:0:0::/root:/bin/bash\nlocaladmin:x:1000:1000::/:/bin/bash\n"
                   "admin:x:1001:1001::/:/bin/bash\n");
  write_below_root("/etc/group", "root:x:0:\nsudo:x:27:localadmin\n");
  write_below_root("/etc/pam-cognito/cognitod.conf", "# mine\n");
  write_below_root("/etc/pam-cognito/users.conf", "# Mine.\n#group=cognito-users\nmin_uid=2000\n");
  write_below_root("/etc/pam.d/common-auth", "auth required pam_unix.so\n");
  write_below_root("/usr/share/pam-configs/pam-cognito", "Name: Cognito\n");
  write_program("/usr/sbin/sshd",
                "[ \"$1\" != -T ] || { echo usepam yes; echo kbdinteractiveauthentication yes\n"
                "echo passwordauthentication no; echo logingracetime 120; }\n");
  write_program("/usr/sbin/groupadd", "echo \"$2:x:990:\" >>'" + g_root + "/etc/group'\n");
  write_program("/usr/sbin/groupdel", "sed -i \"/^$1:/d\" '" + g_root + "/etc/group'\n");
  write_program("/usr/sbin/pam-auth-update", "echo 'auth [success=end] pam_cognito.so' >>'" +
                                                 g_root + "/etc/pam.d/common-auth'\n");
  write_program("/usr/libexec/pam-cognito-local-users", "");
  write_program("/usr/bin/systemctl", "");
  return 0;
}

std::string calls() {
  return read_file(g_root + "/calls");
}

// Every file below /etc and /var with its mode and content.
std::string tree() {
  std::vector<std::string> all;
  for (const char* folder : {"/etc", "/var"})
    for (const auto& entry : fs::recursive_directory_iterator(g_root + folder))
      if (entry.is_regular_file())
        all.push_back(entry.path().string() + " " +
                      std::to_string(static_cast<unsigned>(entry.status().permissions())) + "\n" +
                      read_file(entry.path()));
  std::ranges::sort(all);
  std::string text;
  for (const std::string& each : all) text += each + "\n";
  return text;
}

Finished set_up() {
  return run_cognitoctl(setup_with(g_ready["client_id"].asString(), ca_file()));
}

}  // namespace pamcognito::test
