#include "tests/cli/machine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "accounts/keeper.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The lines of a block of conf/pam-cognito, such as "Auth".
std::vector<std::string> profile_block(const std::string& name) {
  std::istringstream profile(read_file(PAM_COGNITO_TEST_CONF "/pam-cognito"));
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(profile, line);) {
    const bool indented = line.starts_with('\t') || line.starts_with(' ');
    if (!indented) inside = line == name + ":";
    if (indented && inside) lines.push_back(line.substr(line.find_first_not_of("\t ")));
  }
  return lines;
}

// The stack that pam-auth-update(8) makes of Primary blocks: `end` jumps over the rest of them and
// pam_deny.
std::string primary_stack(const std::string& type, std::vector<std::string> lines,
                          const std::string& pam_unix) {
  lines.push_back(pam_unix);
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string line = lines[i];
    if (const std::size_t end = line.find("=end"); end != std::string::npos)
      line.replace(end + 1, 3, std::to_string(lines.size() - i));
    text.append(type).append("\t").append(line).append("\n");
  }
  return text + type + "\trequisite\tpam_deny.so\n" + type + "\trequired\tpam_permit.so\n";
}

// The properties that `systemctl show` is asked for, those alone.
std::string show(const std::map<std::string, std::string>& unit,
                 const std::vector<std::string>& arguments) {
  constexpr char kProperty[] = "--property=";
  std::string text;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with(kProperty)) continue;
    std::istringstream keys(argument.substr(sizeof(kProperty) - 1));
    for (std::string key; std::getline(keys, key, ',');)
      if (const auto found = unit.find(key); found != unit.end())
        text.append(key).append("=").append(found->second).append("\n");
  }
  return text;
}

// The output of `systemctl show` of systemd 257 for the shipped unit.
std::map<std::string, std::string> shipped_unit() {
  std::map<std::string, std::string> unit = {
      {"LoadState", "loaded"},
      {"NeedDaemonReload", "no"},
      {"User", "cognitod"},
      {"DynamicUser", "no"},
      {"FileDescriptorStoreMax", "2"},
      {"FileDescriptorStorePreserve", "restart"},
      {"LimitMEMLOCK", "67108864"},
      {"WatchdogUSec", "2min"},
      {"Restart", "on-failure"},
      {"CapabilityBoundingSet", ""},
      {"AmbientCapabilities", ""},
      {"LimitCORE", "0"},
      {"MemorySwapMax", "0"},
      {"UMask", "0077"},
      {"StateDirectoryMode", "0700"},
      {"ProtectSystem", "strict"},
      {"ProtectProc", "invisible"},
      {"ProcSubset", "pid"},
      {"NoExecPaths", "/"},
      {"RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"},
      {"ExecPaths", "-/usr/libexec/cognitod /usr/lib/x86_64-linux-gnu -/usr/lib64 -/usr/bin/kill"},
      {"IPAddressAllow", ""},
      {"IPAddressDeny", "169.254.169.254/32 224.0.0.0/4 fd00:ec2::254/128 ff00::/8"},
      {"SystemCallArchitectures", "native"},
      {"SystemCallErrorNumber", "1"},
      {"SystemCallFilter", "brk close epoll_wait memfd_create mmap pipe pipe2 read write"},
  };
  for (const char* key :
       {"NoNewPrivileges", "ProtectHome", "PrivateUsers", "PrivateTmp", "PrivateDevices",
        "PrivateMounts", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs",
        "ProtectControlGroups", "ProtectHostname", "ProtectClock", "RestrictNamespaces",
        "RestrictRealtime", "RestrictSUIDSGID", "RemoveIPC", "LockPersonality",
        "MemoryDenyWriteExecute"})
    unit[key] = "yes";
  return unit;
}

class MachineSystem final : public cli::System {
 public:
  MachineSystem(const std::string& root, const std::map<std::string, std::string>& sshd,
                const std::map<std::string, std::string>& unit, const std::string& unit_files,
                const std::set<std::string>& sudoers, bool host_key, const std::string& local_users)
      : System(root),
        sshd_(sshd),
        unit_(unit),
        unit_files_(unit_files),
        sudoers_(sudoers),
        host_key_(host_key),
        local_users_(local_users) {}

  std::expected<std::string, cli::ProgramError> run(
      const std::vector<std::string>& arguments) const override {
    using enum cli::ProgramError::Kind;
    const std::string& program = arguments.front();
    if (program.ends_with("systemd-creds")) {
      if (!host_key_) return std::unexpected(cli::ProgramError(failed, "systemd-creds failed"));
      return "s3cret";
    }
    if (program.ends_with("pam-cognito-local-users")) return local_users_;
    if (program.ends_with("/sudo")) return sudo(arguments);
    if (program.ends_with("systemctl")) {
      if (unit_.empty()) return std::unexpected(cli::ProgramError(failed, "systemctl failed"));
      if (arguments[1] == "cat") return unit_files_;
      if (arguments.back() == "--property=Version") return "252.39-1~deb12u2\n";
      return show(unit_, arguments);
    }
    if (sshd_.empty()) return std::unexpected(cli::ProgramError(not_run, "sshd is not installed"));
    std::string text;
    for (const auto& [key, value] : sshd_) text.append(key).append(" ").append(value).append("\n");
    return text;
  }

 private:
  // sudo -n -l -U USER -u root /bin/sh
  std::expected<std::string, cli::ProgramError> sudo(
      const std::vector<std::string>& arguments) const {
    using enum cli::ProgramError::Kind;
    if (!status(arguments.front()))
      return std::unexpected(cli::ProgramError(not_run, "sudo is not installed"));
    const std::vector<std::string> question = {"-n", "-l", "-U"};
    if (arguments.size() != 8 ||
        !std::equal(question.begin(), question.end(), arguments.begin() + 1))
      return std::unexpected(cli::ProgramError(failed, "sudo is not asked about a user"));
    const std::string& user = arguments[4];
    if (sudoers_.contains("(hangs for) " + user))
      return std::unexpected(cli::ProgramError(timed_out, "sudo did not end within 5 s"));
    if (!sudoers_.contains(user)) return std::unexpected(cli::ProgramError(failed, "sudo failed"));
    return "/bin/sh\n";
  }

  const std::map<std::string, std::string>& sshd_;
  const std::map<std::string, std::string>& unit_;
  const std::string& unit_files_;
  const std::set<std::string>& sudoers_;
  bool host_key_;
  const std::string& local_users_;
};

}  // namespace

Machine::Machine()
    : sshd_{{"kbdinteractiveauthentication", "yes"},
            {"usepam", "yes"},
            {"passwordauthentication", "no"},
            {"logingracetime", "120"},
            {"permitrootlogin", "without-password"}},
      unit_(shipped_unit()) {
  char directory[] = "/tmp/cognitoctl-machine-XXXXXX";
  assert_non_null(::mkdtemp(directory));
  root_ = directory;
  write("/etc/passwd",
        "root:x:0:0::/root:/bin/sh\ncognitod:x:990:990::/:/usr/sbin/nologin\n"
        "admin:x:1000:1000::/:/bin/sh\nalice:x:1001:1001::/:/bin/sh\nbob:x:1002:1002::/:/bin/sh\n");
  write("/etc/group", "root:x:0:\nsudo:x:27:admin\ncognito-users:x:2000:alice\n");
  write("/etc/shadow", "root:*:1::::::\nadmin:$y$x:1::::::\nalice:!:1::::::\nbob:$y$x:1::::::\n",
        0640);
  write("/usr/bin/sudo", "ELF", 04755);
  write("/etc/nsswitch.conf",
        "passwd: files cognitod systemd\ngroup: files [SUCCESS=merge] cognitod systemd\n");
  write("/etc/pam-cognito/users.conf", "group=cognito-users\nexclude=admin\n");
  write("/etc/pam-cognito/cognitod.conf",
        "[pool]\nregion = eu-west-1\nuser_pool_id = eu-west-1_Example\n"
        "client_id = 1example23456789\n[access]\nallow_groups = linux-users\n");
  write("/usr/share/dbus-1/system.d/org.pamcognito.Auth1.conf",
        read_file(PAM_COGNITO_TEST_CONF "/org.pamcognito.Auth1.conf"));
  write("/usr/share/dbus-1/system-services/org.pamcognito.Auth1.service",
        read_file(PAM_COGNITO_TEST_CONF "/org.pamcognito.Auth1.service.in"));
  write("/usr/lib/systemd/system/cognitod.service",
        read_file(PAM_COGNITO_TEST_CONF "/../systemd/cognitod.service.in"));
  write("/usr/lib/x86_64-linux-gnu/security/pam_cognito.so", "ELF");
  write("/var/lib/cognitod/known-users.db", "SQLite format 3");
  chown("/var/lib/cognitod", 990);
  chmod("/var/lib/cognitod", 0700);

  write("/etc/pam.d/common-auth",
        primary_stack("auth", profile_block("Auth"),
                      "[success=end default=ignore]\tpam_unix.so nullok"));
  write("/etc/pam.d/common-account",
        primary_stack("account", profile_block("Account"),
                      "[success=end new_authtok_reqd=done default=ignore]\tpam_unix.so"));
  write("/etc/pam.d/common-password",
        primary_stack("password", profile_block("Password"),
                      "[success=end default=ignore]\tpam_unix.so obscure use_authtok yescrypt"));
  const std::string session = "session\trequired\tpam_unix.so\n";
  write("/etc/pam.d/common-session", session + "session\toptional\tpam_cognito.so\n");
  const std::string all =
      "@include common-auth\n@include common-account\n@include common-session\n"
      "@include common-password\n";
  for (const char* service : {"sshd", "sudo", "login"})
    write("/etc/pam.d/" + std::string(service), all);
  write("/etc/pam.d/su", "auth sufficient pam_rootok.so\n" + all);
  write("/etc/pam.d/passwd", "@include common-password\n");
}

Machine::~Machine() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

// One account that no local file names.
void Machine::add_accounts() {
  write("/etc/pam-cognito/accounts.conf", "[accounts]\nnames = *.*\n");
  write("/etc/pam-cognito/fleet.key", std::string(64, '5') + "\n", 0600);
  write("/proc/self/uid_map", "0 0 4294967295\n");
  auto keeper = accounts::Keeper::open(root_, true);
  assert_true(keeper.has_value());
  accounts::AddOptions options;
  options.uid = 1900000001;
  assert_true(keeper->add("ann.lee", options).has_value());
}

void Machine::write(const std::string& path, const std::string& text, mode_t mode) {
  const std::filesystem::path file = root_ + path;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::trunc) << text;
  chmod(path, mode);
}

std::string Machine::text(const std::string& path) const {
  return read_file(root_ + path);
}

void Machine::replace(const std::string& path, const std::string& from, const std::string& to) {
  std::string changed = text(path);
  const std::size_t at = changed.find(from);
  if (at == std::string::npos) fail_msg("%s does not hold: %s", path.c_str(), from.c_str());
  for (std::size_t i = at; i != std::string::npos; i = changed.find(from, i + to.size()))
    changed.replace(i, from.size(), to);
  write(path, changed);
}

void Machine::remove(const std::string& path) {
  std::filesystem::remove_all(root_ + path);
}

void Machine::chmod(const std::string& path, mode_t mode) {
  assert_int_equal(::chmod((root_ + path).c_str(), mode), 0);
}

void Machine::chown(const std::string& path, uid_t uid) {
  assert_int_equal(::chown((root_ + path).c_str(), uid, uid), 0);
}

cli::Findings Machine::findings() const {
  const MachineSystem system(root_, sshd_, unit_, unit_files_, sudoers_, host_key_, local_users_);
  cli::ConfigCheck config = cli::check_config(system);
  cli::Findings all = std::move(config.findings);
  for (cli::Findings some :
       {cli::check_bus_policy(system), cli::check_users(system), cli::check_name_service(system),
        cli::check_accounts(system), cli::check_directory(system), cli::check_pam_module(system),
        cli::check_pam(system), cli::check_services(system, config.config.get()),
        cli::check_sshd(system, config.config.get()), cli::check_permissions(system),
        cli::check_unit(system), cli::check_break_glass(system, cli::check_users(system))})
    for (cli::Finding& finding : some) all.push_back(std::move(finding));
  return all;
}

}  // namespace pamcognito::test
