#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "common/bus_names.h"
#include "tests/cmocka_cpp.h"
#include "tests/module/sandbox.h"

// The policy file on a real bus daemon that denies by default, as the system bus does: who may own
// the name, and what everybody may send to it.
namespace pamcognito::test {
namespace {

constexpr uid_t kDaemonUid = 990;
constexpr char kAddress[] = "unix:path=/run/strict_bus";

Child start_strict_bus() {
  write_file("/etc/strict-bus.conf",
             "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
             " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
             "<busconfig><type>system</type><auth>EXTERNAL</auth>\n"
             "<listen>unix:path=/run/strict_bus</listen>\n"
             "<policy context=\"default\"><allow user=\"*\"/>\n"
             "<deny own=\"*\"/><deny send_type=\"method_call\"/>\n"
             "<allow send_type=\"signal\"/>\n"
             "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
             "<allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
             "<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\n"
             "<allow receive_type=\"error\"/><allow receive_type=\"signal\"/>\n"
             "<allow send_destination=\"org.freedesktop.DBus\"\n"
             " send_interface=\"org.freedesktop.DBus\"/></policy>\n"
             "<include>" PAM_COGNITO_TEST_BUS_POLICY "</include></busconfig>\n");
  std::array<int, 2> ready{};
  assert_int_equal(::pipe(ready.data()), 0);
  Child daemon([&] {
    const std::string print = "--print-address=" + std::to_string(ready[1]);
    ::execlp("dbus-daemon", "dbus-daemon", "--config-file=/etc/strict-bus.conf", "--nofork",
             "--nopidfile", "--nosyslog", print.c_str(), nullptr);
    return 127;
  });
  (void)::close(ready[1]);
  std::array<char, 256> address{};
  assert_true(::read(ready[0], address.data(), address.size()) > 0);
  (void)::close(ready[0]);
  return daemon;
}

// In a process of that user, with a connection of its own. Its exit status.
Child as_user(uid_t uid, const std::function<int(sd_bus*)>& work) {
  return Child([=] {
    if (uid != 0 && (::setgid(uid) != 0 || ::setuid(uid) != 0)) return 99;
    (void)::setenv("DBUS_SYSTEM_BUS_ADDRESS", kAddress, 1);
    sd_bus* bus = nullptr;
    return sd_bus_open_system(&bus) < 0 ? 98 : work(bus);
  });
}

int owns(sd_bus* bus) {
  return sd_bus_request_name(bus, bus_names::kService, 0) >= 0 ? 1 : 0;
}

// 1: it passed the bus daemon.
std::function<int(sd_bus*)> reaches(const char* interface, const char* member) {
  return [=](sd_bus* bus) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    (void)sd_bus_call_method(bus, bus_names::kService, "/nothing/here", interface, member, &error,
                             nullptr, "");
    return sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED) ? 0 : 1;
  };
}

// The same with a descriptor, which nothing takes.
int reaches_with_descriptor(sd_bus* bus) {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  (void)sd_bus_call_method(bus, bus_names::kService, "/nothing/here", bus_names::kInterface,
                           "OpenSignIn", &error, nullptr, "h", STDIN_FILENO);
  return sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED) ? 0 : 1;
}

constexpr char kStranger[] = "org.example.Stranger";

// Says its unique name, and takes signals until one without a descriptor has come. 1: no other
// came.
int receives_no_descriptors(sd_bus* own, int name_goes_to) {
  int got = 0;
  const auto count = [](sd_bus_message* message, void* counted, sd_bus_error*) {
    *static_cast<int*>(counted) += sd_bus_message_has_signature(message, "h") > 0 ? 50 : 1;
    return 0;
  };
  const char* name = nullptr;
  if (sd_bus_get_unique_name(own, &name) < 0 ||
      sd_bus_match_signal(own, nullptr, nullptr, nullptr, kStranger, nullptr, count, &got) < 0 ||
      ::write(name_goes_to, name, std::strlen(name)) < 0)
    return 98;
  while (got == 0 || got == 50)
    if (sd_bus_process(own, nullptr) == 0 && sd_bus_wait(own, 60'000'000) <= 0) return 97;
  return got;
}

// One signal with a descriptor, then one without.
int sends_two_signals(sd_bus* bus, const std::string& to) {
  for (const bool with_descriptor : {true, false}) {
    sd_bus_message* signal = nullptr;
    if (sd_bus_message_new_signal(bus, &signal, "/s", kStranger, "Sent") < 0 ||
        (with_descriptor && sd_bus_message_append(signal, "h", STDIN_FILENO) < 0) ||
        sd_bus_message_set_destination(signal, to.c_str()) < 0 ||
        sd_bus_send(bus, signal, nullptr) < 0)
      return 98;
    sd_bus_message_unref(signal);
  }
  // Waits until the bus daemon has read both, so that the refusal of the first finds its sender.
  return sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                            "org.freedesktop.DBus", "GetId", nullptr, nullptr, "") < 0
             ? 98
             : 0;
}

// Signals reach a connection by its own name, whether or not it has another.
void nothing_brings_cognitod_a_descriptor_before_it_has_its_name(void**) {
  const Child bus = start_strict_bus();
  std::array<int, 2> name{};
  assert_int_equal(::pipe(name.data()), 0);
  Child receiver =
      as_user(kDaemonUid, [&](sd_bus* own) { return receives_no_descriptors(own, name[1]); });
  (void)::close(name[1]);
  std::array<char, 64> told{};
  assert_true(::read(name[0], told.data(), told.size() - 1) > 0);
  (void)::close(name[0]);
  Child sender = as_user(kCognitoUserUid, [&](sd_bus* own) {
    return sends_two_signals(own, std::string(told.data()));
  });
  assert_int_equal(sender.wait(), 0);
  assert_int_equal(receiver.wait(), 1);
}

void only_cognitod_owns_the_name(void**) {
  const Child bus = start_strict_bus();
  assert_int_equal(as_user(kCognitoUserUid, &owns).wait(), 0);
  assert_int_equal(as_user(0, &owns).wait(), 0);
  assert_int_equal(as_user(kDaemonUid, &owns).wait(), 1);
}

void everybody_may_call_and_only_root_as_a_host(void**) {
  const Child bus = start_strict_bus();
  std::array<int, 2> ready{};
  assert_int_equal(::pipe(ready.data()), 0);
  const Child owner = as_user(kDaemonUid, [&](sd_bus* own) {
    if (owns(own) != 1) return 1;
    (void)!::write(ready[1], "r", 1);
    for (;;) {
      while (sd_bus_process(own, nullptr) > 0) {
      }
      (void)sd_bus_wait(own, UINT64_MAX);
    }
  });
  (void)::close(ready[1]);
  char byte = 0;
  assert_int_equal(::read(ready[0], &byte, 1), 1);
  (void)::close(ready[0]);
  for (const uid_t uid : {uid_t{0}, kCognitoUserUid}) {
    assert_int_equal(as_user(uid, reaches(bus_names::kInterface, "OpenSignIn")).wait(), 1);
    assert_int_equal(as_user(uid, reaches(bus_names::kInterface, "SetUpTotp")).wait(), 1);
    assert_int_equal(
        as_user(uid, reaches("org.freedesktop.DBus.Introspectable", "Introspect")).wait(), 1);
    assert_int_equal(as_user(uid, reaches("org.freedesktop.DBus.Properties", "Get")).wait(), 1);
    assert_int_equal(as_user(uid, reaches("org.freedesktop.DBus.Properties", "Set")).wait(), 0);
    assert_int_equal(as_user(uid, reaches("org.example.Other", "Anything")).wait(), 0);
    // A caller of this interface is believed to be root.
    const int is_root = uid == 0 ? 1 : 0;
    assert_int_equal(as_user(uid, reaches(bus_names::kHostInterface, "OpenSignIn")).wait(),
                     is_root);
    assert_int_equal(as_user(uid, reaches(nullptr, "OpenLogin")).wait(), 0);
    assert_int_equal(as_user(uid, &reaches_with_descriptor).wait(), 0);
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  write_file(
      "/etc/passwd",
      "root:x:0:0::/:/bin/sh\ncognitod:x:990:990::/:/bin/sh\nalice:x:1001:1001::/:/bin/sh\n");
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_cognitod_owns_the_name),
      cmocka_unit_test(nothing_brings_cognitod_a_descriptor_before_it_has_its_name),
      cmocka_unit_test(everybody_may_call_and_only_root_as_a_host),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
