#include "daemon/bus/session_methods.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "common/bus_names.h"
#include "common/hexadecimal.h"
#include "common/user_name.h"
#include "daemon/bus/caller_context.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/policy_report.h"
#include "daemon/bus/session_id.h"
#include "daemon/policy/values.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::bus {
namespace {

using runtime::Level;
using runtime::Task;

constexpr char kMalformed[] = "The arguments are malformed.";
constexpr char kNoSession[] = "There is no such session.";

std::uint64_t age_in_seconds(runtime::BootTime now, runtime::BootTime then) {
  return static_cast<std::uint64_t>(
      std::max(std::chrono::duration_cast<std::chrono::seconds>(now - then).count(),
               std::chrono::seconds::rep{0}));
}

}  // namespace

// The arguments that OpenLogin and CloseLogin share.
struct SessionMethods::Login {
  std::string user;
  std::string service;
  std::optional<SignInId> sign_in_id;
  CallerContext context;

  Login() = default;
  [[nodiscard]] sessions::Binding binding() const { return binding_of_login(context); }

  // nullopt: malformed.
  static std::optional<Login> read(sd_bus_message* message, bool with_id) {
    Login login;
    const char* user = nullptr;
    const char* service = nullptr;
    if (sd_bus_message_read(message, "ss", &user, &service) < 0) return std::nullopt;
    if (!is_valid_user_name(user) || !policy::is_service_name(service)) return std::nullopt;
    login.user = user;
    login.service = service;
    if (with_id) {
      const void* id = nullptr;
      std::size_t size = 0;
      if (sd_bus_message_read_array(message, 'y', &id, &size) < 0 || size != kSignInIdSize)
        return std::nullopt;
      std::memcpy(login.sign_in_id.emplace().data(), id, size);
    }
    auto context = read_caller_context(message);
    if (!context) return std::nullopt;
    login.context = std::move(*context);
    return login;
  }
};

const sd_bus_vtable SessionMethods::kHostVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS(
        "OpenLogin", SD_BUS_ARGS("s", user, "s", service, "ay", sign_in_id, "a{sv}", facts),
        SD_BUS_NO_RESULT, &Dispatch<&SessionMethods::open_login>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CloseLogin", SD_BUS_ARGS("s", user, "s", service, "a{sv}", facts),
                            SD_BUS_NO_RESULT, &Dispatch<&SessionMethods::close_login>::call,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

const sd_bus_vtable SessionMethods::kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("ListSessions", SD_BUS_ARGS("s", user),
                            SD_BUS_RESULT("aa{sv}", sessions),
                            &Dispatch<&SessionMethods::list>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("EndSession", SD_BUS_ARGS("s", id), SD_BUS_NO_RESULT,
                            &Dispatch<&SessionMethods::end>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("SignOut", SD_BUS_ARGS("s", user), SD_BUS_RESULT("u", ended),
                            &Dispatch<&SessionMethods::sign_out>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

// The caller is root: only PAM hosts may call the methods that use this.
std::optional<SessionMethods::Login> SessionMethods::login_of(const MessageRef& message,
                                                              bool with_id) {
  std::optional<Login> login = Login::read(message.get(), with_id);
  if (!login) {
    refuse(message, bus_names::kErrorInvalidArgument, kMalformed);
    return std::nullopt;
  }
  if (!login->binding().is_set()) {
    refuse(message, bus_names::kErrorNotPermitted,
           "The process does not belong to a login of the user.");
    return std::nullopt;
  }
  return login;
}

Task<void> SessionMethods::open_login(MessageRef message) {
  const std::optional<Login> login = login_of(message, true);
  if (!login) co_return;
  const std::optional<sessions::Session> session = core_.sessions.find(*login->sign_in_id);
  if (!session || session->service != login->service ||
      !core_.sessions.open_login(*login->sign_in_id, login->user, login->binding())) {
    refuse(message, bus_names::kErrorNoSuchSession, kNoSession);
    co_return;
  }
  runtime::log(Level::debug, "login of " + login->user + " by " + login->service +
                                 " is joined to its sign-in id=" + login->context.log_id);
  (void)sd_bus_reply_method_return(message.get(), "");
}

Task<void> SessionMethods::close_login(MessageRef message) {
  const std::optional<Login> login = login_of(message, false);
  if (!login) co_return;
  core_.sessions.close_login(login->user, login->binding());
  (void)sd_bus_reply_method_return(message.get(), "");
}

Task<std::optional<Person>> SessionMethods::caller_for(MessageRef message, std::string asked) {
  if (!asked.empty() && !is_valid_user_name(asked)) {
    refuse(message, bus_names::kErrorInvalidArgument, kMalformed);
    co_return std::nullopt;
  }
  Person caller = co_await core_.callers.person(message);
  if (caller.refused == nullptr && !caller.is_root && !asked.empty() && asked != caller.name)
    caller.refused = bus_names::kErrorNotPermitted;
  if (caller.refused != nullptr) {
    refuse(message, caller.refused, "Another user's sessions are root's business.");
    co_return std::nullopt;
  }
  if (caller.is_root) caller.name = std::move(asked);
  co_return caller;
}

int SessionMethods::append_session(sd_bus_message* reply, const sessions::Session& session) const {
  const runtime::BootTime now = core_.clock.boot_time();
  int result = sd_bus_message_open_container(reply, 'a', "{sv}");
  if (result >= 0) result = append_text(reply, "id", hexadecimal(session.id));
  if (result >= 0) result = append_text(reply, "user", session.user);
  if (result >= 0) result = append_text(reply, "service", session.service);
  if (result >= 0) result = append_text(reply, "origin", session.origin);
  if (result >= 0) result = append_text(reply, "factor", to_string(session.factor));
  if (result >= 0) result = append_u64(reply, "age_s", age_in_seconds(now, session.signed_in));
  if (result >= 0)
    result = append_u64(reply, "verified_age_s", age_in_seconds(now, session.verified));
  if (result >= 0) result = append_bool(reply, "login_open", session.login_open);
  if (result >= 0) result = append_text(reply, "counts_from", address_that_counts(core_, session));
  return result < 0 ? result : sd_bus_message_close_container(reply);
}

Task<void> SessionMethods::list(MessageRef message) {
  const char* user = nullptr;
  if (sd_bus_message_read(message.get(), "s", &user) < 0) {
    refuse(message, bus_names::kErrorInvalidArgument, kMalformed);
    co_return;
  }
  const std::optional<Person> caller = co_await caller_for(message, user);
  if (!caller) co_return;
  const std::vector<sessions::Session> sessions =
      caller->name.empty() ? core_.sessions.all() : core_.sessions.sessions_of(caller->name);

  sd_bus_message* reply = nullptr;
  int result = sd_bus_message_new_method_return(message.get(), &reply);
  if (result >= 0) result = sd_bus_message_open_container(reply, 'a', "a{sv}");
  for (const sessions::Session& session : sessions)
    if (result >= 0) result = append_session(reply, session);
  if (result >= 0) result = sd_bus_message_close_container(reply);
  send_reply(message, reply, result);
}

Task<void> SessionMethods::end(MessageRef message) {
  const char* text = nullptr;
  std::optional<SignInId> id;
  if (sd_bus_message_read(message.get(), "s", &text) >= 0) id = session_id_in(text);
  if (!id) {
    refuse(message, bus_names::kErrorInvalidArgument, kMalformed);
    co_return;
  }
  const std::optional<Person> caller = co_await caller_for(message, {});
  if (!caller) co_return;
  const auto session = core_.sessions.find(*id);
  // Another user's session is reported as absent.
  if (!session || (!caller->is_root && session->user != caller->name)) {
    refuse(message, bus_names::kErrorNoSuchSession, kNoSession);
    co_return;
  }
  (void)core_.sessions.end(*id, caller->is_root ? "ended-by-root" : "ended-by-user");
  (void)sd_bus_reply_method_return(message.get(), "");
}

Task<void> SessionMethods::sign_out(MessageRef message) {
  const char* user = nullptr;
  if (sd_bus_message_read(message.get(), "s", &user) < 0) {
    refuse(message, bus_names::kErrorInvalidArgument, kMalformed);
    co_return;
  }
  const std::optional<Person> caller = co_await caller_for(message, user);
  if (!caller) co_return;
  if (caller->name.empty()) {  // root must name the user
    refuse(message, bus_names::kErrorInvalidArgument, "Name the user to sign out.");
    co_return;
  }
  const std::size_t ended = core_.sessions.end_all(caller->name, "signed-out");
  core_.mfa.forget(caller->name);
  (void)sd_bus_reply_method_return(message.get(), "u", static_cast<std::uint32_t>(ended));
}

}  // namespace pamcognito::bus
