// One call on the system bus, with deadlines that hold while the bus daemon or cognitod hangs, and
// the proof that cognitod is absent.
//
// "Unavailable" lets a local password in without a second factor, so it needs proof: no bus, no
// cognitod that the bus could start, or a unit that only root can have stopped for good. A user who
// runs su or sudo can stop that process, use up its descriptors and crowd the bus. So a timeout, a
// full queue and a lost connection are failures.

#include "pam/bus_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/bus_names.h"
#include "common/protocol_limits.h"

namespace pamcognito::pam {
namespace {

using namespace std::chrono_literals;

constexpr auto kQueueFullPause = 10ms;
constexpr char kTimeout[] = "timeout";
constexpr char kNoOwner[] = "no-owner";
// Exit statuses that prove that cognitod.service cannot start: 2 (wrong command line) and 78 (no
// place on the bus) of cognitod, 203 (EXEC) of systemd; see systemd.exec(5). Any user can cause a
// shortage of memory or processes, so the result "resources" and the statuses NAMESPACE, USER and
// CREDENTIALS, for which systemd needs another process, prove nothing.
constexpr std::array<std::int32_t, 3> kCannotStart = {2, 78, 203};
// The path of cognitod.service, as sd_bus_path_encode(3) encodes it.
constexpr char kUnitPath[] = "/org/freedesktop/systemd1/unit/cognitod_2eservice";

// Turns a negative errno of libsystemd into a result.
PhaseResult result_for_errno(int error) {
  switch (-error) {
    case ENOENT:
    case ECONNREFUSED:
      return unavailable("no-bus");
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
      return failed("bus-lost");
    case EAGAIN:
    case ENOBUFS:
    case ETIMEDOUT:
      return failed("bus-busy");
    case EBADMSG:
    case EPROTO:
      return unforeseen("bus-protocol");
    default:
      return unforeseen("local-fault");
  }
}

struct ErrorRow {
  std::string_view name;
  PhaseResult result;
};

// Error names with a result of their own. An error that an attacker can cause is a failure and not
// "unavailable".
constexpr std::array kErrors = {
    ErrorRow{bus_names::kErrorUnconfigured, unavailable("unconfigured")},
    ErrorRow{bus_names::kErrorTooManySignIns,
             {.outcome = Outcome::tries_exhausted, .cause = "too-many-sign-ins"}},
    ErrorRow{bus_names::kErrorNotPermitted,
             {.outcome = Outcome::refused, .cause = "caller-not-permitted"}},
    ErrorRow{bus_names::kErrorNotOurs,
             {.outcome = Outcome::refused, .cause = "not-ours-to-daemon"}},
    ErrorRow{bus_names::kErrorInvalidArgument, unforeseen("invalid-argument")},
    ErrorRow{bus_names::kErrorNoSuchSession,
             {.outcome = Outcome::refused, .cause = "no-such-session"}},
    ErrorRow{SD_BUS_ERROR_SERVICE_UNKNOWN, unavailable("no-daemon")},
    ErrorRow{SD_BUS_ERROR_NAME_HAS_NO_OWNER, failed(kNoOwner)},
    // The bus daemon, or systemd on its behalf, cannot start cognitod. Errors that are not in this
    // list may come from a shortage of processes.
    ErrorRow{"org.freedesktop.systemd1.NoSuchUnit", unavailable("daemon-not-started")},
    ErrorRow{"org.freedesktop.systemd1.UnitMasked", unavailable("daemon-not-started")},
    ErrorRow{"org.freedesktop.systemd1.LoadFailed", unavailable("daemon-not-started")},
    ErrorRow{"org.freedesktop.systemd1.BadUnitSetting", unavailable("daemon-not-started")},
    ErrorRow{"org.freedesktop.DBus.Error.Spawn.ServiceNotFound", unavailable("daemon-not-started")},
    ErrorRow{"org.freedesktop.DBus.Error.Spawn.ExecFailed", unavailable("daemon-not-started")},
    ErrorRow{"org.freedesktop.DBus.Error.Spawn.ChildExited", unavailable("daemon-not-started")},
    ErrorRow{SD_BUS_ERROR_NO_REPLY, failed("daemon-lost")},
    ErrorRow{SD_BUS_ERROR_DISCONNECTED, failed("bus-lost")},
    ErrorRow{SD_BUS_ERROR_NO_SERVER, failed("bus-lost")},
    ErrorRow{SD_BUS_ERROR_TIMEOUT, failed("timeout")},
    ErrorRow{"org.freedesktop.DBus.Error.TimedOut", failed("timeout")},
    ErrorRow{SD_BUS_ERROR_LIMITS_EXCEEDED, failed("bus-limits")},
    ErrorRow{SD_BUS_ERROR_ACCESS_DENIED, failed("bus-policy")},
    // During a shutdown systemd does not start a stopped cognitod again.
    ErrorRow{"org.freedesktop.systemd1.TransactionIsDestructive", failed("shutting-down")},
    ErrorRow{"org.freedesktop.systemd1.ShuttingDown", failed("shutting-down")},
};

// Tells whether only systemd can say why there was no answer. systemd does not report a failed
// start to dbus-daemon (systemd 252), and the call would wait for 25 s. dbus-broker reports every
// failed start as "no owner", whatever the reason is. That proves nothing, because during each
// restart the name has no owner, and a user who crowds the bus can prolong a restart.
bool may_ask_systemd(const PhaseResult& result) {
  const std::string_view cause = result.cause;
  return cause == kTimeout || cause == kNoOwner;
}

PhaseResult result_for_error_name(std::string_view error_name) {
  const auto* row = std::ranges::find(kErrors, error_name, &ErrorRow::name);
  if (row != kErrors.end()) return row->result;
  return unforeseen("bus-error");
}

// Stores the reply for run_until(); a sd_bus_message_handler_t.
int keep_reply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) noexcept {
  static_cast<BusMessage*>(userdata)->reset(::sd_bus_message_ref(reply));
  return 1;
}

}  // namespace

std::expected<BusConnection, PhaseResult> BusConnection::open(Deadline deadline) {
  while (true) {
    sd_bus* raw = nullptr;
    int error = ::sd_bus_new(&raw);
    if (error < 0) return std::unexpected(result_for_errno(error));
    Bus bus(raw);
    error = ::sd_bus_set_address(raw, bus_names::kSystemBus);
    if (error >= 0) error = ::sd_bus_set_bus_client(raw, 1);
    if (error >= 0) error = ::sd_bus_negotiate_fds(raw, 1);
    if (error >= 0) error = ::sd_bus_start(raw);
    if (error >= 0) return BusConnection(std::move(bus));
    // A non-blocking connect() fails if the AF_UNIX queue is full, as in a burst of logins.
    if (error != -EAGAIN) return std::unexpected(result_for_errno(error));
    bus.reset();
    if (deadline.passed()) return std::unexpected(failed("timeout"));
    (void)wait_for(-1, 0, Deadline::earlier(deadline, Deadline::after(kQueueFullPause)));
  }
}

BusMessage BusConnection::new_call(const char* method) const noexcept {
  sd_bus_message* message = nullptr;
  if (::sd_bus_message_new_method_call(
          bus_.get(), &message, bus_names::kService, bus_names::kPath,
          ::geteuid() == 0 ? bus_names::kHostInterface : bus_names::kInterface, method) < 0)
    return nullptr;
  return BusMessage(message);
}

std::expected<BusMessage, PhaseResult> BusConnection::call(sd_bus_message* message,
                                                           Deadline connected_by,
                                                           Deadline answered_by) {
  BusMessage reply;
  const int error =
      ::sd_bus_call_async(bus_.get(), nullptr, message, &keep_reply, &reply, /*usec=*/0);
  if (error < 0) return std::unexpected(result_for_errno(error));
  auto ran = run_until(reply, connected_by, answered_by);
  if (ran && ::sd_bus_message_is_method_error(reply.get(), nullptr) > 0)
    ran = std::unexpected(result_for_error_name(::sd_bus_message_get_error(reply.get())->name));
  if (!ran && may_ask_systemd(ran.error()) && daemon_cannot_start())
    ran = std::unexpected(unavailable("daemon-not-started"));
  // The pending call refers to `reply`, so the connection must end here in every case.
  bus_.reset();
  if (!ran) return std::unexpected(ran.error());
  return reply;
}

std::expected<void, PhaseResult> BusConnection::run_until(const BusMessage& reply,
                                                          Deadline connected_by,
                                                          Deadline answered_by) {
  while (!reply) {
    const bool connected = ::sd_bus_is_ready(bus_.get()) > 0;
    const Deadline deadline =
        connected ? answered_by : Deadline::earlier(connected_by, answered_by);
    // Process what has arrived before looking at the deadline: a process that was stopped meanwhile
    // may have its answer.
    const int processed = ::sd_bus_process(bus_.get(), nullptr);
    if (processed < 0) return std::unexpected(result_for_errno(processed));
    if (deadline.passed() && !reply) return std::unexpected(failed(kTimeout));
    if (processed > 0) continue;

    const int events = ::sd_bus_get_events(bus_.get());
    const int fd = ::sd_bus_get_fd(bus_.get());
    std::uint64_t usec = UINT64_MAX;
    const int timeout = ::sd_bus_get_timeout(bus_.get(), &usec);
    if (events < 0 || fd < 0 || timeout < 0)
      return std::unexpected(result_for_errno(std::min({events, fd, timeout})));
    if (wait_for(fd, static_cast<short>(events), deadline.no_later_than_usec(usec)) == Wait::failed)
      return std::unexpected(result_for_errno(-errno));
  }
  return {};
}

bool BusConnection::daemon_cannot_start() {
  const Deadline deadline = Deadline::after(protocol::kUnitQuestionTime);
  const std::string state = ask_unit_text("Unit", "ActiveState", deadline);
  if (state != "failed" && state != "inactive") return false;
  // The bus does not report a masked unit while it still waits for a failed start.
  const std::string loaded = ask_unit_text("Unit", "LoadState", deadline);
  if (loaded == "masked" || loaded == "not-found") return true;
  if (state != "failed" || ask_unit_text("Service", "Result", deadline) != "exit-code")
    return false;
  std::int32_t status = 0;
  const BusMessage exited = ask_unit("Service", "ExecMainStatus", deadline);
  return exited && ::sd_bus_message_read(exited.get(), "v", "i", &status) > 0 &&
         std::ranges::find(kCannotStart, status) != kCannotStart.end();
}

std::string BusConnection::ask_unit_text(const char* interface, const char* property,
                                         Deadline deadline) {
  const char* text = nullptr;
  const BusMessage reply = ask_unit(interface, property, deadline);
  if (!reply || ::sd_bus_message_read(reply.get(), "v", "s", &text) <= 0) return {};
  return text;
}

BusMessage BusConnection::ask_unit(const char* interface, const char* property, Deadline deadline) {
  sd_bus_message* message = nullptr;
  if (::sd_bus_is_ready(bus_.get()) <= 0 ||
      ::sd_bus_message_new_method_call(bus_.get(), &message, "org.freedesktop.systemd1", kUnitPath,
                                       "org.freedesktop.DBus.Properties", "Get") < 0)
    return {};
  const BusMessage question(message);
  const std::string whole_interface = std::string("org.freedesktop.systemd1.") + interface;
  BusMessage reply;
  sd_bus_slot* pending = nullptr;
  if (::sd_bus_message_set_auto_start(message, 0) < 0 ||
      ::sd_bus_message_append(message, "ss", whole_interface.c_str(), property) < 0 ||
      ::sd_bus_call_async(bus_.get(), &pending, message, &keep_reply, &reply, /*usec=*/0) < 0)
    return {};
  const bool answered = run_until(reply, deadline, deadline).has_value();
  ::sd_bus_slot_unref(pending);  // it refers to `reply`
  if (!answered || ::sd_bus_message_is_method_error(reply.get(), nullptr) != 0) return {};
  return reply;
}

bool is_packet_socket(int fd) noexcept {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  size = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  return domain == AF_UNIX && type == SOCK_SEQPACKET;
}

}  // namespace pamcognito::pam
