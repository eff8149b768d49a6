#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/bus_client.h"
#include "tests/daemon/stage.h"

// Who may change a second factor: bus, daemon and pool, with callers of every kind.
namespace pamcognito::test {
namespace {

constexpr uid_t kDave = 1004;
constexpr char kDavesPassword[] = "Dish-Washer-4";

Pool* pool = nullptr;
std::unique_ptr<Cognitod> daemon_;

void start(const std::string& more = {}) {
  daemon_.reset();
  daemon_ = std::make_unique<Cognitod>(configuration_for(*pool, more));
}

int fresh_pool(void**) {
  if (daemon_) (void)daemon_->stop();
  daemon_.reset();
  (void)pool->admin("reset");
  return 0;
}

// The text that `work` returns in a process of that user.
std::string as_user(uid_t uid, const std::function<std::string()>& work) {
  std::array<int, 2> answer{};
  assert_int_equal(::pipe(answer.data()), 0);
  Child process([&] {
    if (::setgid(uid) != 0 || ::setuid(uid) != 0) return 1;
    const std::string text = work();
    return ::write(answer[1], text.data(), text.size()) < 0 ? 1 : 0;
  });
  (void)::close(answer[1]);
  std::string text;
  std::array<char, 4096> part{};
  ssize_t size = 0;
  while ((size = ::read(answer[0], part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(size));
  (void)::close(answer[0]);
  assert_int_equal(process.wait(), 0);
  return text;
}

std::string code_of(const std::string& user) {
  Json::Value who;
  who["username"] = user;
  (void)pool->admin("users/unlock", who);
  return pool->totp_code(user);
}

// The six digits of the secret in an otpauth URI, at the pool's time.
std::string code_by(const std::string& uri) {
  const std::size_t at = uri.find("secret=") + 7;
  const Json::Value clock = pool->admin("clock/advance");
  const std::string command = "oathtool --totp --now=@" +
                              std::to_string(clock["totp_s"].asInt64()) + " -b " +
                              uri.substr(at, uri.find('&', at) - at);
  std::array<char, 16> code{};
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe != nullptr) (void)!std::fread(code.data(), 1, 6, pipe);
  if (pipe != nullptr) (void)::pclose(pipe);
  return code.data();
}

bool is_uri(const DaemonFrame& frame) {
  return frame.text.starts_with("otpauth://");
}

Answering knows_all() {
  return [](const DaemonFrame& frame) -> std::optional<std::string> {
    if (is_uri(frame)) return code_by(frame.text);
    if (frame.purpose == Purpose::password) return kDavesPassword;
    return frame.text.contains("authenticator") ? code_of("dave") : pool->message_code("dave");
  };
}
// A stolen SSH key, a cron job, `sudo -u dave`, a unit with User=dave: the uid, and no credential.
Answering knows_nothing() {
  return [](const DaemonFrame& frame) -> std::optional<std::string> {
    if (is_uri(frame)) return code_by(frame.text);
    return std::nullopt;
  };
}

std::string told(const Conversation& done) {
  if (!done.error.empty()) return done.error;
  std::string text(to_string(done.outcome));
  for (const std::string& question : done.asked)
    text += " | " + (question.starts_with("otpauth://") ? std::string("URI") : question);
  return text;
}

std::string sets_up_totp(const Answering& answer) {
  BusClient bus;
  const Reply opened = bus.call("SetUpTotp", [](sd_bus_message* m) {
    (void)sd_bus_message_open_container(m, 'a', "{sv}");
    (void)sd_bus_message_append(m, "{sv}", "plain_uri", "b", 1);
    (void)sd_bus_message_close_container(m);
  });
  return told(converse(opened, answer));
}

// dave signs in by ssh, with his password and his factor.
void sign_dave_in() {
  BusClient root;
  const Conversation done =
      sign_in(root, "dave", "sshd",
              {{"ruid", 0U}, {"uid", unsigned{kDave}}, {"rhost", std::string("192.0.2.7")}},
              knows_all());
  assert_outcome(done.outcome, Outcome::success);
  assert_true(ask_account(done) == Outcome::success);
}

void a_session_alone_changes_no_factor(void**) {
  start();
  sign_dave_in();
  assert_text(as_user(kDave, [] { return sets_up_totp(knows_nothing()); }),
              "conversation-broken | Password: ");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  set_up_accounts();
  const PrivateBus bus;
  Pool started;
  pool = &started;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_session_alone_changes_no_factor, fresh_pool),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  daemon_.reset();
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
