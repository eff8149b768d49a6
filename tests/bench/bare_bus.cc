#include "tests/bench/bare_bus.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <vector>

#include "common/fd.h"
#include "tests/bench/measure.h"
#include "tests/bench/person.h"
#include "tests/bench/rows.h"

namespace pamcognito::bench {
namespace {

constexpr char kName[] = "org.pamcognito.Bench";
constexpr char kPath[] = "/org/pamcognito/Bench";

struct CloseBus {
  void operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, CloseBus>;

Bus connect() {
  sd_bus* bus = nullptr;
  if (::sd_bus_open_system(&bus) < 0) throw Failed("the private bus cannot be reached");
  return Bus(bus);
}

// Answers one byte on the socket.
void answer(int socket) {
  char byte = 0;
  if (::recv(socket, &byte, 1, 0) == 1) (void)!::send(socket, "!", 1, MSG_NOSIGNAL);
}

int open_socket(sd_bus_message* call, void*, sd_bus_error*) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
  const Fd ours(ends[0]);
  (void)!::send(ours.get(), "?", 1, MSG_NOSIGNAL);
  const int result = ::sd_bus_reply_method_return(call, "h", ends[1]);
  (void)::close(ends[1]);
  if (result >= 0) answer(ours.get());
  return result;
}

const sd_bus_vtable kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Open", "ss", "h", &open_socket, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};

int serve(int ready) {
  const Bus bus = connect();
  if (::sd_bus_add_object_vtable(bus.get(), nullptr, kPath, kName, kVtable, nullptr) < 0 ||
      ::sd_bus_request_name(bus.get(), kName, 0) < 0 || ::write(ready, "r", 1) != 1)
    return 1;
  while (true) {
    const int processed = ::sd_bus_process(bus.get(), nullptr);
    if (processed < 0 || (processed == 0 && ::sd_bus_wait(bus.get(), UINT64_MAX) < 0)) return 1;
  }
}

// A pipe for the child's word that it serves.
std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Failed("pipe");
  return ends;
}

}  // namespace

BareService::BareService() : BareService(make_pipe()) {}

BareService::BareService(std::array<int, 2> pipe)
    : ready_(pipe[0]),
      ready_write_(pipe[1]),
      process_([this] { return serve(ready_write_.get()); }) {
  ready_write_.reset();
  char byte = 0;
  if (!test::becomes_readable(ready_.get()) || ::read(ready_.get(), &byte, 1) != 1)
    throw Failed("the bare service does not start");
}

BareTimes BareService::call() const {
  BareTimes times;
  const double before = wall_time();
  const Bus bus = connect();
  sd_bus_message* reply = nullptr;
  int passed = -1;
  char byte = 0;
  const bool good = ::sd_bus_call_method(bus.get(), kName, kPath, kName, "Open", nullptr, &reply,
                                         "ss", "alice", "sshd") >= 0 &&
                    ::sd_bus_message_read(reply, "h", &passed) >= 0 &&
                    ::recv(passed, &byte, 1, 0) == 1;
  times.first_datagram = wall_time() - before;
  const bool answered =
      good && ::send(passed, "?", 1, MSG_NOSIGNAL) == 1 && ::recv(passed, &byte, 1, 0) == 1;
  times.round_trip = wall_time() - before;
  ::sd_bus_message_unref(reply);
  if (!answered) throw Failed("the bare bus call");
  return times;
}

double until_first_prompt() {
  double began = 0;
  double asked = 0;
  test::Person person;
  person.manner = test::Person::Manner::fails;
  person.before_answering = [&](std::size_t) { asked = wall_time(); };
  test::Transaction transaction("alice", &person);
  began = wall_time();
  if (transaction.authenticate() != PAM_CONV_ERR) throw Failed("no password prompt");
  return asked - began;
}

void measure_bus(Report* report) {
  constexpr int samples = 300;
  const BareService service;
  std::vector<double> ours;
  std::vector<double> bare;
  for (int i = 0; i < samples; ++i) {
    ours.push_back(until_first_prompt());
    bare.push_back(service.call().first_datagram);
  }
  Row row{.id = "first_prompt",
          .what = "pam_authenticate until the password prompt",
          .unit = "µs",
          .figure = median(ours)};
  row.reference = median(bare);
  row.reference_is = "connect, Hello, a call that returns a socket, one datagram on it";
  row.note = "for information";
  report->add(row);
}

}  // namespace pamcognito::bench
