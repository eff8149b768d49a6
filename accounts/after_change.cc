#include "accounts/after_change.h"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/deadline.h"
#include "common/fd.h"
#include "common/text.h"

namespace pamcognito::accounts {
namespace {

// The path of Debian's package nscd, and of glibc's default configuration.
constexpr char kNscd[] = "/usr/sbin/nscd";
constexpr char kNscdSocket[] = "/run/nscd/socket";
constexpr auto kProgramTime = std::chrono::seconds(3);
// Each of two calls. A change waits for it, and cognitod for the change.
constexpr std::uint64_t kCallUsec = 3'000'000;

std::unexpected<std::string> failed(std::string_view what, int error) {
  return std::unexpected(std::string(what).append(": ").append(errno_name(error)));
}

// Runs a program to its end, or ends it.
std::expected<void, std::string> run(const char* const* argv) {
  const std::string name = argv[0];
  pid_t pid = -1;
  char* const no_environment[] = {nullptr};
  const int error = ::posix_spawn(&pid, argv[0], nullptr, nullptr, const_cast<char* const*>(argv),
                                  no_environment);
  if (error != 0) return failed(name + " does not start", error);
  const Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const bool in_time =
      ended && wait_for(ended.get(), POLLIN, Deadline::after(kProgramTime)) == Wait::ready;
  if (!in_time) (void)::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return failed(name + ": waitpid", errno);
  if (!in_time) return std::unexpected(name + " did not end in time");
  if (status != 0) return std::unexpected(name + " failed");
  return {};
}

struct BusCloser {
  void operator()(sd_bus* bus) const { (void)sd_bus_flush_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, BusCloser>;

class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }

  sd_bus_error* get() { return &error_; }
  [[nodiscard]] bool is(const char* name) const {
    return sd_bus_error_has_name(&error_, name) != 0;
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

constexpr char kLogind[] = "org.freedesktop.login1";
constexpr char kManager[] = "/org/freedesktop/login1";
constexpr char kInterface[] = "org.freedesktop.login1.Manager";

// logind knows a user while the user has a session, lingers, or has a manager.
bool is_success(int result, const BusError& error) {
  return result >= 0 || error.is("org.freedesktop.login1.NoSuchUser");
}

}  // namespace

std::expected<void, std::string> invalidate_nscd() {
  if (::access(kNscdSocket, F_OK) != 0) return {};
  for (const char* const database : {"passwd", "group"}) {
    const char* const argv[] = {kNscd, "-i", database, nullptr};
    if (auto done = run(argv); !done) return done;
  }
  return {};
}

std::expected<void, std::string> terminate_user(uid_t uid) {
  sd_bus* opened = nullptr;
  if (const int result = sd_bus_open_system(&opened); result < 0)
    return failed("the system bus", -result);
  const Bus bus(opened);
  (void)sd_bus_set_method_call_timeout(bus.get(), kCallUsec);
  BusError no_linger;
  const int lingers = sd_bus_call_method(bus.get(), kLogind, kManager, kInterface, "SetUserLinger",
                                         no_linger.get(), nullptr, "ubb", std::uint32_t{uid}, 0, 0);
  BusError error;
  const int ended = sd_bus_call_method(bus.get(), kLogind, kManager, kInterface, "TerminateUser",
                                       error.get(), nullptr, "u", std::uint32_t{uid});
  if (!is_success(ended, error)) return failed("logind: TerminateUser", -ended);
  if (!is_success(lingers, no_linger)) return failed("logind: SetUserLinger", -lingers);
  return {};
}

}  // namespace pamcognito::accounts
