#include <grp.h>
#include <pwd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/permit_stack.h"
#include "tests/bench/rows.h"

// Measures the module without an answer of the daemon.
namespace pamcognito::bench {
namespace {

constexpr double kMillisecond = 1000;

double time_of(PermitStack* stack) {
  const double before = wall_time();
  stack->authenticate();
  return wall_time() - before;
}

double look_up(const char* user, const char* group_name) {
  std::array<char, 4096> memory{};
  passwd account{};
  passwd* found_account = nullptr;
  group members{};
  group* found_group = nullptr;
  const double before = wall_time();
  (void)::getpwnam_r(user, &account, memory.data(), memory.size(), &found_account);
  (void)::getgrnam_r(group_name, &members, memory.data(), memory.size(), &found_group);
  const double after = wall_time();
  if (found_account == nullptr || found_group == nullptr)
    throw Failed("the sandbox's user or group is not there");
  return after - before;
}

// The time of a Cognito user's sign-in that ends with `expected` because cognitod does not serve
// it.
double time_until(int expected) {
  test::Person person;
  test::Transaction transaction("alice", &person);
  const double before = wall_time();
  const int code = transaction.authenticate();
  const double after = wall_time();
  if (code != expected)
    throw Failed(std::string("without a service the module answered ") + test::code_name(code));
  return (after - before) / kMillisecond;
}

Row absent_row(const char* id, const char* what) {
  constexpr int samples = 50;
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) times.push_back(time_until(PAM_AUTHINFO_UNAVAIL));
  Row row{.id = id, .what = what, .unit = "ms", .decimals = 2, .figure = median(times)};
  row.limit = 5;
  row.budget = "≤ 5 ms";
  return row;
}

Row stopped_row(const char* id, const char* what) {
  Row row{.id = id, .what = what, .unit = "ms", .decimals = 0, .figure = time_until(PAM_AUTH_ERR)};
  row.limit = 2100;
  row.budget = "≤ 2100 ms";
  return row;
}

}  // namespace

void measure_not_ours(Report* report) {
  constexpr int samples = 4000;
  const char* user = "localuser";
  PermitStack with("with", "auth optional " PAM_COGNITO_BENCH_MODULE "\n", user);
  PermitStack without("without", "", user);
  std::vector<double> with_us;
  std::vector<double> without_us;
  std::vector<double> look_ups;
  for (int i = 0; i < samples; ++i) {
    with_us.push_back(time_of(&with));
    without_us.push_back(time_of(&without));
    look_ups.push_back(look_up(user, "cognito-users"));
  }
  Row row{.id = "not_ours",
          .what = "a user who is not ours",
          .unit = "µs",
          .decimals = 1,
          .figure = median(with_us) - median(without_us)};
  row.reference = median(look_ups);
  row.reference_is = "getpwnam_r and getgrnam_r in the same process";
  row.limit = *row.reference + 20;
  row.budget = "≤ reference + 20 µs";
  row.note = "pam_authenticate with the module less the same stack without it";
  report->add(row);
}

void measure_absent(Report* report) {
  report->add(absent_row("no_bus", "no bus: until the answer"));
  test::PrivateBus bus;
  report->add(absent_row("no_daemon", "a bus, no daemon: until the answer"));
  bus.signal(SIGSTOP);
  report->add(stopped_row("bus_stopped", "bus stopped: until the answer"));
  bus.kill();
}

void measure_stopped_daemon(Report* report, const test::Cognitod& daemon) {
  daemon.signal(SIGSTOP);
  report->add(stopped_row("daemon_stopped", "daemon stopped: until the answer"));
  daemon.signal(SIGCONT);
}

}  // namespace pamcognito::bench
