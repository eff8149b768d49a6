#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/cli/fake_auth.h"
#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"
#include "tests/module/sandbox.h"

// The output of each command for a person and for a program. The golden files document both.
namespace pamcognito::test {
namespace {

constexpr uid_t kAlice = kCognitoUserUid;
constexpr char kWide[] = "wide";  // the fake daemon answers with the longest values

std::unique_ptr<Child> g_daemon;

void start_daemon(bool configured = true) {
  int ready[2];
  assert_int_equal(::pipe2(ready, O_CLOEXEC), 0);
  g_daemon = std::make_unique<Child>([&] { return serve_fake_auth(ready[1], configured); });
  (void)::close(ready[1]);
  char byte = 0;
  assert_int_equal(::read(ready[0], &byte, 1), 1);
  (void)::close(ready[0]);
}

int fresh_daemon(void**) {
  start_daemon();
  return 0;
}

int unconfigured_daemon(void**) {
  start_daemon(false);
  return 0;
}

int stop_daemon(void**) {
  g_daemon.reset();
  return 0;
}

struct Scene {
  std::vector<std::string> arguments;
  std::string input;
  uid_t uid = 0;
};

void play(const std::string& name, const std::vector<Scene>& scenes) {
  std::string text;
  for (const Scene& scene : scenes) {
    const Finished finished = run_cognitoctl(scene.arguments, scene.input, scene.uid);
    text += (text.empty() ? "" : "\n") + transcript_of(scene.arguments, finished);
  }
  assert_golden(name, text);
}

void status(void**) {
  play("status", {{{"status"}, "", 0},
                  {{"--json", "status"}, "", 0},
                  {{"status"}, "", kAlice},
                  {{"status", "--json"}, "", kAlice}});
}

void login_test(void**) {
  play("login-test", {{{"login-test", "alice", "--service", "sshd"}, "right\n123456\n", 0},
                      {{"login-test", "alice"}, "wrong\n", 0},
                      {{"login-test", "alice"}, "", 0},
                      {{"login-test", "--json", "alice"}, "right\n123456\n", 0},
                      {{"login-test", "--json", "alice"}, "wrong\n", 0},
                      {{"login-test", "bob"}, "", 0},
                      {{"login-test", "admin"}, "", 0},
                      {{"login-test", "alice"}, "", 1002}});
}

void what_is_tested_is_not_kept(void**) {
  (void)run_cognitoctl({"login-test", "alice"}, "right\n123456\n", kAlice);
  // The acknowledgement is what counts, and it was not sent.
  const Finished ended = run_cognitoctl({"sign-out"}, "", kAlice);
  if (!ended.output.contains("2")) fail_msg("%s", ended.output.c_str());
}

void mfa(void**) {
  const std::string signs_in = "right\n123456\n";
  play("mfa",
       {{{"mfa", "show"}, "", kAlice},
        {{"mfa", "show", "--json"}, "", kAlice},
        {{"mfa", "show"}, "", 1002},
        {{"mfa", "prefer", "sms"}, "", kAlice},
        {{"mfa", "prefer", "sms"}, "wrong\n", kAlice},
        {{"mfa", "prefer", "sms", "--json"}, "right\n000000\n", kAlice},
        {{"mfa", "setup"}, signs_in + "000000\n", kAlice},
        {{"mfa", "prefer", "totp"}, signs_in, kAlice},
        {{"mfa", "setup", "--plain", "--device-name", "phone"}, signs_in + "654321\n", kAlice},
        {{"mfa", "prefer", "totp"}, signs_in, kAlice},
        {{"mfa", "disable", "sms"}, signs_in, kAlice},
        {{"mfa", "disable", "totp", "--json"}, signs_in, kAlice},
        {{"mfa", "prefer", "none"}, signs_in, kAlice},
        {{"mfa", "setup", "--json"}, signs_in + "654321\n", kAlice},
        {{"mfa", "prefer", "totp", "--json"}, signs_in, kAlice},
        {{"mfa", "prefer", "fingerprint"}, "", kAlice}});
}

void sessions(void**) {
  play("sessions", {{{"sessions", "list"}, "", 0},
                    {{"sessions", "list", "--json"}, "", kAlice},
                    {{"sessions", "list", "--user", "bob"}, "", 0},
                    {{"sessions", "list", "--user", kWide}, "", 0},
                    {{"sessions", "list", "--user", kWide, "--full"}, "", 0},
                    {{"sessions", "list", "--user", kWide, "--json"}, "", 0},
                    {{"sessions", "end", "00112233445566778899aabbccddeeff"}, "", 0},
                    {{"sessions", "end", "0011", "--json"}, "", 0},
                    {{"sessions", "end", "0011"}, "", kAlice},
                    {{"sessions", "end", "fedcba9876"}, "", 0},
                    {{"sessions", "end", "ffff"}, "", 0},
                    {{"sessions", "end", "ff"}, "", 0},
                    {{"sessions", "end", "00112233445566778899aabbccddeeff00"}, "", 0},
                    {{"explain", "fedcba9876"}, "", 0},
                    {{"explain", "0011"}, "", kAlice},
                    {{"explain", "ffff"}, "", kAlice},
                    {{"sign-out"}, "", kAlice},
                    {{"sign-out", "--json", "bob"}, "", 0},
                    {{"sign-out", "bob"}, "", kAlice}});
}

void identity_and_policy(void**) {
  play("identity-and-policy",
       {{{"identity", "list"}, "", 0},
        {{"identity", "list", "--full"}, "", 0},
        {{"identity", "list", "--json"}, "", 0},
        {{"identity", "pin", "alice", "0a11ce00-0000-4000-8000-000000000001"}, "", 0},
        {{"identity", "pin", "alice", "0a11ce00-0000-4000-8000-000000000001", "--json"}, "", 0},
        {{"users", "adopt", "alice", "0a11ce00-0000-4000-8000-000000000001"}, "", 0},
        {{"users", "adopt", "alice", "0a11ce00-0000-4000-8000-000000000002", "--json"}, "", 0},
        {{"users", "adopt", "bob", "0a11ce00-0000-4000-8000-000000000002"}, "", 0},
        {{"users", "adopt", "ann.lee", "0a11ce00-0000-4000-8000-000000000002", "--json"}, "", 0},
        {{"users", "adopt", "alice", "0a11ce00-0000-4000-8000-000000000001"}, "", kAlice},
        {{"identity", "reset", "alice", "--json"}, "", 0},
        {{"identity", "reset", "alice"}, "", kAlice},
        {{"policy", "test", "alice", "sudo"}, "", 0},
        {{"policy", "test", "alice", "sudo", "--json"}, "", 0},
        {{"policy", "test", "bob", "sudo"}, "", 0},
        {{"policy", "test", "bob", "sudo", "--json"}, "", 0},
        {{"policy", "test", kWide, "sudo"}, "", 0},
        {{"policy", "test", kWide, "sudo", "--json"}, "", 0}});
}

// With the longest values that each column can have.
void tables_fit_80_columns(void**) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"sessions", "list"},
                                             {"sessions", "list", "--user", kWide},
                                             {"identity", "list"},
                                             {"policy", "test", "alice", "sudo"},
                                             {"policy", "test", kWide, "sudo"},
                                             {"status"}}) {
    const Finished finished = run_cognitoctl(arguments);
    assert_int_equal(finished.status, 0);
    std::size_t column = 0;
    for (const char c : finished.output) {
      const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;  // of UTF-8
      column = c == '\n' ? 0 : column + (continues ? 0 : 1);
      if (column > 80) fail_msg("%s", finished.output.c_str());
    }
  }
}

void status_unconfigured(void**) {
  play("status-unconfigured",
       {{{"status"}, "", 0}, {{"--json", "status"}, "", 0}, {{"status"}, "", kAlice}});
}

void usage(void**) {
  play("usage", {{{"--help"}, "", 0},
                 {{"mfa", "--help"}, "", 0},
                 {{}, "", 0},
                 {{"dance"}, "", 0},
                 {{"Satus"}, "", 0},
                 {{"mfa"}, "", 0},
                 {{"mfa", "--color", "never", "shwo"}, "", 0},
                 {{"--json=yaml", "status"}, "", 0},
                 {{"status", "--json=pretty"}, "", kAlice},
                 {{"mfa", "prefer"}, "", 0},
                 {{"explain", "alice"}, "", 0},
                 {{"explain", "001"}, "", 0},
                 {{"explain", "00112233445566778899aabbccddeeff0"}, "", 0},
                 {{"explain"}, "", 0},
                 {{"explain", "--user", "alice"}, "", 0},
                 {{"log", "-n", "many"}, "", 0},
                 {{"log", "-n", "0"}, "", 0},
                 {{"log", "--since", "5m"}, "", 0},
                 {{"--version"}, "", 0}});
}

void no_daemon(void**) {
  g_daemon.reset();
  play("no-daemon", {{{"status"}, "", 0}, {{"status", "--json"}, "", 0}});
}

void colour_only_if_wanted(void**) {
  assert_false(run_cognitoctl({"sessions", "list"}).output.contains('\x1b'));
  assert_true(run_cognitoctl({"sessions", "list", "--color", "always"}).output.contains('\x1b'));
  assert_false(
      run_cognitoctl({"sessions", "list", "--color", "always", "--json"}).output.contains('\x1b'));
}

struct Ends {
  int master;
  int slave;
};

// Opened before the sandbox, whose /dev has none.
std::vector<Ends>& terminals() {
  static std::vector<Ends> all;
  return all;
}

void open_terminals() {
  constexpr int kNeeded = 10;
  for (int i = 0; i < kNeeded; ++i) {
    Ends ends{};
    if (::openpty(&ends.master, &ends.slave, nullptr, nullptr, nullptr) != 0) std::abort();
    terminals().push_back(ends);
  }
}

// A terminal of the test's own, with cognitoctl in it.
class Pseudoterminal {
 public:
  explicit Pseudoterminal(const std::vector<std::string>& arguments, uid_t uid = 0) {
    assert_false(terminals().empty());
    master_ = terminals().back().master;
    slave_ = terminals().back().slave;
    terminals().pop_back();
    child_ = ::fork();
    assert_true(child_ >= 0);
    if (child_ > 0) return;
    (void)::login_tty(slave_);
    ::_exit(become_cognitoctl(arguments, uid));
  }
  Pseudoterminal(const Pseudoterminal&) = delete;
  Pseudoterminal& operator=(const Pseudoterminal&) = delete;
  ~Pseudoterminal() {
    (void)::close(master_);
    (void)::close(slave_);
  }

  // The output up to and with `text`.
  std::string read_to(const std::string& text) {
    std::string shown;
    char byte = 0;
    while (!shown.contains(text) && ::read(master_, &byte, 1) == 1) shown += byte;
    return shown;
  }
  void type(const std::string& text) {
    assert_int_equal(::write(master_, text.data(), text.size()), text.size());
  }
  [[nodiscard]] bool echoes() const {
    termios settings{};
    assert_int_equal(::tcgetattr(slave_, &settings), 0);
    return (settings.c_lflag & static_cast<tcflag_t>(ECHO)) != 0;
  }
  void signal(int number) const { assert_int_equal(::kill(child_, number), 0); }
  int wait() const {
    int status = 0;
    assert_int_equal(::waitpid(child_, &status, 0), child_);
    return status;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
  pid_t child_ = -1;
};

void a_password_is_not_shown(void**) {
  Pseudoterminal terminal({"login-test", "alice"});
  (void)terminal.read_to("Password: ");
  assert_false(terminal.echoes());
  terminal.type("right\n");
  assert_false(terminal.read_to("by SMS: ").contains("right"));
  assert_true(terminal.echoes());
  terminal.type("123456\n");
  assert_true(terminal.read_to("explain").contains("123456"));
  (void)terminal.read_to("\n");
  assert_int_equal(WEXITSTATUS(terminal.wait()), 0);
}

void a_signal_gives_the_terminal_back(void**) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    Pseudoterminal terminal({"login-test", "alice"});
    (void)terminal.read_to("Password: ");
    assert_false(terminal.echoes());
    terminal.signal(number);
    const int status = terminal.wait();
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    assert_true(terminal.echoes());
  }
}

// The sign-in and the change are one conversation, at the terminal.
void a_change_asks_for_password_and_factor(void**) {
  Pseudoterminal terminal({"--color", "never", "mfa", "prefer", "sms"});
  (void)terminal.read_to("Password: ");
  assert_false(terminal.echoes());
  terminal.type("right\n");
  (void)terminal.read_to("by SMS: ");
  terminal.type("123456\n");
  (void)terminal.read_to("Preferred from now on: SMS.");
  (void)terminal.read_to("\n");
  assert_int_equal(WEXITSTATUS(terminal.wait()), 0);
}

// Only root can end them, and is asked.
void another_users_sessions_end_after_a_question(void**) {
  {
    Pseudoterminal terminal({"sign-out", "alice"});
    (void)terminal.read_to("End all sessions of alice?");
    terminal.type("n\n");
    (void)terminal.read_to("nothing was changed");
    assert_int_equal(WEXITSTATUS(terminal.wait()), 1);
  }
  {
    Pseudoterminal terminal({"sign-out", "alice"});
    (void)terminal.read_to("End all sessions of alice?");
    terminal.type("y\n");
    (void)terminal.read_to("2 sessions of alice ended.");
    (void)terminal.read_to("\n");
    assert_int_equal(WEXITSTATUS(terminal.wait()), 0);
  }
  for (const char* user : {"alice", "bob"}) {
    const bool own = std::string(user) == "alice";
    Pseudoterminal terminal({"sign-out", user}, kAlice);
    const std::string shown = terminal.read_to(own ? "ended." : "Run as root:");
    assert_false(shown.contains("?"));
    (void)terminal.read_to("\n");
    assert_int_equal(WEXITSTATUS(terminal.wait()), own ? 0 : 8);
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  open_terminals();
  enter_sandbox();
  const PrivateBus bus;
  const auto with_daemon = [](const char* name, CMUnitTestFunction function) {
    return CMUnitTest{name, function, &fresh_daemon, &stop_daemon, nullptr};
  };
  const CMUnitTest tests[] = {
      with_daemon("status", &status),
      CMUnitTest{"status_unconfigured", &status_unconfigured, &unconfigured_daemon, &stop_daemon,
                 nullptr},
      with_daemon("login_test", &login_test),
      with_daemon("what_is_tested_is_not_kept", &what_is_tested_is_not_kept),
      with_daemon("mfa", &mfa),
      with_daemon("sessions", &sessions),
      with_daemon("identity_and_policy", &identity_and_policy),
      with_daemon("tables_fit_80_columns", &tables_fit_80_columns),
      with_daemon("usage", &usage),
      with_daemon("no_daemon", &no_daemon),
      with_daemon("colour_only_if_wanted", &colour_only_if_wanted),
      with_daemon("a_password_is_not_shown", &a_password_is_not_shown),
      with_daemon("a_signal_gives_the_terminal_back", &a_signal_gives_the_terminal_back),
      with_daemon("a_change_asks_for_password_and_factor", &a_change_asks_for_password_and_factor),
      with_daemon("another_users_sessions_end_after_a_question",
                  &another_users_sessions_end_after_a_question),
  };
  return cmocka_run_group_tests_name("cli transcripts", tests, nullptr, nullptr);
}
