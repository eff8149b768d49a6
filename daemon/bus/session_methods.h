#pragma once

#include <systemd/sd-bus.h>

#include <optional>
#include <string>

#include "daemon/bus/core.h"

namespace pamcognito::bus {

// OpenLogin and CloseLogin, which root's modules call when a login begins and ends; ListSessions,
// EndSession and SignOut, which people call for their own and root for everybody's.
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

  // What root says of a login that is its user's own. nullopt: it was refused. `with_id`: the
  // arguments hold a sign-in id.
  static std::optional<Login> login_of(const MessageRef& message, bool with_id);
  // Whose sessions: `asked`, or the caller's own where that is empty. nullopt: it was refused.
  runtime::Task<std::optional<Person>> caller_for(MessageRef message, std::string asked);
  int append_session(sd_bus_message* reply, const sessions::Session& session) const;

  Core& core_;
};

}  // namespace pamcognito::bus
