#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/bus_names.h"
#include "daemon/bus/auth_service.h"
#include "tests/cmocka_cpp.h"
#include "tests/module/host.h"
#include "tests/module/sandbox.h"
#include "tests/sign_in/scripted.h"

// OpenPasswordChange on a real bus: who may call it, and passwd(1)'s way through module, bus and
// flow, with a scripted pool.
namespace pamcognito::test {
namespace {

constexpr uid_t kLocalUserUid = 1002;
constexpr uid_t kPrimaryGroupUid = 1003;

// The answers of the pool.
using Script = void (*)(ScriptedPool&);

// A process that serves the bus with a scripted pool; without a script: unconfigured. Module, bus
// and loop are real, and so is the pool's clock: their deadlines meet in it.
class Service {
 public:
  explicit Service(Script script = nullptr) {
    std::array<int, 2> ready{};
    assert_int_equal(::pipe(ready.data()), 0);
    child_ = Child([&] {
      // One thread only until here: the worker is this process's own.
      runtime::EventLoop loop;
      runtime::LoopClock clock(loop);
      runtime::Worker worker(loop, 8);
      sessions::KnownUsers known(loop, worker, "/run/known-users.db");
      if (!known.load("eu-west-1_Example")) return 1;
      const auto store = sessions::SessionStore::open(Fd(), false);
      if (!store) return 1;
      ScriptedPool pool(clock);
      bus::AuthService service(bus::Dependencies{.loop = loop,
                                                 .clock = clock,
                                                 .worker = worker,
                                                 .store = **store,
                                                 .known = known,
                                                 .max_sign_ins = 64,
                                                 .sessions_survive = false,
                                                 .state_directory = "/run"});
      if (script != nullptr) {
        auto config = std::make_shared<policy::Config>();
        World::allow_alice(*config, pool);
        script(pool);
        service.configure(std::move(config),
                          std::shared_ptr<cognito::UserPool>(std::shared_ptr<void>(), &pool));
      }
      if (service.start() < 0) return 1;
      // start() has waited for the bus daemon's answer, so this process owns the name.
      (void)!::write(ready[1], "r", 1);
      return loop.run();
    });
    (void)::close(ready[1]);
    char byte = 0;
    assert_int_equal(::read(ready[0], &byte, 1), 1);
    (void)::close(ready[0]);
  }

 private:
  Child child_;
};

// The error's name without its prefix; "": there was a socket.
std::string call(const char* method, const char* user, const char* service,
                 std::optional<std::uint32_t> real_uid) {
  sd_bus* bus = nullptr;
  if (::sd_bus_open_system(&bus) < 0) return "no bus";
  sd_bus_message* message = nullptr;
  sd_bus_message* reply = nullptr;
  sd_bus_error error = SD_BUS_ERROR_NULL;
  (void)::sd_bus_message_new_method_call(
      bus, &message, bus_names::kService, bus_names::kPath,
      ::geteuid() == 0 ? bus_names::kHostInterface : bus_names::kInterface, method);
  (void)::sd_bus_message_append(message, "ss", user, service);
  if (real_uid)
    (void)::sd_bus_message_append(message, "a{sv}", 1, bus_names::kFactRealUid, "u", *real_uid);
  else
    (void)::sd_bus_message_append(message, "a{sv}", 0);
  (void)::sd_bus_call(bus, message, 0, &error, &reply);
  constexpr std::string_view prefix = "org.pamcognito.Error.";
  std::string name = error.name != nullptr ? error.name : "";
  if (name.starts_with(prefix)) name.erase(0, prefix.size());
  ::sd_bus_error_free(&error);
  ::sd_bus_message_unref(message);
  ::sd_bus_message_unref(reply);
  ::sd_bus_flush_close_unref(bus);
  return name;
}

// The same by a process of another user; the name comes through a pipe.
std::string call_as(uid_t uid, const char* user) {
  std::array<int, 2> answer{};
  assert_int_equal(::pipe(answer.data()), 0);
  Child caller([&] {
    if (::setgid(uid) != 0 || ::setuid(uid) != 0) return 1;
    const std::string name = call("OpenPasswordChange", user, "passwd", uid);
    return ::write(answer[1], name.data(), name.size()) < 0 ? 1 : 0;
  });
  assert_int_equal(caller.wait(), 0);
  (void)::close(answer[1]);
  std::array<char, 256> text{};
  (void)!::read(answer[0], text.data(), text.size() - 1);
  (void)::close(answer[0]);
  return text.data();
}

void only_the_person_itself_may_call(void**) {
  const Service service;
  constexpr char method[] = "OpenPasswordChange";
  constexpr char allowed[] = "Unconfigured";  // it came as far as that
  assert_text(call(method, kCognitoUser, "passwd", kCognitoUserUid), allowed);
  assert_text(call(method, kCognitoUser, "passwd", 0), "NotPermitted");
  assert_text(call(method, kCognitoUser, "passwd", kLocalUserUid), "NotPermitted");
  assert_text(call(method, kCognitoUser, "passwd", kPrimaryGroupUid), "NotPermitted");
  assert_text(call(method, kCognitoUser, "passwd", 4242), "NotPermitted");  // a uid without a user
  assert_text(call("OpenSignIn", kCognitoUser, "sudo", 0), allowed);

  assert_text(call_as(kCognitoUserUid, kCognitoUser), allowed);
  assert_text(call_as(kCognitoUserUid, kPrimaryGroupUser), "NotPermitted");
  assert_text(call_as(kPrimaryGroupUid, kCognitoUser), "NotPermitted");
  assert_text(call_as(kLocalUserUid, kLocalUser), "NotOurs");
  assert_text(call_as(kLocalUserUid, kCognitoUser), "NotOurs");
}

void malformed_arguments(void**) {
  const Service service;
  constexpr char method[] = "OpenPasswordChange";
  assert_text(call(method, kCognitoUser, "passwd", std::nullopt), "InvalidArgument");
  assert_text(call(method, "no such name!", "passwd", kCognitoUserUid), "InvalidArgument");
  assert_text(call(method, kCognitoUser, "../passwd", kCognitoUserUid), "InvalidArgument");
  assert_text(call(method, kCognitoUser, "", kCognitoUserUid), "InvalidArgument");
}

int passwd(Person* person, std::string* tokens) {
  const RealUid itself(kCognitoUserUid);
  Transaction transaction(kCognitoUser, person, {.service = "passwd"});
  const int code = transaction.change_password();
  *tokens = transaction.tokens_handed_over();
  return code;
}

void passwd_changes_the_password(void**) {
  const Service service([](ScriptedPool& pool) {
    pool.reply_challenge(cognito::ChallengeName::software_token_mfa);
    pool.reply_tokens();
  });
  Person person{.answers = {"right password", "123456", "Another-One-2", "Another-One-2"}};
  std::string tokens;
  assert_string_equal(code_name(passwd(&person, &tokens)), "PAM_SUCCESS");
  assert_text(tokens, "AUTHTOK=Another-One-2 OLDAUTHTOK=right password");
  assert_text(person.seen,
              "hidden(Current password: ) | visible(Code from your authenticator app: ) | "
              "hidden(New password: ) | hidden(Retype new password: )");
}

void a_wrong_password_changes_nothing(void**) {
  const Service service(
      [](ScriptedPool& pool) { pool.reply_error(cognito::ErrorKind::not_authorized); });
  Person person{.answers = {"wrong", "Another-One-2", "Another-One-2"}};
  std::string tokens;
  assert_string_equal(code_name(passwd(&person, &tokens)), "PAM_AUTHTOK_RECOVERY_ERR");
  assert_text(tokens, "");
  assert_int_equal(person.questions, 1);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  const PrivateBus bus;
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_the_person_itself_may_call),
      cmocka_unit_test(malformed_arguments),
      cmocka_unit_test(passwd_changes_the_password),
      cmocka_unit_test(a_wrong_password_changes_nothing),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
