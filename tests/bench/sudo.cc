#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/bare_bus.h"
#include "tests/bench/measure.h"
#include "tests/bench/permit_stack.h"
#include "tests/bench/person.h"
#include "tests/bench/rows.h"

// sudo by a user who has a session: no Cognito call, and no question if policy wants none.
namespace pamcognito::bench {
namespace {

constexpr char kPassword[] = "Correct-Horse-1";

test::Stack sudo_stack() {
  test::Stack stack;
  stack.service = "sudo";
  return stack;
}

uid_t uid_of(const char* user) {
  const passwd* entry = ::getpwnam(user);
  if (entry == nullptr) throw Failed(std::string("no account of ") + user);
  return entry->pw_uid;
}

// This process as one that runs in a login of the user's, as sudo finds itself: the kernel's audit
// ids are the login's, the real uid the user's, the effective uid root's.
void enter_login_of(uid_t uid) {
  const Fd file(::open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(uid);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Failed("this kernel does not let a login be made (/proc/self/loginuid)");
}

// sudo's authentication and account phase. The answers are what it may ask for.
double run_sudo(std::vector<std::string> answers) {
  test::Person person;
  person.answers = std::move(answers);
  test::Transaction transaction("alice", &person, sudo_stack());
  const double began = wall_time();
  const int authenticated = transaction.authenticate();
  const int account = authenticated == PAM_SUCCESS ? transaction.account() : authenticated;
  if (account != PAM_SUCCESS)
    throw Failed(std::string("sudo ended with ") + test::code_name(account) + "\n" +
                 test::Cognitod::log());
  return wall_time() - began;
}

// The time of libpam itself for both calls: above all its audit records.
double run_permit(PermitStack* stack) {
  const double began = wall_time();
  stack->authenticate();
  stack->account();
  return wall_time() - began;
}

struct SudoTimes {
  double ours = 0;
  double bare = 0;
  double calls = 0;
};

SudoTimes sudo_times(test::Pool* pool, const BareService& bare_service) {
  constexpr int samples = 300;
  enter_login_of(uid_of("alice"));
  const test::RealUid as_alice(uid_of("alice"));
  (void)run_sudo({kPassword, pool->totp_code("alice")});
  (void)pool->admin("log/reset");
  std::vector<double> ours;
  std::vector<double> bare;
  std::vector<double> libpams;
  PermitStack libpam("libpam", "", "alice");
  for (int i = 0; i < samples; ++i) {
    ours.push_back(run_sudo({}));
    bare.push_back(bare_service.call().round_trip);
    libpams.push_back(run_permit(&libpam));
  }
  return {.ours = median(ours) - median(libpams),
          .bare = median(bare),
          .calls = pool->admin("log/list")["requests"].size() * 1.0};
}

// Processes of their own, each of which becomes one of a login's, and what they report.
class Children {
 public:
  Children() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Failed("pipe");
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
  }

  // `function` gets the descriptor that it reports to. A failure of it is printed.
  template <class Function>
  void start(Function function) {
    children_.emplace_back([&] {
      read_end_.reset();
      try {
        function(write_end_.get());
        return 0;
      } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "%s\n", error.what());
        return 1;
      }
    });
  }

  // One report. After the first no child is started any more: when the last one ends, so does the
  // wait.
  template <class Result>
  Result report(const char* what) {
    write_end_.reset();
    Result result{};
    if (!test::becomes_readable(read_end_.get()))
      throw Failed(std::string(what) + ": no child reported within " +
                   std::to_string(test::kPatienceSeconds) + " s");
    if (::read(read_end_.get(), &result, sizeof result) != sizeof result)
      throw Failed(std::string(what) + ": the child has ended");
    return result;
  }

 private:
  Fd read_end_;
  Fd write_end_;
  std::vector<test::Child> children_;  // killed first
};

template <class Result>
void send_report(int fd, const Result& result) {
  if (::write(fd, &result, sizeof result) != sizeof result) throw Failed("a report was not taken");
}

}  // namespace

void measure_sudo(Report* report, test::Pool* pool) {
  const BareService bare_service;
  Children children;
  children.start([&](int reports) { send_report(reports, sudo_times(pool, bare_service)); });
  const auto times = children.report<SudoTimes>("sudo with reauth = none");
  Row row{.id = "sudo_none",
          .what = "sudo with reauth = none: authentication and account",
          .unit = "µs",
          .figure = times.ours};
  row.reference = times.bare;
  row.reference_is =
      "connect, Hello, a call that returns a socket, one datagram on it and a round trip";
  row.note = "less what libpam takes with pam_permit alone";
  row.limit = 1.5 * times.bare;
  row.budget = "≤ 1.5 × reference";
  report->add(row);

  Row calls{.id = "sudo_none_calls",
            .what = "Cognito calls of these sudos",
            .unit = "",
            .figure = times.calls};
  calls.limit = 0;
  calls.budget = "0";
  report->add(calls);
}

void measure_password_checks(Report* report, test::Pool* pool) {
  constexpr int samples = 60;
  constexpr std::size_t checkers = 2;
  const uid_t alice = uid_of("alice");
  std::vector<double> alone;
  std::vector<double> beside;
  for (int i = 0; i < samples; ++i) alone.push_back(until_first_prompt());
  const auto check_for_ever = [&](int reports) {
    enter_login_of(alice);
    const test::RealUid as_alice(alice);
    (void)run_sudo({kPassword, pool->totp_code("alice")});
    for (bool first = true;; first = false) {
      (void)run_sudo({kPassword});
      if (first) send_report(reports, 'r');
    }
  };
  Children children;
  for (std::size_t i = 0; i < checkers; ++i) children.start(check_for_ever);
  for (std::size_t i = 0; i < checkers; ++i) (void)children.report<char>("password checks");
  for (int i = 0; i < samples; ++i) beside.push_back(until_first_prompt());

  Row row{.id = "beside_password_checks",
          .what = "until the password prompt, beside two password checks",
          .unit = "µs",
          .figure = median(beside)};
  row.reference = median(alone);
  row.reference_is = "the same with nothing beside it";
  row.limit = *row.reference + 5000;
  row.budget = "≤ reference + 5 ms";
  row.note = "a check (scrypt, N = 2^15) takes about 100 ms of a processor; two run all the time";
  report->add(row);
}

}  // namespace pamcognito::bench
