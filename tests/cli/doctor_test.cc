#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "accounts/directory_list.h"
#include "accounts/keeper.h"
#include "common/database.h"
#include "common/fd.h"
#include "tests/cli/machine.h"
#include "tests/cli/planted_faults.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using cli::Finding;
using cli::State;

constexpr char kAccount[] = "/etc/pam.d/common-account";
constexpr char kUnit[] = "/usr/lib/systemd/system/cognitod.service";
constexpr char kConfig[] = "/etc/pam-cognito/cognitod.conf";

void print(const cli::Findings& findings) {
  for (const Finding& finding : findings)
    if (finding.state != State::ok)
      print_error("%s %s: %s\n", std::string(to_string(finding.state)).c_str(), finding.id.c_str(),
                  finding.what.c_str());
}

void a_good_machine_has_no_fault(void**) {
  const Machine machine;
  const cli::Findings findings = machine.findings();
  const auto faults = std::ranges::count(findings, State::fault, &Finding::state);
  if (faults > 0) print(findings);
  assert_int_equal(faults, 0);
  assert_true(findings.size() >= 30);
}

void accounts_without_a_fault_have_no_finding(void**) {
  Machine machine;
  machine.add_accounts();
  // Rights of users who exist, and of names that cannot get an account.
  machine.write("/etc/sudoers", "ann.lee ALL=(ALL) ALL\n%sudo ALL=ALL\ngone ALL=ALL\n", 0440);
  machine.write("/etc/ssh/sshd_config", "Match User ann.lee,alice\n");
  machine.write("/etc/subuid", "alice:100000:65536\n");
  machine.write("/home/ann.lee/.profile", "");
  machine.chown("/home/ann.lee", 1900000001);
  machine.write("/home/alice/.profile", "");
  machine.chown("/home/alice", 1001);
  // As after a login of the largest uid.
  machine.write("/var/log/lastlog", "");
  std::filesystem::resize_file(machine.root() + "/var/log/lastlog", 292UL * 2099999999);
  unsigned checks = 0;
  for (const Finding& finding : machine.findings()) {
    if (!finding.id.starts_with("accounts-")) continue;
    if (finding.id == "accounts-lastlog") assert_true(finding.what.contains("571 GiB"));
    ++checks;
    if (finding.state != State::ok) fail_msg("%s: %s", finding.id.c_str(), finding.what.c_str());
    if (finding.id == "accounts-fleet-key") assert_true(finding.what.contains("fingerprint"));
  }
  assert_int_equal(checks, 12);
}

void each_planted_fault_is_named(void**) {
  for (const Planted& planted : all_planted()) {
    Machine machine;
    machine.add_accounts();
    planted.plant(machine);
    const cli::Findings findings = machine.findings();
    const auto found = std::ranges::find_if(findings, [&](const Finding& finding) {
      return finding.id == planted.id && finding.state == planted.state;
    });
    if (found == findings.end()) {
      print(findings);
      fail_msg("not found: %s (%s)", planted.name, planted.id);
    }
    assert_false(found->what.empty());
    assert_false(found->remedy.empty());
  }
}

// An instance metadata service in a process of its own, which answers everything with `answer`.
class Metadata {
 public:
  explicit Metadata(const std::string& answer) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    assert_int_equal(::bind(listener.get(), place, size), 0);
    assert_int_equal(::listen(listener.get(), 8), 0);
    assert_int_equal(::getsockname(listener.get(), place, &size), 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    child_ = ::fork();
    assert_true(child_ >= 0);
    if (child_ != 0) return;
    while (true) {
      const Fd peer(::accept(listener.get(), nullptr, nullptr));
      char request[512];
      (void)!::recv(peer.get(), request, sizeof(request), 0);
      (void)!::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
  Metadata(const Metadata&) = delete;
  Metadata& operator=(const Metadata&) = delete;
  ~Metadata() {
    (void)::kill(child_, SIGKILL);
    (void)::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  pid_t child_ = -1;
  std::string url_;
};

State state_of(const Machine& machine, const std::string& id) {
  const cli::Findings findings = machine.findings();
  const auto found = std::ranges::find(findings, id, &Finding::id);
  if (found == findings.end()) fail_msg("no finding %s", id.c_str());
  return found->state;
}

void prepare_directory(Machine& machine, const std::string& metadata) {
  machine.write("/etc/pam-cognito/fleet.key", std::string(64, '5') + "\n", 0600);
  machine.write("/etc/pam-cognito/accounts.conf",
                "[accounts]\nnames = *.*\n[directory]\ngroups = linux-users\n" +
                    (metadata.empty() ? "" : "metadata = " + metadata + "\n"));
  assert_true(accounts::Keeper::open(machine.root(), true).has_value());
}

void credentials_that_others_can_read_are_a_fault(void**) {
  Machine machine;
  const Metadata open("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nAQAE");
  prepare_directory(machine, open.url());
  assert_true(state_of(machine, "directory-role") == State::fault);
  const Metadata closed("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  prepare_directory(machine, closed.url());
  assert_true(state_of(machine, "directory-role") == State::ok);
  prepare_directory(machine, "http://127.0.0.1:1");
  assert_true(state_of(machine, "directory-role") == State::ok);
  // A tree is not the machine that would be asked.
  prepare_directory(machine, "");
  assert_true(state_of(machine, "directory-role") == State::skipped);
  constexpr char kFile[] = "/etc/credstore/cognitod-directory.aws";
  machine.write(kFile, "[default]\n", 0600);
  assert_true(state_of(machine, "directory-role") == State::ok);
  machine.chmod(kFile, 0640);
  assert_true(state_of(machine, "directory-role") == State::fault);
  machine.chmod(kFile, 0600);
  machine.chown(kFile, 1000);
  assert_true(state_of(machine, "directory-role") == State::fault);
}

void lists_that_are_missing_or_held_back_are_named(void**) {
  Machine machine;
  prepare_directory(machine, "");
  assert_true(state_of(machine, "directory-list") == State::warning);
  accounts::DirectoryList list{.pool = "eu-west-1_Abc", .groups = {"linux-users"}, .users = {}};
  for (int i = 0; i < 10; ++i)
    list.users.push_back({.name = "u" + std::to_string(i) + ".lee",
                          .sub = "sub-" + std::to_string(i),
                          .enabled = true,
                          .groups = {"linux-users"}});
  assert_true(accounts::take_list(machine.root(), list).has_value());
  assert_true(state_of(machine, "directory-list") == State::ok);
  assert_true(state_of(machine, "directory-held") == State::ok);
  list.users.resize(2);
  assert_true(accounts::take_list(machine.root(), list).has_value());
  assert_true(state_of(machine, "directory-held") == State::fault);
  auto database = Database::open(machine.root() + "/var/lib/pam-cognito-accounts-db/accounts.db",
                                 Database::Mode::write);
  assert_true(database && database->run("UPDATE directory SET at = at - 30000").has_value());
  assert_true(state_of(machine, "directory-list") == State::warning);
  machine.write("/etc/pam-cognito/accounts.conf", "[accounts]\nnames = *.*\n");
  assert_true(std::ranges::none_of(machine.findings(), [](const Finding& finding) {
    return finding.id.starts_with("directory-");
  }));
}

void sessions_that_were_not_kept_are_a_warning(void**) {
  using cli::Dictionary;
  const auto with = [](std::uint64_t users) {
    return cli::check_sessions_kept(Dictionary{{"sessions_not_kept", users}});
  };
  assert_true(with(0).state == State::ok);
  assert_true(with(2).state == State::warning && with(2).what.contains("of 2 users"));
  assert_true(cli::check_sessions_kept(Dictionary()).state == State::skipped);
  const cli::Failure refused{cli::ExitCode::failed, "not-permitted", "Only root may ask that."};
  assert_true(cli::check_sessions_kept(std::unexpected(refused)).state == State::skipped);
}

Finding finding_of(const Machine& machine, const char* id) {
  const cli::Findings findings = machine.findings();
  const auto found = std::ranges::find(findings, id, &Finding::id);
  assert_true(found != findings.end());
  return *found;
}

State state_of(const Machine& machine, const char* id) {
  return finding_of(machine, id).state;
}

// The profile's own line for the emergency has no nullok.
void an_empty_password_that_does_not_count_is_no_fault(void**) {
  Machine machine;
  machine.replace("/etc/shadow", "alice:!:", "alice::");
  assert_true(state_of(machine, "pam-empty-password") == State::ok);
}

// The lines of 0.2.0: pam-auth-update keeps them if an administrator has changed its files.
void the_profile_of_0_2_0_has_its_faults(void**) {
  Machine machine;
  const std::string lines =
      "[success=4 default=ignore] pam_succeed_if.so quiet uid < 1000\n"
      "[auth_err=ignore ignore=ignore default=2] pam_succeed_if.so quiet user ingroup "
      "cognito-users\n"
      "[success=ok new_authtok_reqd=ok ignore=ignore authinfo_unavail=ignore "
      "module_unknown=ignore default=die] pam_cognito.so\n"
      "[default=1] pam_permit.so\n"
      "[success=ok new_authtok_reqd=ok ignore=ignore authinfo_unavail=ignore default=die] "
      "pam_cognito.so\n";
  std::string account =
      "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
      "account requisite pam_deny.so\naccount required pam_permit.so\n";
  for (std::size_t from = 0; from < lines.size(); from = lines.find('\n', from) + 1)
    account += "account " + lines.substr(from, lines.find('\n', from) + 1 - from);
  machine.write(kAccount, account);
  assert_true(state_of(machine, "pam-account-aged") == State::fault);
  assert_true(state_of(machine, "pam-account-aged-refused") == State::fault);
  assert_true(state_of(machine, "pam-account-local") == State::ok);
}

// The remedies make the findings go, and services that are meant so have none.
void remedies_of_other_services_help(void**) {
  Machine machine;
  machine.set_sshd("persourcepenalties", "authfail:5");
  machine.set_sshd("persourcepenaltyexemptlist", "192.0.2.0/24");
  machine.write("/etc/pam.d/samba", "@include common-auth\n@include common-account\n");
  machine.write(kConfig, machine.text(kConfig) + "[service samba]\nnever_signed_in = allow\n");
  machine.write("/etc/pam.d/systemd-user", "@include common-account\n");
  machine.write("/etc/pam.d/lightdm-autologin",
                "auth required pam_permit.so\n@include common-account\n");
  machine.write("/etc/pam.d/vsftpd", "@include common-auth\n@include common-account\n");
  machine.write("/etc/passwd", machine.text("/etc/passwd") + "7dwarfs:x:1007:1007::/:/bin/sh\n");
  const cli::Findings findings = machine.findings();
  for (const char* id :
       {"sshd-source-penalties", "pam-account-only", "pam-origin", "users-names"}) {
    const auto found = std::ranges::find(findings, id, &Finding::id);
    assert_true(found != findings.end());
    if (found->state != State::ok) fail_msg("%s: %s", id, found->what.c_str());
  }
}

// A service's file in /etc/pam.d replaces the one of its package; a finding names the file that
// counts.
void an_administrators_file_replaces_the_packages(void**) {
  constexpr char lax[] =
      "auth sufficient pam_u2f.so\n@include common-auth\n@include common-account\n";
  Machine machine;
  machine.write("/usr/lib/pam.d/polkit-1", lax);
  const cli::Findings findings = machine.findings();
  const auto found = std::ranges::find(findings, "pam-auth-fail-open", &Finding::id);
  assert_true(found != findings.end());
  if (!found->what.contains("/usr/lib/pam.d/polkit-1:1")) fail_msg("%s", found->what.c_str());
  machine.write("/etc/pam.d/polkit-1", "@include common-auth\n@include common-account\n");
  assert_true(state_of(machine, "pam-auth-fail-open") == State::ok);
}

// sudo decides who is an administrator, in whichever group.
void administrators_are_those_whom_sudo_permits_a_shell(void**) {
  Machine machine;
  machine.write("/etc/pam-cognito/users.conf", "users=admin alice\n");
  const auto with = [&](const std::set<std::string>& sudoers) {
    machine.set_sudoers(sudoers);
    return finding_of(machine, "users-admin");
  };
  const std::vector<std::set<std::string>> permitted = {{"root", "bob"}, {"bob"}, {"admin", "bob"}};
  for (const std::set<std::string>& users : permitted) {
    const Finding found = with(users);
    assert_true(found.state == State::ok);
    assert_string_equal(found.what.c_str(), "bob, by sudo -l");
  }
  Finding found = with({"root", "admin", "alice"});
  assert_true(found.state == State::fault && found.what.contains("admin, alice, by sudo -l"));
  // An account that cannot log in repairs nothing.
  assert_true(with({"root", "admin", "cognitod"}).state == State::fault);
  assert_true(with({"root"}).state == State::warning);
  // A group that does not exist leaves nobody local: pam_cognito refuses them all.
  machine.write("/etc/pam-cognito/users.conf", "group=gone\n");
  assert_true(with({"root", "bob"}).state == State::fault);
}

// The groups stand for a sudo that is absent or fails, and doctor reports that.
void without_an_answer_of_sudo_the_groups_count(void**) {
  Machine machine;
  machine.set_sudoers({});
  Finding found = finding_of(machine, "users-admin");
  assert_true(found.state == State::ok && found.what.contains("admin, by the groups"));
  assert_true(found.what.contains("does not permit even root"));
  machine.set_sudoers({"root", "(hangs for) bob"});
  found = finding_of(machine, "users-admin");
  assert_true(found.what.contains("by the groups") && found.what.contains("within 5 s"));
  machine.remove("/usr/bin/sudo");
  found = finding_of(machine, "users-admin");
  assert_true(found.state == State::ok && found.what.contains("sudo is not installed"));
  machine.write("/etc/pam-cognito/users.conf", "users=admin alice\n");
  assert_true(state_of(machine, "users-admin") == State::fault);
}

// As `sshd -T` of 10.0 prints it; an older sshd has no such line.
void penalties_are_told_with_the_failures_that_bring_them_about(void**) {
  constexpr char kId[] = "sshd-source-penalties";
  Machine machine;
  assert_true(state_of(machine, kId) == State::ok);
  const auto with = [&](const std::string& penalties) {
    machine.set_sshd("persourcepenalties", penalties);
    return finding_of(machine, kId);
  };
  const std::string others = "crash:90 noauth:1 grace-exceeded:10 refuseconnection:10 max:600 ";
  Finding found = with(others + "authfail:5 min:15 max-sources4:65536 overflow:permissive");
  assert_true(found.state == State::warning);
  assert_true(found.what.contains("after 4 failed sign-ins"));
  assert_true(found.remedy.contains("PerSourcePenaltyExemptList"));
  found = with(others + "authfail:30 min:15");
  assert_true(found.state == State::warning && found.what.contains("after 1 failed"));
  found = with("yes");
  assert_true(found.state == State::warning && found.what.contains("after a few failed"));
  for (const char* harmless : {"no", "authfail:1 min:15", "authfail:0 min:15"})
    assert_true(with(harmless).state == State::ok);
  machine.set_sshd("persourcepenaltyexemptlist", "none");
  assert_true(with("authfail:5 min:15").state == State::warning);
  machine.set_sshd("persourcepenaltyexemptlist", "192.0.2.0/24,2001:db8::/32");
  assert_true(with("authfail:5 min:15").state == State::ok);
}

// FileDescriptorStorePreserve= is a property of systemd from 254 on.
void sessions_that_outlive_a_stop_are_told(void**) {
  constexpr char kId[] = "unit-fd-store";
  constexpr char kPreserve[] = "FileDescriptorStorePreserve";
  Machine machine;
  const auto outlive_a_stop = [&] {
    const Finding found = finding_of(machine, kId);
    assert_true(found.state == State::ok);
    return found.title.contains("systemctl stop");
  };
  assert_false(outlive_a_stop());
  machine.set_unit(kPreserve, "no");
  assert_false(outlive_a_stop());
  machine.set_unit(kPreserve, "yes");
  assert_true(outlive_a_stop());
  machine.remove_unit_property(kPreserve);
  assert_false(outlive_a_stop());
  machine.set_unit_files("[Service]\nFileDescriptorStorePreserve=no\n");
  assert_false(outlive_a_stop());
  machine.set_unit_files("[Service]\nFileDescriptorStorePreserve=yes\n");
  const Finding found = finding_of(machine, kId);
  assert_true(found.state == State::warning && found.what.contains("systemd 252 does not know"));
  assert_false(found.title.contains("stop"));
}

// Each setting of the shipped unit is in doctor's table, or in the list of those that another check
// or no check looks at. systemd's defaults of it are missed.
void each_directive_of_the_sandbox_is_looked_at(void**) {
  const std::string unit = Machine().text(kUnit);
  // Directives that describe the service and do not restrict it; checks of their own cover the
  // rest.
  const std::vector<std::string> others = {"WatchdogSec",
                                           "BusName",
                                           "ExecStart",
                                           "User",
                                           "Environment",
                                           "Restart",
                                           "RestartSec",
                                           "TimeoutStartSec",
                                           "TimeoutStopSec",
                                           "StateDirectory",
                                           "LimitMEMLOCK",
                                           "FileDescriptorStoreMax",
                                           "MemoryMax",
                                           "TasksMax",
                                           "LimitNOFILE",
                                           "ExecPaths",  // a list that may be shorter
                                           "LoadCredentialEncrypted"};
  const std::map<std::string, std::string> defaults = {
      {"CapabilityBoundingSet", "cap_chown cap_dac_override"},
      {"LimitCORE", "infinity"},
      {"MemorySwapMax", "infinity"},
      {"UMask", "0022"},
      {"StateDirectoryMode", "0755"},
      {"ProtectProc", "default"},
      {"ProcSubset", "all"},
      {"SystemCallErrorNumber", "2147483646"}};
  std::size_t looked_at = 0;
  const std::size_t from = unit.find("[Service]");
  for (const std::string& line : cli::lines_of(unit.substr(from, unit.find("[Install]") - from))) {
    const std::string key = line.substr(0, line.find('='));
    if (line.find('=') == line.npos || std::ranges::find(others, key) != others.end()) continue;
    Machine machine;
    const auto known = defaults.find(key);
    const bool flag = machine.unit().contains(key) && machine.unit().at(key) == "yes";
    machine.set_unit(key, known != defaults.end() ? known->second : flag ? "no" : "");
    const State without = state_of(machine, "unit-sandbox");
    if (without != State::warning && without != State::fault)
      fail_msg("not missed: %s", line.c_str());
    ++looked_at;
  }
  assert_true(looked_at >= 30);
  assert_true(state_of(Machine(), "unit-sandbox") == State::ok);
}

// A drop-in may make a list stricter.
void stricter_and_laxer_lists_are_told_apart(void**) {
  const auto with = [](const char* key, const std::string& value) {
    Machine machine;
    machine.set_unit(key, value);
    return state_of(machine, "unit-sandbox");
  };
  const std::string calls = Machine().unit().at("SystemCallFilter");
  assert_true(with("IPAddressDeny", "0.0.0.0/0 ::/0") == State::ok);
  assert_true(with("IPAddressDeny", "169.254.169.254/32") == State::warning);
  assert_true(with("RestrictAddressFamilies", "AF_UNIX AF_INET") == State::ok);
  for (const char* families : {"AF_UNIX AF_INET AF_INET6 AF_NETLINK", "~AF_PACKET", ""})
    assert_true(with("RestrictAddressFamilies", families) == State::warning);
  for (const std::string& lax :
       {calls + " listen", calls + " keyctl", calls + " ptrace", calls + " mount",
        calls + " init_module", calls + " reboot", "~" + calls, std::string("read write")})
    assert_true(with("SystemCallFilter", lax) == State::warning);
  // These two make exceptions of the lists that deny.
  assert_true(with("IPAddressAllow", "169.254.169.254/32") == State::warning);
  for (const char* paths : {"/", "/usr/libexec/cognitod /usr/bin", "-/home"})
    assert_true(with("ExecPaths", paths) == State::warning);
  assert_true(with("ExecPaths", "/usr/libexec/cognitod") == State::ok);
}

// If systemd cannot be asked, doctor does not report that the unit is right.
void a_systemd_that_does_not_answer_is_told(void**) {
  Machine machine;
  machine.remove_systemd();
  assert_true(finding_of(machine, "unit-installed").state == State::skipped);
  machine.set_unit("User", "cognitod");  // an answer without LoadState
  assert_true(finding_of(machine, "unit-installed").state == State::skipped);
}

// As `systemd-creds encrypt` leaves it in a directory of root's alone.
void an_encrypted_client_secret_of_root_alone_is_right(void**) {
  Machine machine;
  machine.write("/etc/credstore.encrypted/cognitod.client_secret", "Whxqht+d\n", 0644);
  machine.chmod("/etc/credstore.encrypted", 0700);
  assert_true(state_of(machine, "credential-permissions") == State::ok);
  assert_true(state_of(machine, "credential-decrypts") == State::ok);
}

// A check that reports everything would pass the test above.
void a_planted_fault_leaves_the_other_checks_alone(void**) {
  Machine machine;
  machine.set_sshd("usepam", "no");
  const cli::Findings findings = machine.findings();
  assert_int_equal(std::ranges::count(findings, State::fault, &Finding::state), 1);
}

void what_cannot_be_looked_at_is_skipped(void**) {
  Machine machine;
  machine.remove_sshd();
  const cli::Findings findings = machine.findings();
  const auto sshd = std::ranges::find(findings, "sshd", &Finding::id);
  assert_true(sshd != findings.end());
  assert_true(sshd->state == State::skipped);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  if (::geteuid() != 0) return 77;  // the planted files must be root's
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_good_machine_has_no_fault),
      cmocka_unit_test(accounts_without_a_fault_have_no_finding),
      cmocka_unit_test(each_planted_fault_is_named),
      cmocka_unit_test(credentials_that_others_can_read_are_a_fault),
      cmocka_unit_test(lists_that_are_missing_or_held_back_are_named),
      cmocka_unit_test(sessions_that_were_not_kept_are_a_warning),
      cmocka_unit_test(an_empty_password_that_does_not_count_is_no_fault),
      cmocka_unit_test(the_profile_of_0_2_0_has_its_faults),
      cmocka_unit_test(remedies_of_other_services_help),
      cmocka_unit_test(an_administrators_file_replaces_the_packages),
      cmocka_unit_test(administrators_are_those_whom_sudo_permits_a_shell),
      cmocka_unit_test(without_an_answer_of_sudo_the_groups_count),
      cmocka_unit_test(penalties_are_told_with_the_failures_that_bring_them_about),
      cmocka_unit_test(sessions_that_outlive_a_stop_are_told),
      cmocka_unit_test(each_directive_of_the_sandbox_is_looked_at),
      cmocka_unit_test(stricter_and_laxer_lists_are_told_apart),
      cmocka_unit_test(a_systemd_that_does_not_answer_is_told),
      cmocka_unit_test(an_encrypted_client_secret_of_root_alone_is_right),
      cmocka_unit_test(a_planted_fault_leaves_the_other_checks_alone),
      cmocka_unit_test(what_cannot_be_looked_at_is_skipped),
  };
  return cmocka_run_group_tests_name("doctor", tests, nullptr, nullptr);
}
