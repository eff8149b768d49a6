#include <fcntl.h>
#include <poll.h>
#include <systemd/sd-bus.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/bus_names.h"
#include "common/fd.h"
#include "common/frame.h"
#include "tests/bench/measure.h"
#include "tests/bench/person.h"
#include "tests/bench/rows.h"

namespace pamcognito::bench {
namespace {

constexpr std::size_t kSignIns = 2000;
// At most 8 of a user and origin, and 32 of an origin, may be open: each has an address of its own.
constexpr std::size_t kUsers = 40;
// Password steps at once; those of one user go one after the other.
constexpr std::size_t kAtOnce = 4;
constexpr char kPassword[] = "Correct-Horse-1";

struct CloseBus {
  void operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, CloseBus>;
struct Unref {
  void operator()(sd_bus_message* message) const { ::sd_bus_message_unref(message); }
};

std::string user_name(std::size_t i) {
  return "waiting" + std::to_string(i % kUsers);
}

void make_users(test::Pool* pool) {
  for (std::size_t i = 0; i < kUsers; ++i) {
    Json::Value user;
    user["username"] = user_name(i);
    user["password"] = kPassword;
    user["groups"].append("linux-users");
    user["mfa"]["enabled"].append("SOFTWARE_TOKEN_MFA");
    user["mfa"]["preferred"] = "SOFTWARE_TOKEN_MFA";
    user["mfa"]["totp_secret"] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    (void)pool->admin("users/create", user);
  }
}

Fd open_sign_in(sd_bus* bus, std::size_t i) {
  const std::string address = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
  sd_bus_message* answer = nullptr;
  const int result = ::sd_bus_call_method(
      bus, bus_names::kService, bus_names::kPath, bus_names::kInterface, "OpenSignIn", nullptr,
      &answer, "ssa{sv}", user_name(i).c_str(), "sshd", 2, bus_names::kFactRealUid, "u", 0U,
      bus_names::kFactRemoteHost, "s", address.c_str());
  const std::unique_ptr<sd_bus_message, Unref> reply(answer);
  int passed = -1;
  unsigned deadline = 0;
  if (result < 0 || ::sd_bus_message_read(reply.get(), "hu", &passed, &deadline) < 0)
    throw Failed("sign-in " + std::to_string(i) + " was not opened");
  return Fd(::fcntl(passed, F_DUPFD_CLOEXEC, 3));
}

// Until the daemon asks for this.
void await_question(const Fd& socket, Purpose purpose) {
  constexpr int patience_ms = 30'000;
  pollfd poll{.fd = socket.get(), .events = POLLIN, .revents = 0};
  if (::poll(&poll, 1, patience_ms) != 1) throw Failed("a waiting sign-in got no question");
  const auto frame = receive_from_daemon(socket.get());
  const bool asked =
      frame && frame->purpose == purpose &&
      (frame->type == FrameType::ask_hidden || frame->type == FrameType::ask_visible);
  if (!asked)
    throw Failed("a waiting sign-in got something else than its question\n" +
                 test::Cognitod::log());
}

void answer_passwords(const std::vector<Fd>& sockets) {
  for (std::size_t from = 0; from < sockets.size(); from += kAtOnce) {
    for (std::size_t i = from; i < from + kAtOnce; ++i) {
      const auto password = Secret::copy_of(kPassword);
      if (!password || !send_answer(sockets[i].get(), Purpose::password, *password))
        throw Failed("a waiting sign-in is gone");
    }
    for (std::size_t i = from; i < from + kAtOnce; ++i) await_question(sockets[i], Purpose::code);
  }
}
static_assert(kSignIns % kAtOnce == 0);

double private_kib(pid_t pid) {
  const Memory memory = memory_of(pid);
  return memory.private_dirty + memory.private_clean;
}

Row waiting_row(const char* id, const char* what, double kib) {
  Row row{.id = id, .what = what, .unit = "KiB", .decimals = 1, .figure = kib / kSignIns};
  row.limit = 8;
  row.budget = "≤ 8 KiB";
  return row;
}

}  // namespace

void measure_waiting(Report* report, test::Pool* pool, const test::Cognitod& daemon) {
  make_users(pool);
  warm_up(pool, daemon.pid());
  sd_bus* connection = nullptr;
  if (::sd_bus_open_system(&connection) < 0) throw Failed("the private bus cannot be reached");
  const Bus bus(connection);

  const double before = private_kib(daemon.pid());
  std::vector<Fd> sockets;
  for (std::size_t i = 0; i < kSignIns; ++i) sockets.push_back(open_sign_in(bus.get(), i));
  for (const Fd& socket : sockets) await_question(socket, Purpose::password);
  ProcessCpu(daemon.pid()).settle();
  const double at_password = private_kib(daemon.pid());
  report->add(waiting_row("waiting_password", "2,000 wait at the password prompt: private, each",
                          at_password - before));

  const double began = wall_time();
  answer_passwords(sockets);
  const double took_s = (wall_time() - began) / 1e6;
  ProcessCpu(daemon.pid()).settle();
  Row code = waiting_row("waiting_code", "2,000 wait at the code prompt: private, each",
                         private_kib(daemon.pid()) - before);
  code.note = "their password steps took " + std::to_string(static_cast<int>(took_s)) + " s, " +
              std::to_string(kAtOnce) + " at once, the pool's own work included";
  report->add(code);
}

}  // namespace pamcognito::bench
