#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/bus_client.h"
#include "tests/daemon/stage.h"

// Tests which callers may change a second factor, with bus, daemon and pool, and callers of every
// kind.
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

// Types the password and the code that is asked for; of the new app, too.
Answering knows_all(const std::string& user, const std::string& password) {
  return [=](const DaemonFrame& frame) -> std::optional<std::string> {
    if (is_uri(frame)) return code_by(frame.text);
    if (frame.purpose == Purpose::password) return password;
    return frame.text.contains("authenticator") ? code_of(user) : pool->message_code(user);
  };
}
Answering dave_himself() {
  return knows_all("dave", kDavesPassword);
}
// A stolen SSH key, a cron job, `sudo -u dave`, a unit with User=dave: the uid, and no credential.
std::optional<std::string> knows_nothing(const DaemonFrame& frame) {
  if (is_uri(frame)) return code_by(frame.text);
  return std::nullopt;
}
std::optional<std::string> knows_the_password(const DaemonFrame& frame) {
  if (is_uri(frame)) return code_by(frame.text);
  if (frame.purpose == Purpose::password) return kDavesPassword;
  return std::nullopt;
}

// The outcome, and what was asked.
std::string told(const Conversation& done) {
  if (!done.error.empty()) return done.error;
  (void)ask_account(done);  // the daemon closes the socket when it has taken the end over
  std::string text(to_string(done.outcome));
  for (const std::string& question : done.asked)
    text += " | " + (question.starts_with("otpauth://") ? std::string("URI") : question);
  return without_references(std::move(text));
}

Reply opens(BusClient& bus, const std::string& change) {
  if (change == "prefer") return bus.call_text("SetPreferredMfa", "SMS");
  if (change == "disable")
    return bus.call("UpdateMfaPreference", [](sd_bus_message* m) {
      (void)sd_bus_message_append(m, "a{ss}", 1, "totp", "DISABLED");
    });
  return bus.call("SetUpTotp", [](sd_bus_message* m) {
    (void)sd_bus_message_append(m, "a{sv}", 2, "plain_uri", "b", 1, "device_name", "s", "phone");
  });
}

// One conversation of that user's process.
std::string changes(uid_t uid, const std::string& change, const Answering& answer) {
  return as_user(uid, [&] {
    BusClient bus;
    const Conversation done = converse(opens(bus, change), answer);
    std::string text = told(done);
    if (!done.notice.empty()) text += " | " + done.notice;
    return text;
  });
}

// A login by ssh from that address, with the password and a factor; its last notice.
std::string signs_in(const std::string& user, const std::string& password, uid_t uid,
                     const std::string& from) {
  BusClient root;
  const Conversation done = sign_in(
      root, user, "sshd", {{"ruid", 0U}, {"uid", uid}, {"rhost", from}}, knows_all(user, password));
  assert_outcome(done.outcome, Outcome::success);
  assert_true(ask_account(done) == Outcome::success);
  return done.notice;
}

std::string factors_of(const std::string& user) {
  Json::Value who;
  who["username"] = user;
  const Json::Value mfa = pool->admin("users/get", who)["mfa"];
  return Json::writeString(Json::StreamWriterBuilder(), mfa);
}

const std::array kChanges = {"setup", "prefer", "disable"};

// The session that a login has left, a minute old, is not good for any change.
void a_session_alone_changes_no_factor(void**) {
  start();
  (void)signs_in("dave", kDavesPassword, kDave, "192.0.2.7");
  const std::string before = factors_of("dave");
  for (const char* change : kChanges) {
    assert_text(changes(kDave, change, &knows_nothing), "unforeseen | Password: ");
    assert_text(changes(kDave, change, &knows_the_password),
                "unforeseen | Password:  | Code from your authenticator app (o = other "
                "method): ");
    assert_text(factors_of("dave"), before);
  }
  assert_int_equal(pool->count("AssociateSoftwareToken"), 0);
  assert_int_equal(pool->count("SetUserMFAPreference"), 0);
}

// A wrong password in it counts as in any sign-in.
void guesses_are_counted(void**) {
  start();
  const auto guesses = [](const DaemonFrame&) -> std::optional<std::string> {
    return "Wrong-Guess-1";
  };
  std::string last;
  for (int i = 0; i < 5; ++i) last = changes(kDave, "setup", guesses);
  assert_true(last.starts_with(
      "tries-exhausted | Password:  | Too many failed attempts. Try again in 15 minutes. (Ref "));
}

void password_and_factor_change_it_and_leave_nothing(void**) {
  start();
  BusClient root;
  const std::size_t log_before = Cognitod::log().size();
  assert_text(
      changes(kDave, "setup", dave_himself()),
      "success | Password:  | Code from your authenticator app (o = other method):  | URI | "
      "Authenticator app set up. "
      "You will be asked for a code at each sign-in.");
  Cognitod::wait_for_log("<5>cognitod: second factors of dave: an authenticator app was set up",
                         log_before);
  Cognitod::wait_for_log("factor-change of dave by user from uid:1004: success (totp-set-up)",
                         log_before);
  assert_false(Cognitod::log().contains("secret="));
  assert_int_equal(root.count_sessions("dave"), 0);

  assert_text(changes(kDave, "prefer", dave_himself()),
              "success | Password:  | Code from your authenticator app (phone): ");
  Cognitod::wait_for_log("<5>cognitod: second factors of dave: changed", log_before);
  assert_true(factors_of("dave").contains("\"preferred\" : \"SMS_MFA\""));
  assert_int_equal(root.count_sessions("dave"), 0);
  assert_int_equal(pool->count("GetTokensFromRefreshToken"), 0);
  // In the background, a moment later.
  for (int i = 0; i < 1000 && pool->count("RevokeToken") < 2; ++i) (void)::usleep(10'000);
  assert_int_equal(pool->count("RevokeToken"), 2);
}

// org.freedesktop.login1, with one answer for every process.
struct Login {
  const char* row;
  uid_t uid;
  const char* session_class;
  const char* seat;
  bool remote;
  const char* host;
  bool local_permits;  // enroll = at-console
  bool yes_permits;    // enroll = anywhere
};

constexpr uid_t kErin = 1005;
constexpr Login kLogins[] = {
    {"in front of the machine", kErin, "user", "seat0", false, "", true, true},
    {"by ssh, as with a stolen key", kErin, "user", "", true, "192.0.2.9", false, true},
    {"sudo -u erin in another user's login", 1001, "user", "seat0", false, "", false, false},
    {"cron with pam_systemd", kErin, "background", "", false, "", false, false},
    {"neither seat nor remote host: xrdp", kErin, "user", "", false, "", false, false},
    // systemd-logind has more classes of sessions from systemd 256 on.
    {"the user's manager", kErin, "manager", "seat0", false, "", false, false},
    {"the user's manager, begun by ssh", kErin, "manager", "", true, "192.0.2.9", false, false},
    {"a manager before users may log in", kErin, "manager-early", "seat0", false, "", false, false},
    {"a login before users may log in", kErin, "user-early", "seat0", false, "", false, false},
    {"a login without a home directory", kErin, "user-incomplete", "seat0", false, "", false,
     false},
    {"cron without a manager", kErin, "background-light", "seat0", false, "", false, false},
    {"a greeter", kErin, "greeter", "seat0", false, "", false, false},
};

int answer_path(sd_bus_message* call, void*, sd_bus_error*) {
  return sd_bus_reply_method_return(call, "o", "/org/freedesktop/login1/session/c1");
}
int get_property(sd_bus*, const char*, const char*, const char* name, sd_bus_message* reply,
                 void* data, sd_bus_error*) {
  const Login& login = *static_cast<const Login*>(data);
  const std::string_view property(name);
  if (property == "User")
    return sd_bus_message_append(reply, "(uo)", login.uid, "/org/freedesktop/login1/user/u");
  if (property == "Seat")
    return sd_bus_message_append(reply, "(so)", login.seat, "/org/freedesktop/login1/seat/s");
  if (property == "Remote") return sd_bus_message_append(reply, "b", login.remote ? 1 : 0);
  return sd_bus_message_append(reply, "s", property == "Class" ? login.session_class : login.host);
}

const sd_bus_vtable kManager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetSessionByPID", "u", "o", &answer_path, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};
const sd_bus_vtable kSession[] = {SD_BUS_VTABLE_START(0),
                                  SD_BUS_PROPERTY("User", "(uo)", &get_property, 0, 0),
                                  SD_BUS_PROPERTY("Seat", "(so)", &get_property, 0, 0),
                                  SD_BUS_PROPERTY("Remote", "b", &get_property, 0, 0),
                                  SD_BUS_PROPERTY("RemoteHost", "s", &get_property, 0, 0),
                                  SD_BUS_PROPERTY("Class", "s", &get_property, 0, 0),
                                  SD_BUS_VTABLE_END};

class FakeLogind {
 public:
  explicit FakeLogind(const Login& login) {
    std::array<int, 2> ready{};
    assert_int_equal(::pipe(ready.data()), 0);
    process_ = Child([&] {
      sd_bus* bus = nullptr;
      Login answer = login;
      int result = sd_bus_open_system(&bus);
      if (result >= 0)
        result = sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/login1",
                                          "org.freedesktop.login1.Manager", kManager, &answer);
      if (result >= 0)
        result = sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/login1/session/c1",
                                          "org.freedesktop.login1.Session", kSession, &answer);
      if (result >= 0) result = sd_bus_request_name(bus, "org.freedesktop.login1", 0);
      if (result >= 0 && ::write(ready[1], "1", 1) != 1) result = -1;
      while (result >= 0) {
        result = sd_bus_process(bus, nullptr);
        if (result == 0) result = sd_bus_wait(bus, UINT64_MAX);
      }
      return 1;
    });
    char byte = 0;
    assert_int_equal(::read(ready[0], &byte, 1), 1);
    (void)::close(ready[0]);
    (void)::close(ready[1]);
  }

 private:
  Child process_;
};

void start_with_enroll(const std::string& enroll) {
  daemon_.reset();
  std::string configuration = configuration_for(*pool, "require = no\n");
  constexpr std::string_view shipped = "enroll = never\n";
  configuration.replace(configuration.find(shipped), shipped.size(), "enroll = " + enroll + "\n");
  daemon_ = std::make_unique<Cognitod>(configuration);
}

std::string erin_sets_up() {
  return changes(kErin, "setup", knows_all("erin", "Garden-Gnome-5"));
}

constexpr char kIsSetUp[] =
    "success | Password:  | URI | Authenticator app set up. You will be asked for a code at each "
    "sign-in.";

// With the password alone, because there is no factor yet.
void a_first_factor_needs_policys_leave_at_the_callers_place(void**) {
  for (const Login& login : kLogins) {
    const FakeLogind logind(login);
    for (const bool anywhere : {false, true}) {
      (void)pool->admin("reset");
      start_with_enroll(anywhere ? "anywhere" : "at-console");
      const bool permitted = anywhere ? login.yes_permits : login.local_permits;
      const std::string ended = erin_sets_up();
      if (permitted ? ended != kIsSetUp : !ended.starts_with("not-permitted | Password:  | Your"))
        fail_msg("%s, enroll = %s: %s", login.row, anywhere ? "anywhere" : "at-console",
                 ended.c_str());
      assert_int_equal(pool->count("AssociateSoftwareToken"), permitted ? 1 : 0);
    }
  }
}

void without_logind_there_is_no_place(void**) {
  start_with_enroll("anywhere");
  assert_true(erin_sets_up().contains("only in a login of yours"));
  // Neither by a sign-in of the process's own, which is none of root's PAM.
  Json::Value demanded;
  demanded["mfa_configuration"] = "ON";
  (void)pool->admin("settings/set", demanded);
  assert_true(erin_sets_up().contains("only in a login of yours"));
  const std::string own = as_user(kErin, [] {
    BusClient bus;
    return told(sign_in(bus, "erin", "cognitoctl", {}, knows_all("erin", "Garden-Gnome-5")));
  });
  assert_text(own, "not-permitted | Password: ");
  assert_int_equal(pool->count("AssociateSoftwareToken"), 0);
}

// enroll = when-required: by the pool's demand, in a login; else the true reason is told, and no
// circle.
void the_true_reason_is_told(void**) {
  start_with_enroll("when-required");
  const FakeLogind logind(kLogins[0]);
  const std::string refused = erin_sets_up();
  assert_true(refused.starts_with("not-permitted | Password:  | "));
  assert_true(refused.contains("this machine does not let you set up the first one from here"));
  assert_true(refused.contains("Ask your administrator."));
  Json::Value demanded;
  demanded["mfa_configuration"] = "ON";
  (void)pool->admin("settings/set", demanded);
  assert_text(erin_sets_up(), kIsSetUp);
}

// The user learns of a change at the next sign-in, once from each place.
void the_user_is_told_once_per_origin(void**) {
  start();
  const Login by_ssh{"", kDave, "user", "", true, "192.0.2.66", false, false};
  const FakeLogind logind(by_ssh);
  (void)signs_in("dave", kDavesPassword, kDave, "192.0.2.7");
  assert_true(changes(kDave, "setup", dave_himself()).starts_with("success"));
  const std::string notice = signs_in("dave", kDavesPassword, kDave, "192.0.2.7");
  assert_true(notice.starts_with("Your authenticator app was changed on 20"));
  assert_true(
      notice.ends_with(" UTC from 192.0.2.66. If this was not you, tell your administrator."));
  assert_text(signs_in("dave", kDavesPassword, kDave, "192.0.2.7"), "");
  assert_text(signs_in("dave", kDavesPassword, kDave, "198.51.100.1"), notice);
  assert_text(signs_in("dave", kDavesPassword, kDave, "198.51.100.1"), "");
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
      cmocka_unit_test_setup(guesses_are_counted, fresh_pool),
      cmocka_unit_test_setup(password_and_factor_change_it_and_leave_nothing, fresh_pool),
      cmocka_unit_test_setup(a_first_factor_needs_policys_leave_at_the_callers_place, fresh_pool),
      cmocka_unit_test_setup(without_logind_there_is_no_place, fresh_pool),
      cmocka_unit_test_setup(the_true_reason_is_told, fresh_pool),
      cmocka_unit_test_setup(the_user_is_told_once_per_origin, fresh_pool),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  daemon_.reset();
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
