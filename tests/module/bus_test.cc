// Failures on the way to cognitod: no bus, a stopped bus, no cognitod, a stopped cognitod, error
// replies.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "common/bus_names.h"
#include "common/fd.h"
#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

constexpr unsigned kWatchdog = 120;  // seconds; SIGALRM ends the test program

struct Codes {
  int authenticate;
  int account;  // in a separate transaction, as after an SSH key
};

Codes try_both() {
  Person person{.answers = {"secret"}};
  Codes codes{};
  {
    Transaction transaction(kCognitoUser, &person);
    codes.authenticate = transaction.authenticate();
  }
  Transaction transaction(kCognitoUser, &person);
  codes.account = transaction.account();
  assert_int_equal(person.questions, 0);
  return codes;
}

void assert_both(const Codes& expected) {
  const Codes codes = try_both();
  assert_code(codes.authenticate, expected.authenticate);
  assert_code(codes.account, expected.account);
}

constexpr Codes kUnavailable = {PAM_AUTHINFO_UNAVAIL, PAM_PERM_DENIED};
// These failures do not prove that cognitod is absent, so they must not permit a local password.
constexpr Codes kFailed = {PAM_AUTH_ERR, PAM_PERM_DENIED};

// A socket at the address of the system bus that does only what its type says.
Fd listen_at_bus_address(int backlog) {
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/dbus/system_bus_socket");
  (void)::unlink(address.sun_path);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  assert_int_equal(::bind(listener.get(), name, sizeof(address)), 0);
  if (backlog >= 0) assert_int_equal(::listen(listener.get(), backlog), 0);
  return listener;
}

void no_bus_is_unavailable(void**) {
  assert_both(kUnavailable);
  const Fd refuses = listen_at_bus_address(-1);  // ECONNREFUSED
  assert_both(kUnavailable);
  assert_int_equal(::unlink("/run/dbus/system_bus_socket"), 0);
}

void a_bus_that_never_authenticates_is_a_failure(void**) {
  const Fd silent = listen_at_bus_address(8);
  assert_both(kFailed);
  assert_int_equal(::unlink("/run/dbus/system_bus_socket"), 0);
}

void a_bus_with_a_full_queue_is_a_failure(void**) {
  const Fd full = listen_at_bus_address(0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/dbus/system_bus_socket");
  const Fd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  assert_int_equal(
      ::connect(first.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  assert_both(kFailed);
  assert_int_equal(::unlink("/run/dbus/system_bus_socket"), 0);
}

void a_bus_that_hangs_up_is_a_failure(void**) {
  const Fd listener = listen_at_bus_address(8);
  const Child hangs_up([&listener] {
    while (true) {
      const Fd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char byte = 0;
      (void)!::read(connection.get(), &byte, 1);
    }
    return 0;
  });
  assert_both(kFailed);
  assert_int_equal(::unlink("/run/dbus/system_bus_socket"), 0);
}

void a_stopped_bus_is_a_failure(void**) {
  const PrivateBus bus;
  bus.signal(SIGSTOP);
  assert_both(kFailed);
  bus.signal(SIGCONT);
}

// alice runs `su bob` and stops it between the call and the reply, for longer than the module
// waits.
void a_stopped_module_is_a_failure(void**) {
  const PrivateBus bus;
  const FakeDaemon silent({}, {.silent = true});
  Child host([] {
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person);
    return transaction.authenticate();
  });
  constexpr int tries = 5000;
  for (int i = 0; i < tries && silent.record().opened == 0; ++i) (void)::usleep(1000);
  if (silent.record().opened == 0) fail_msg("waited in vain for the module's call");
  host.signal(SIGSTOP);
  const timespec longer_than_it_waits{.tv_sec = 2, .tv_nsec = 300'000'000};
  (void)::nanosleep(&longer_than_it_waits, nullptr);
  host.signal(SIGCONT);
  assert_code(host.wait(), PAM_AUTH_ERR);
}

void a_missing_cognitod_is_unavailable(void**) {
  const PrivateBus bus;
  assert_both(kUnavailable);
}

// org.freedesktop.systemd1 on the private bus, with the unit cognitod.service only.
class FakeSystemd {
 public:
  struct Unit {
    const char* state;
    const char* result = "exit-code";
    std::int32_t status = 203;
    const char* loaded = "loaded";
  };

  explicit FakeSystemd(const Unit& unit) {
    int ends[2];
    assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
    const Fd ready(ends[0]);
    Fd is_ready(ends[1]);
    child_ = Child([&] {
      serve(unit, is_ready);
      return 1;
    });
    is_ready.reset();
    char byte = 0;
    assert_int_equal(::read(ready.get(), &byte, 1), 1);
  }

 private:
  static void serve(Unit unit, const Fd& is_ready) {
    const sd_bus_vtable of_unit[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("ActiveState", "s", nullptr, offsetof(Unit, state), 0),
        SD_BUS_PROPERTY("LoadState", "s", nullptr, offsetof(Unit, loaded), 0), SD_BUS_VTABLE_END};
    const sd_bus_vtable of_service[] = {
        SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("Result", "s", nullptr, offsetof(Unit, result), 0),
        SD_BUS_PROPERTY("ExecMainStatus", "i", nullptr, offsetof(Unit, status), 0),
        SD_BUS_VTABLE_END};
    const char* path = "/org/freedesktop/systemd1/unit/cognitod_2eservice";
    sd_bus* bus = nullptr;
    if (::sd_bus_new(&bus) < 0 ||
        ::sd_bus_set_address(bus, "unix:path=/run/dbus/system_bus_socket") < 0 ||
        ::sd_bus_set_bus_client(bus, 1) < 0 || ::sd_bus_start(bus) < 0 ||
        ::sd_bus_add_object_vtable(bus, nullptr, path, "org.freedesktop.systemd1.Unit", of_unit,
                                   &unit) < 0 ||
        ::sd_bus_add_object_vtable(bus, nullptr, path, "org.freedesktop.systemd1.Service",
                                   of_service, &unit) < 0 ||
        ::sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) < 0)
      return;
    (void)!::write(is_ready.get(), "r", 1);
    int processed = 0;
    while ((processed = ::sd_bus_process(bus, nullptr)) >= 0)
      if (processed == 0 && ::sd_bus_wait(bus, UINT64_MAX) < 0) return;
  }

  Child child_;
};

// systemd does not report a failed start to the bus, so the module asks systemd. Only a unit that
// has failed for good, or must not start, permits a local password.
void a_start_that_times_out_is_unavailable_once_the_unit_has_failed(void**) {
  write_file("/run/dbus/" + std::string(bus_names::kService) + ".service",
             "[D-BUS Service]\nName=" + std::string(bus_names::kService) +
                 "\nExec=/usr/bin/setpriv --pdeathsig KILL sleep 600\n");
  const PrivateBus bus(
      "<type>session</type><servicedir>/run/dbus</servicedir>\n"
      "<limit name=\"service_start_timeout\">600000</limit>\n");
  Person person{.answers = {"secret"}};
  const auto authenticate = [&person] {
    Transaction transaction(kCognitoUser, &person);
    return transaction.authenticate();
  };
  assert_code(authenticate(), PAM_AUTH_ERR);  // no systemd
  for (const char* state : {"activating", "active", "inactive", ""}) {
    print_message("%s\n", state);
    const FakeSystemd systemd({.state = state});
    assert_code(authenticate(), PAM_AUTH_ERR);
  }
  // A user can cause these by using up processes, memory or inodes, so they prove nothing.
  for (const FakeSystemd::Unit& unit : {FakeSystemd::Unit{"failed", "resources", 0},
                                        {"failed", "timeout", 0},
                                        {"failed", "exit-code", 1},
                                        {"failed", "exit-code", 217},
                                        {"failed", "exit-code", 226},
                                        {"failed", "exit-code", 243},
                                        {"active", "success", 0, "masked"},
                                        {"inactive", "success", 0, "error"}}) {
    print_message("%s %d\n", unit.result, unit.status);
    const FakeSystemd systemd(unit);
    assert_code(authenticate(), PAM_AUTH_ERR);
  }
  for (const FakeSystemd::Unit& unit : {FakeSystemd::Unit{"failed"},
                                        {"failed", "exit-code", 217, "masked"},
                                        {"inactive", "success", 0, "masked"},
                                        {"inactive", "success", 0, "not-found"}}) {
    print_message("%s %s\n", unit.state, unit.loaded);
    const FakeSystemd systemd(unit);
    assert_code(authenticate(), PAM_AUTHINFO_UNAVAIL);
  }
  assert_int_equal(person.questions, 0);
}

// dbus-broker reports every failed start like this.
void a_name_without_owner_is_unavailable_once_the_unit_has_failed(void**) {
  const PrivateBus bus;
  const FakeDaemon daemon({}, {.open_error = SD_BUS_ERROR_NAME_HAS_NO_OWNER});
  for (const auto& [result, code] :
       {std::pair{"resources", PAM_AUTH_ERR}, std::pair{"exit-code", PAM_AUTHINFO_UNAVAIL}}) {
    const FakeSystemd systemd({.state = "failed", .result = result});
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person);
    assert_code(transaction.authenticate(), code);
  }
}

void a_stopped_or_silent_cognitod_is_a_failure(void**) {
  const PrivateBus bus;
  {
    const FakeDaemon daemon;
    daemon.signal(SIGSTOP);
    assert_both(kFailed);
    daemon.signal(SIGCONT);
  }
  const FakeDaemon silent({}, {.silent = true});
  assert_both(kFailed);
}

void error_replies_have_their_codes(void**) {
  struct Row {
    const char* error;
    Codes codes;
  };
  const Row rows[] = {
      {bus_names::kErrorUnconfigured, kUnavailable},
      {bus_names::kErrorTooManySignIns, {PAM_MAXTRIES, PAM_MAXTRIES}},
      {bus_names::kErrorNotPermitted, {PAM_AUTH_ERR, PAM_PERM_DENIED}},
      {bus_names::kErrorNotOurs, {PAM_AUTH_ERR, PAM_PERM_DENIED}},
      {bus_names::kErrorInvalidArgument, {PAM_SERVICE_ERR, PAM_SERVICE_ERR}},
      {"org.freedesktop.DBus.Error.ServiceUnknown", kUnavailable},
      {"org.freedesktop.DBus.Error.NameHasNoOwner", kFailed},
      {"org.freedesktop.DBus.Error.NoReply", kFailed},
      {"org.freedesktop.DBus.Error.Spawn.ChildExited", kUnavailable},
      {"org.freedesktop.DBus.Error.TimedOut", kFailed},
      {"org.freedesktop.DBus.Error.Spawn.ForkFailed", {PAM_SERVICE_ERR, PAM_SERVICE_ERR}},
      {"org.freedesktop.systemd1.LoadFailed", kUnavailable},
      {"org.freedesktop.systemd1.UnitMasked", kUnavailable},
      {"org.freedesktop.systemd1.TransactionIsDestructive", kFailed},
      {"org.freedesktop.systemd1.ShuttingDown", kFailed},
      {"org.freedesktop.DBus.Error.LimitsExceeded", {PAM_AUTH_ERR, PAM_PERM_DENIED}},
      {"org.freedesktop.DBus.Error.AccessDenied", {PAM_AUTH_ERR, PAM_PERM_DENIED}},
      {"org.freedesktop.DBus.Error.UnknownMethod", {PAM_SERVICE_ERR, PAM_SERVICE_ERR}},
      {"com.example.Error.FromTheFuture", {PAM_SERVICE_ERR, PAM_SERVICE_ERR}},
  };
  const PrivateBus bus;
  for (const Row& row : rows) {
    print_message("%s\n", row.error);
    const FakeDaemon daemon({}, {.open_error = row.error, .check_error = row.error});
    assert_both(row.codes);
  }
}

void malformed_replies_are_a_service_error(void**) {
  const PrivateBus bus;
  {
    const FakeDaemon daemon({}, {.malformed_replies = true});
    assert_both({PAM_SERVICE_ERR, PAM_SERVICE_ERR});
  }
  const FakeDaemon daemon({}, {.wrong_socket_type = SOCK_STREAM});
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SERVICE_ERR);
}

// The module closes its connection before it asks the user.
void no_bus_connection_stays_open_while_the_user_types(void**) {
  PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  Person person{.answers = {"secret"}};
  person.before_answering = [&bus](std::size_t) { bus.kill(); };
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
}

void the_environment_does_not_change_the_address(void**) {
  (void)::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
  (void)::setenv("DBUS_STARTER_ADDRESS", "unix:path=/nonexistent", 1);
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  (void)::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  (void)::unsetenv("DBUS_STARTER_ADDRESS");
}

int arm_watchdog(void**) {
  (void)::alarm(kWatchdog);
  return 0;
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(no_bus_is_unavailable, arm_watchdog),
      cmocka_unit_test_setup(a_bus_that_never_authenticates_is_a_failure, arm_watchdog),
      cmocka_unit_test_setup(a_bus_with_a_full_queue_is_a_failure, arm_watchdog),
      cmocka_unit_test_setup(a_bus_that_hangs_up_is_a_failure, arm_watchdog),
      cmocka_unit_test_setup(a_stopped_bus_is_a_failure, arm_watchdog),
      cmocka_unit_test_setup(a_stopped_module_is_a_failure, arm_watchdog),
      cmocka_unit_test_setup(a_missing_cognitod_is_unavailable, arm_watchdog),
      cmocka_unit_test_setup(a_start_that_times_out_is_unavailable_once_the_unit_has_failed,
                             arm_watchdog),
      cmocka_unit_test_setup(a_name_without_owner_is_unavailable_once_the_unit_has_failed,
                             arm_watchdog),
      cmocka_unit_test_setup(a_stopped_or_silent_cognitod_is_a_failure, arm_watchdog),
      cmocka_unit_test_setup(error_replies_have_their_codes, arm_watchdog),
      cmocka_unit_test_setup(malformed_replies_are_a_service_error, arm_watchdog),
      cmocka_unit_test_setup(no_bus_connection_stays_open_while_the_user_types, arm_watchdog),
      cmocka_unit_test_setup(the_environment_does_not_change_the_address, arm_watchdog),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
