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

// A connection to the system bus at its fixed address, which environment variables do not change.
// sd_bus_call() is not used: its time-out does not include authentication, so a stopped bus daemon
// would delay a login by 90 s. The destructor closes the connection without flushing it.
class BusConnection {
 public:
  // Starts to connect. Waits only while the connection queue of the bus daemon is full.
  static std::expected<BusConnection, PhaseResult> open(Deadline deadline);

  // A message to the object of cognitod; null if there is no memory.
  [[nodiscard]] BusMessage new_call(const char* method) const noexcept;
  // Sends the call and waits for the reply. An error reply is turned into a result.
  std::expected<BusMessage, PhaseResult> call(sd_bus_message* message, Deadline connected_by,
                                              Deadline answered_by);

 private:
  struct Close {
    void operator()(sd_bus* bus) const noexcept { ::sd_bus_close_unref(bus); }
  };
  using Bus = std::unique_ptr<sd_bus, Close>;

  explicit BusConnection(Bus bus) noexcept : bus_(std::move(bus)) {}
  // Processes messages until *reply is set.
  std::expected<void, PhaseResult> run_until(const BusMessage& reply, Deadline connected_by,
                                             Deadline answered_by);
  // After a call that was not answered in time: asks systemd whether root has masked the unit, or
  // whether the unit has failed for a reason that only root can cause.
  bool daemon_cannot_start();
  // Empty if there was no answer in time.
  std::string ask_unit_text(const char* interface, const char* property, Deadline deadline);
  // Returns the reply with the property; null if there was none in time.
  BusMessage ask_unit(const char* interface, const char* property, Deadline deadline);

  Bus bus_;
};

// Tells whether this is an AF_UNIX SOCK_SEQPACKET socket.
[[nodiscard]] bool is_packet_socket(int fd) noexcept;

}  // namespace pamcognito::pam
