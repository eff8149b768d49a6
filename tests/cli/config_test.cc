// `cognitoctl config` and `cognitoctl doctor --quiet`: the files without the daemon, and where each
// setting comes from.
#include <unistd.h>

#include <cstddef>
#include <regex>
#include <string>
#include <vector>

#include "tests/cli/machine.h"
#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

constexpr char kUsers[] = "/etc/pam-cognito/users.conf";
constexpr char kConfig[] = "/etc/pam-cognito/cognitod.conf";
constexpr char kDropIn[] = "/etc/pam-cognito/cognitod.conf.d/50-mfa.conf";

// The transcript of a command that looks at the machine's tree, without the tree's own path.
std::string transcript(const Machine& machine, const std::vector<std::string>& arguments) {
  std::vector<std::string> below = arguments;
  below.insert(below.end(), {"--root", machine.root()});
  std::string text = transcript_of(arguments, run_cognitoctl(below));
  for (std::size_t at = text.find(machine.root()); at != std::string::npos;
       at = text.find(machine.root()))
    text.erase(at, machine.root().size());
  return text + "\n";
}

void configurations_are_checked(void**) {
  Machine machine;
  const auto check = [&] { return transcript(machine, {"config", "check"}); };
  std::string text = check();
  machine.write(kDropIn, "[mfa]\nissuer = Example\nenrol = local\n");
  machine.write(kUsers, "exclude=admin\n");
  text += check() + transcript(machine, {"config", "check", "--json"});
  machine.write(kDropIn, "[mfa]\nissuer = Example\napp_label = Example\n");
  machine.write(kUsers, "group=cognito-users\nusrs=alice\n");
  text += check() + transcript(machine, {"config", "check", "--json"});
  machine.write(kDropIn, "[session]\nrevalidate = 5m\n");
  machine.remove(kUsers);
  text += check();
  machine.write(kDropIn, "[texts]\nlanguage = xx\n");
  text += check();
  machine.remove(kConfig);
  text += check();
  assert_golden("config-check", text);
}

void settings_are_shown_with_their_origin(void**) {
  Machine machine;
  machine.write(kDropIn,
                "[mfa]\nissuer = Example\n[service sshd]\nsign_in_timeout = 290s\n"
                "[client_metadata]\nrack = 7\n");
  const std::vector<std::vector<std::string>> commands = {
      {"config", "show"},
      {"config", "get", "mfa", "app_label"},
      {"config", "get", "[mfa]", "issuer"},
      {"config", "get", "session", "lifetime", "--json"},
      {"config", "get", "service sshd", "sign_in_timeout", "--json"},
      {"config", "get", "service sudo", "reauth"},
      {"config", "get", "pool", "client_secret"},
      {"config", "get", "mfa", "color", "--json"},
      {"config", "get", "mfa"},
      {"config", "get", "service sudo", "reauth", "--json"},
      {"config", "show", "--json"}};
  std::string text;
  for (const auto& command : commands) text += transcript(machine, command);
  machine.write(kDropIn, "[mfa]\nrequire = perhaps\n");
  text += transcript(machine, {"config", "show"});
  assert_golden("config-show", text);
}

// A check in each state.
void a_doctor_prints_checks_as_json(void**) {
  Machine machine;
  machine.write(kUsers, "users=alice\n");
  machine.write(kDropIn, "[mfa]\nissuer = Example\n");
  std::string text = transcript(machine, {"doctor", "--json", "--only", "config-names", "--only",
                                          "break-glass-policy", "--only", "daemon-running"});
  machine.write(kDropIn, "[mfa]\nrequire = perhaps\n");
  text += transcript(machine,
                     {"doctor", "--json", "--only", "config-valid", "--only", "pool-reachable"});
  text += transcript(machine, {"doctor", "--json", "--only", "nothing"});
  assert_golden("doctor", text);
}

// Without the present time, and with a whole number of minutes left.
std::string windows(const Machine& machine, const std::vector<std::vector<std::string>>& commands) {
  static const std::regex end("\"ends_at\":[0-9]+");
  static const std::regex left("\"left_s\":(1800|179[0-9])");
  static const std::regex date("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}");
  std::string text;
  for (const auto& command : commands) text += transcript(machine, command);
  text = std::regex_replace(text, end, "\"ends_at\":1764720000");
  text = std::regex_replace(text, left, "\"left_s\":1800");
  return std::regex_replace(text, date, "2025-12-03 00:00:00");
}

void a_window_is_opened_shown_and_closed(void**) {
  Machine machine;
  machine.write("/run/utmp", "");
  std::string text = windows(machine, {{"break-glass", "status"},
                                       {"break-glass", "status", "--json"},
                                       {"break-glass", "open", "--user", "alice", "--for", "30min"},
                                       {"break-glass", "open", "--user", "alice", "--user", "bob",
                                        "--for", "30min", "--json"},
                                       {"break-glass", "status"},
                                       {"break-glass", "status", "--json"},
                                       {"break-glass", "open", "--all", "--for", "2d", "--json"},
                                       {"break-glass", "close"},
                                       {"break-glass", "close", "--json"}});
  machine.write("/etc/pam-cognito/break-glass.conf", "local_password = always\n");
  text += windows(machine, {{"break-glass", "status", "--json"}});
  assert_golden("break-glass", text);
}

// Quiet concerns the text only.
void a_quiet_doctor_prints_json_only_if_asked(void**) {
  Machine machine;
  const auto doctor = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"doctor", "--only", "users-conf", "--root", machine.root()});
    return run_cognitoctl(options);
  };
  assert_text(doctor({"--quiet"}).output, "");
  assert_int_equal(doctor({"--quiet"}).status, 0);
  machine.write(kUsers, "usrs=alice\n");
  assert_text(doctor({"--quiet"}).output, "");
  assert_int_equal(doctor({"--quiet"}).status, 5);
  const Finished quiet = doctor({"--quiet", "--json"});
  assert_int_equal(quiet.status, 5);
  assert_text(quiet.output, doctor({"--json"}).output);
  assert_true(quiet.output.starts_with("{\"checks\":[{"));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  if (::geteuid() != 0) return 77;  // the files must be root's
  const CMUnitTest tests[] = {
      cmocka_unit_test(configurations_are_checked),
      cmocka_unit_test(settings_are_shown_with_their_origin),
      cmocka_unit_test(a_doctor_prints_checks_as_json),
      cmocka_unit_test(a_window_is_opened_shown_and_closed),
      cmocka_unit_test(a_quiet_doctor_prints_json_only_if_asked),
  };
  return cmocka_run_group_tests_name("config", tests, nullptr, nullptr);
}
