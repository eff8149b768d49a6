#include "cli/bus_errors.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/bus_names.h"
#include "common/text.h"

namespace pamcognito::cli {
namespace {

constexpr std::size_t kMaxMessage = 1024;

struct Row {
  std::string_view name;
  ExitCode code;
  const char* word;
  const char* message;  // if the daemon sent none
};

constexpr char kStart[] = "cognitod is not running: systemctl status cognitod";

constexpr std::array kRows = {
    Row{bus_names::kErrorUnconfigured, ExitCode::failed, "unconfigured",
        "cognitod has no valid configuration: cognitoctl doctor reports the fault"},
    Row{bus_names::kErrorTooManySignIns, ExitCode::failed, "too-many-sign-ins",
        "too many sign-ins are open, or you have opened too many: wait a minute"},
    Row{bus_names::kErrorNotPermitted, ExitCode::not_permitted, "not-permitted",
        "you are not permitted to do this; root is"},
    Row{bus_names::kErrorNotOurs, ExitCode::failed, "not-ours",
        "this user does not sign in with Cognito: see /etc/pam-cognito/users.conf"},
    Row{bus_names::kErrorInvalidArgument, ExitCode::usage, "invalid-argument",
        "cognitod does not take this argument"},
    Row{bus_names::kErrorNotAuthorized, ExitCode::not_authorized, "not-authorized",
        "sign in first"},
    Row{bus_names::kErrorInvalidParameter, ExitCode::usage, "invalid-parameter",
        "this cannot be asked for"},
    Row{bus_names::kErrorResourceNotFound, ExitCode::not_found, "resource-not-found",
        "the user pool does not know this"},
    Row{bus_names::kErrorTooManyRequests, ExitCode::failed, "too-many-requests",
        "the user pool is busy: try again in a minute"},
    Row{bus_names::kErrorRefused, ExitCode::refused, "refused", "this is not allowed here"},
    Row{bus_names::kErrorNotSetUp, ExitCode::failed, "not-set-up",
        "this factor is not set up: cognitoctl mfa setup"},
    Row{bus_names::kErrorUnavailable, ExitCode::failed, "unavailable",
        "the user pool cannot be reached"},
    Row{bus_names::kErrorFailed, ExitCode::failed, "failed", "it failed: see the log"},
    Row{bus_names::kErrorNoSuchSession, ExitCode::not_found, "no-such-session",
        "there is no such session"},
    Row{SD_BUS_ERROR_SERVICE_UNKNOWN, ExitCode::unreachable, "no-daemon", kStart},
    Row{SD_BUS_ERROR_NAME_HAS_NO_OWNER, ExitCode::unreachable, "no-daemon", kStart},
    Row{SD_BUS_ERROR_NO_REPLY, ExitCode::unreachable, "no-answer",
        "cognitod does not answer: systemctl status cognitod"},
    Row{SD_BUS_ERROR_ACCESS_DENIED, ExitCode::unreachable, "bus-policy",
        "the bus does not let this call through: is the D-Bus policy of pam-cognito installed?"},
    Row{SD_BUS_ERROR_UNKNOWN_METHOD, ExitCode::failed, "old-daemon",
        "cognitod does not know this call: it is older than cognitoctl, restart it"},
};

// Whether the error comes from the bus daemon or libsystemd, and not from cognitod.
bool is_of_the_bus(std::string_view name) {
  return !name.starts_with("org.pamcognito.");
}

}  // namespace

Failure failure_of_reply(const sd_bus_error& error) {
  const std::string_view name = error.name == nullptr ? "" : error.name;
  const std::string text = printable(error.message == nullptr ? "" : error.message, kMaxMessage);
  const auto* row = std::ranges::find(kRows, name, &Row::name);
  if (row != kRows.end())
    return {row->code, row->word, text.empty() || is_of_the_bus(name) ? row->message : text};
  if (name.starts_with("org.freedesktop.DBus.Error.Spawn.") ||
      name.starts_with("org.freedesktop.systemd1."))
    return {ExitCode::unreachable, "daemon-not-started", kStart};
  return {ExitCode::failed, "bus-error",
          "the call failed: " + printable(name, kMaxMessage) + ": " + text};
}

Failure failure_of_errno(int error) {
  switch (-error) {
    case ENOENT:
    case ECONNREFUSED:
      return {ExitCode::unreachable, "no-bus", "there is no system bus: is dbus running?"};
    case ETIMEDOUT:
      return {ExitCode::unreachable, "no-answer",
              "no answer within 10 s: systemctl status cognitod dbus"};
    case EBADMSG:
    case ENXIO:
    case EINVAL:
      return {ExitCode::failed, "malformed-reply",
              "cognitod's answer is not understood: is it of another version?"};
    default:
      return {ExitCode::unreachable, "bus-lost",
              "the system bus failed: " + std::string(errno_name(-error))};
  }
}

}  // namespace pamcognito::cli
