// The steps of cognitod-accounts after a change: logind ends the user's sessions, and nscd forgets.

#include "accounts/after_change.h"

#include <fcntl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/module/check.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

constexpr uid_t kUid = 1879048647;
constexpr char kCalls[] = "/run/calls";

void note(const std::string& call) {
  const int fd = ::open(kCalls, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  (void)!::write(fd, call.data(), call.size());
  (void)::close(fd);
}

std::string calls() {
  std::string text(512, '\0');
  const int fd = ::open(kCalls, O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? 0 : ::read(fd, text.data(), text.size());
  (void)::close(fd);
  text.resize(static_cast<std::size_t>(got < 0 ? 0 : got));
  (void)::unlink(kCalls);
  return text;
}

const char* g_error = nullptr;

int set_linger(sd_bus_message* call, void*, sd_bus_error*) {
  std::uint32_t uid = 0;
  int enable = 0;
  int interactive = 0;
  if (sd_bus_message_read(call, "ubb", &uid, &enable, &interactive) < 0) return -EINVAL;
  note("linger " + std::to_string(uid) + " " + std::to_string(enable) +
       std::to_string(interactive) + "\n");
  if (g_error != nullptr) return sd_bus_reply_method_errorf(call, g_error, "no");
  return sd_bus_reply_method_return(call, "");
}

int terminate(sd_bus_message* call, void*, sd_bus_error*) {
  std::uint32_t uid = 0;
  if (sd_bus_message_read(call, "u", &uid) < 0) return -EINVAL;
  note("terminate " + std::to_string(uid) + "\n");
  if (g_error != nullptr) return sd_bus_reply_method_errorf(call, g_error, "no");
  return sd_bus_reply_method_return(call, "");
}

const sd_bus_vtable kManager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("SetUserLinger", "ubb", "", set_linger, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("TerminateUser", "u", "", terminate, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

// systemd-logind's name on the bus, in a process of its own. Ready when the constructor returns.
class Logind {
 public:
  explicit Logind(const char* error = nullptr) {
    int ends[2];
    assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
    child_ = Child([&] {
      g_error = error;
      sd_bus* bus = nullptr;
      if (sd_bus_open_system(&bus) < 0 ||
          sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/login1",
                                   "org.freedesktop.login1.Manager", kManager, nullptr) < 0 ||
          sd_bus_request_name(bus, "org.freedesktop.login1", 0) < 0)
        return 1;
      (void)!::write(ends[1], "", 1);
      while (sd_bus_process(bus, nullptr) > 0 || sd_bus_wait(bus, UINT64_MAX) >= 0) {
      }
      return 0;
    });
    (void)::close(ends[1]);
    assert_true(becomes_readable(ends[0]));
    char ready = 1;
    assert_int_equal(::read(ends[0], &ready, 1), 1);
    (void)::close(ends[0]);
  }

 private:
  Child child_;
};

void logind_ends_sessions_and_lingering(void**) {
  const Logind logind;
  const auto done = accounts::terminate_user(kUid);
  if (!done) fail_msg("%s", done.error().c_str());
  assert_text(calls(), "linger 1879048647 00\nterminate 1879048647\n");
}

void a_user_without_sessions_is_no_failure(void**) {
  const Logind logind("org.freedesktop.login1.NoSuchUser");
  assert_true(accounts::terminate_user(kUid).has_value());
  assert_text(calls(), "linger 1879048647 00\nterminate 1879048647\n");
}

void a_refusal_of_logind_is_reported(void**) {
  const Logind logind("org.freedesktop.DBus.Error.AccessDenied");
  assert_text(accounts::terminate_user(kUid).error(), "logind: TerminateUser: EACCES");
  (void)calls();
}

void without_logind_the_failure_is_reported(void**) {
  assert_false(accounts::terminate_user(kUid).has_value());
}

void without_nscd_nothing_runs(void**) {
  assert_true(accounts::invalidate_nscd().has_value());
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(logind_ends_sessions_and_lingering),
      cmocka_unit_test(a_user_without_sessions_is_no_failure),
      cmocka_unit_test(a_refusal_of_logind_is_reported),
      cmocka_unit_test(without_logind_the_failure_is_reported),
      cmocka_unit_test(without_nscd_nothing_runs),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
