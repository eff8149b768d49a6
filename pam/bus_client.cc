// The calls to cognitod, each with the caller context. Only the kernel and libpam supply the
// context: uids, audit ids, cgroup and PAM items.

#include "pam/bus_client.h"

#include <fcntl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "common/bus_names.h"
#include "common/deadline.h"
#include "common/fd.h"
#include "common/protocol_limits.h"
#include "common/text.h"
#include "pam/bus_connection.h"

namespace pamcognito::pam {
namespace {

// The value of an audit id that was never set.
constexpr std::uint32_t kUnset = 0xffffffff;

// Reads a decimal number from a file in /proc; nullopt if the kernel has no audit support.
std::optional<std::uint32_t> read_number(const char* path) {
  const Fd fd = above_stdio(Fd(::open(path, O_RDONLY | O_CLOEXEC)));
  if (!fd) return std::nullopt;
  std::array<char, 16> text{};
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + size, value);
  if (error != std::errc() || (end != text.data() + size && *end != '\n')) return std::nullopt;
  return value;
}

// Tells whether this process may run under user@UID.service. The kernel treats everything there as
// one login, whichever login has started it, because the PAM stack of systemd-user sets the audit
// ids. A factor given in one login must not count for all, so a cgroup that cannot be read counts
// as such a process.
bool may_be_under_user_manager() {
  constexpr std::size_t kMaxSize = 8192;
  const Fd fd = above_stdio(Fd(::open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC)));
  if (!fd) return true;
  std::string text(kMaxSize, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(fd.get(), text.data() + size, text.size() - size);
    if (count < 0) return true;
    if (count == 0) return text.find("/user@") != std::string::npos;
    size += static_cast<std::size_t>(count);
  }
  return true;
}

CallerContext gather_caller_context(const Handle& pam, uid_t user_uid, int flags) {
  CallerContext caller;
  caller.real_uid = ::getuid();
  caller.user_uid = user_uid;
  caller.login_uid = read_number("/proc/self/loginuid");
  if (!may_be_under_user_manager()) caller.audit_session = read_number("/proc/self/sessionid");
  caller.tty = printable(pam.item(PAM_TTY), protocol::kMaxFactText);
  caller.remote_host = printable(pam.item(PAM_RHOST), protocol::kMaxFactText);
  caller.remote_user = printable(pam.item(PAM_RUSER), protocol::kMaxFactText);
  caller.flags = static_cast<std::uint32_t>(flags);
  caller.log_id = log_id(pam.get());
  return caller;
}

constexpr PhaseResult kMalformedReply = unforeseen("malformed-reply");
constexpr PhaseResult kLocalFault = unforeseen("local-fault");

bool append_number(sd_bus_message* call, const char* key, std::uint32_t value) {
  return ::sd_bus_message_append(call, "{sv}", key, "u", value) >= 0;
}

bool append_text(sd_bus_message* call, const char* key, const std::string& value) {
  return value.empty() || ::sd_bus_message_append(call, "{sv}", key, "s", value.c_str()) >= 0;
}

bool append_caller_context(sd_bus_message* call, const CallerContext& caller) {
  namespace names = bus_names;
  return ::sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "{sv}") >= 0 &&
         append_number(call, names::kFactRealUid, caller.real_uid) &&
         (!caller.login_uid || append_number(call, names::kFactLoginUid, *caller.login_uid)) &&
         (!caller.audit_session ||
          append_number(call, names::kFactAuditSession, *caller.audit_session)) &&
         append_text(call, names::kFactTty, caller.tty) &&
         append_text(call, names::kFactRemoteHost, caller.remote_host) &&
         append_text(call, names::kFactRemoteUser, caller.remote_user) &&
         append_number(call, names::kFactFlags, caller.flags) &&
         append_number(call, names::kFactUserUid, caller.user_uid) &&
         append_text(call, names::kFactLogId, caller.log_id) &&
         ::sd_bus_message_close_container(call) >= 0;
}

// Makes a message with the two arguments with which every method begins; null if there is no
// memory.
BusMessage new_call(BusConnection& bus, const char* method, const Request& request) {
  BusMessage call = bus.new_call(method);
  const std::string service = printable(request.service, protocol::kMaxServiceName);
  if (call && ::sd_bus_message_append(call.get(), "ss", request.user.c_str(), service.c_str()) < 0)
    call.reset();
  return call;
}

bool append_sign_in(sd_bus_message* call, const SignInId* id) {
  return ::sd_bus_message_append_array(call, 'y', id != nullptr ? id->data() : nullptr,
                                       id != nullptr ? id->size() : 0) >= 0;
}

// Calls a method of a login, which has an empty reply.
std::expected<void, PhaseResult> call_login(const char* method, const Request& request,
                                            const SignInId* sign_in) {
  const Deadline deadline = Deadline::after(protocol::kModuleCallTime);
  auto bus = BusConnection::open(deadline);
  if (!bus) return std::unexpected(bus.error());
  const BusMessage call = new_call(*bus, method, request);
  if (!call || (sign_in != nullptr && !append_sign_in(call.get(), sign_in)) ||
      !append_caller_context(call.get(), request.caller))
    return std::unexpected(kLocalFault);
  const auto reply = bus->call(call.get(), deadline, deadline);
  if (!reply) return std::unexpected(reply.error());
  return {};
}

// Calls a method that replies with the socket of a conversation.
std::expected<OpenedSignIn, PhaseResult> open_conversation(const char* method,
                                                           Connecting connecting,
                                                           const Request& request) {
  auto& [bus, deadline] = connecting;
  const BusMessage call = new_call(bus, method, request);
  if (!call || !append_caller_context(call.get(), request.caller))
    return std::unexpected(kLocalFault);
  const auto reply = bus.call(call.get(), deadline, deadline);
  if (!reply) return std::unexpected(reply.error());

  int passed = -1;
  std::uint32_t seconds = 0;
  if (::sd_bus_message_has_signature(reply->get(), "hu") <= 0 ||
      ::sd_bus_message_read(reply->get(), "hu", &passed, &seconds) < 0)
    return std::unexpected(kMalformedReply);
  // The message owns the descriptor, so it is duplicated.
  OpenedSignIn opened{
      .socket = Fd(::fcntl(passed, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)),
      .deadline = std::min(std::chrono::seconds(seconds), protocol::kMaxConversationTime)};
  if (!opened.socket) return std::unexpected(kLocalFault);
  if (!is_packet_socket(opened.socket.get())) return std::unexpected(kMalformedReply);
  return opened;
}

}  // namespace

bool CallerContext::runs_in_users_login() const noexcept {
  return login_uid == user_uid && audit_session.value_or(kUnset) != kUnset;
}

Request make_request(const Handle& pam, const std::string& user, uid_t uid, int flags) {
  return {.user = user,
          .service = pam.item(PAM_SERVICE),
          .caller = gather_caller_context(pam, uid, flags)};
}

std::expected<Connecting, PhaseResult> connect() {
  const Deadline deadline = Deadline::after(protocol::kModuleCallTime);
  auto bus = BusConnection::open(deadline);
  if (!bus) return std::unexpected(bus.error());
  return Connecting{.bus = std::move(*bus), .deadline = deadline};
}

std::expected<OpenedSignIn, PhaseResult> open_sign_in(Connecting connecting,
                                                      const Request& request) {
  return open_conversation("OpenSignIn", std::move(connecting), request);
}

std::expected<OpenedSignIn, PhaseResult> open_password_change(const Request& request) {
  auto connecting = connect();
  if (!connecting) return std::unexpected(connecting.error());
  return open_conversation("OpenPasswordChange", std::move(*connecting), request);
}

std::expected<Outcome, PhaseResult> check_account(const Request& request,
                                                  const std::optional<SignInId>& id,
                                                  Deadline deadline) {
  const Deadline connected_by = Deadline::after(protocol::kModuleCallTime);
  auto bus = BusConnection::open(connected_by);
  if (!bus) return std::unexpected(bus.error());
  const BusMessage call = new_call(*bus, "CheckAccount", request);
  if (!call || !append_sign_in(call.get(), id ? &*id : nullptr) ||
      !append_caller_context(call.get(), request.caller))
    return std::unexpected(kLocalFault);
  const auto reply = bus->call(call.get(), connected_by, deadline);
  if (!reply) return std::unexpected(reply.error());

  std::uint8_t outcome = 0;
  if (::sd_bus_message_has_signature(reply->get(), "y") <= 0 ||
      ::sd_bus_message_read(reply->get(), "y", &outcome) < 0)
    return std::unexpected(kMalformedReply);
  return static_cast<Outcome>(outcome);
}

std::expected<void, PhaseResult> open_login(const Request& request, const SignInId& sign_in) {
  return call_login("OpenLogin", request, &sign_in);
}

std::expected<void, PhaseResult> close_login(const Request& request) {
  return call_login("CloseLogin", request, nullptr);
}

}  // namespace pamcognito::pam
