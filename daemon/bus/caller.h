#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <map>
#include <string>

#include "common/frame.h"
#include "daemon/bus/caller_context.h"
#include "daemon/bus/message_ref.h"
#include "daemon/limits/origin.h"
#include "daemon/policy/setting_names.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/task.h"
#include "daemon/runtime/worker.h"
#include "daemon/sessions/binding.h"
#include "daemon/sign_in/sign_in_types.h"

namespace pamcognito::bus {

using policy::kUserService;

// On whose behalf a module calls, as what and from where: by the bus daemon's word, and for callers
// that are not root by NSS instead of theirs.
struct PamCaller {
  const char* refused = nullptr;  // the bus error; then nothing else counts
  bool is_root = false;           // a PAM host that runs as root; its context is believed
  bool real_root = false;         // and root started it
  std::string service;
  uid_t user_uid = kNoUid;  // the user's own, if the user started the host process
  limits::Origin origin = limits::Origin::unknown();
  std::string remote_host;
  sessions::Binding binding;  // for reuse
  std::string log_id;

  PamCaller() = default;
};

// A caller that speaks for itself, and not for a PAM host.
struct Person {
  const char* refused = nullptr;
  bool is_root = false;
  uid_t uid = kNoUid;
  std::string name;  // a Cognito user; root has none

  Person() = default;
};

// Establishes callers, without blocking the loop.
class Callers {
 public:
  // Both outlive this.
  Callers(runtime::EventLoop& loop, runtime::Worker& worker) : loop_(loop), worker_(worker) {}
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;
  void use(sd_bus* bus) { bus_ = bus; }

  // `name_time` bounds the NSS lookup of a root caller's real uid, which is needed if an older
  // module does not send the user's uid.
  runtime::Task<PamCaller> pam_host(MessageRef message, std::string user, std::string service,
                                    CallerContext context, std::chrono::milliseconds name_time);
  runtime::Task<Person> person(MessageRef message);
  // For a user, not for root.
  runtime::Task<sign_in::CallerPlace> place(MessageRef message, uid_t uid);

 private:
  // By the bus daemon's word: its policy, where only root may send; else it is asked.
  runtime::Task<std::expected<uid_t, int>> uid_of_sender(MessageRef message);
  runtime::Task<std::string> name_of(uid_t uid);
  // The name of the Cognito user with that uid. Empty: not a Cognito user, or too many calls of
  // that uid are running.
  runtime::Task<std::string> cognito_user_name(uid_t uid);

  runtime::EventLoop& loop_;
  runtime::Worker& worker_;
  sd_bus* bus_ = nullptr;
  std::map<uid_t, std::size_t> looked_up_;  // by uid: look-ups that wait or run
};

}  // namespace pamcognito::bus
