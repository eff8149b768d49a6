#pragma once

#include <systemd/sd-bus.h>

#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "common/deadline.h"
#include "pam/result.h"

namespace pamcognito::pam {

struct BusMessageRelease {
  void operator()(sd_bus_message* message) const noexcept { ::sd_bus_message_unref(message); }
};
using BusMessage = std::unique_ptr<sd_bus_message, BusMessageRelease>;

// A connection to the system bus at its fixed address; no variable of the environment moves it.
// sd_bus_call() is not used: its time-out does not bound authentication, and a stopped bus daemon
// would hold a login for 90 s. Closed by the destructor, without flushing.
class BusConnection {
 public:
  // Starts to connect. Waits only while the bus daemon's queue of connections is full.
  static std::expected<BusConnection, PhaseResult> open(Deadline deadline);

  // A message to the daemon's object; null: no memory.
  [[nodiscard]] BusMessage new_call(const char* method) const noexcept;
  // Sends the call and waits for its reply. An error reply becomes the PhaseResult that it means.
  std::expected<BusMessage, PhaseResult> call(sd_bus_message* message, Deadline connected_by,
                                              Deadline answered_by);

 private:
  struct Close {
    void operator()(sd_bus* bus) const noexcept { ::sd_bus_close_unref(bus); }
  };
  using Bus = std::unique_ptr<sd_bus, Close>;

  explicit BusConnection(Bus bus) noexcept : bus_(std::move(bus)) {}
  // Drives the connection until *reply is set.
  std::expected<void, PhaseResult> run_until(const BusMessage& reply, Deadline connected_by,
                                             Deadline answered_by);
  // Asks systemd, after a call that was not answered in time, whether root has masked the daemon's
  // unit, or systemd has given it up for a reason that no user can bring about.
  bool daemon_cannot_start();
  // Empty: there was no answer in time.
  std::string ask_unit_text(const char* interface, const char* property, Deadline deadline);
  // The answer holds the property; empty: there was none in time.
  BusMessage ask_unit(const char* interface, const char* property, Deadline deadline);

  Bus bus_;
};

// Whether this is an AF_UNIX SOCK_SEQPACKET socket.
[[nodiscard]] bool is_packet_socket(int fd) noexcept;

}  // namespace pamcognito::pam
