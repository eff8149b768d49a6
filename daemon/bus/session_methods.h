#pragma once

#include <systemd/sd-bus.h>

#include <optional>
#include <string>

#include "daemon/bus/core.h"

namespace pamcognito::bus {

// OpenLogin and CloseLogin, which root's modules call when a login begins and ends; ListSessions,
// EndSession and SignOut, which users call for their own sessions and root for all.
class SessionMethods {
 public:
  static const sd_bus_vtable kHostVtable[];
  static const sd_bus_vtable kVtable[];

  explicit SessionMethods(Core& core) : core_(core) {}
  SessionMethods(const SessionMethods&) = delete;
  SessionMethods& operator=(const SessionMethods&) = delete;
  [[nodiscard]] Core& core() const noexcept { return core_; }

 private:
  struct Login;
  runtime::Task<void> open_login(MessageRef message);
  runtime::Task<void> close_login(MessageRef message);
  runtime::Task<void> list(MessageRef message);
  runtime::Task<void> end(MessageRef message);
  runtime::Task<void> sign_out(MessageRef message);

  // Reads the login from root's message; it must be a login of the user's own. nullopt: the call
  // was refused. `with_id`: the arguments contain a sign-in id.
  static std::optional<Login> login_of(const MessageRef& message, bool with_id);
  // The user whose sessions are meant: `asked`, or the caller if that is empty. nullopt: the call
  // was refused.
  runtime::Task<std::optional<Person>> caller_for(MessageRef message, std::string asked);
  int append_session(sd_bus_message* reply, const sessions::Session& session) const;

  Core& core_;
};

}  // namespace pamcognito::bus
