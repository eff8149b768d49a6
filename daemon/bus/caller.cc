#include "daemon/bus/caller.h"

#include <cerrno>
#include <cstddef>
#include <utility>

#include "common/bus_names.h"
#include "daemon/bus/caller_place.h"
#include "daemon/bus/session_id.h"
#include "daemon/bus/unix_user.h"

namespace pamcognito::bus {

using runtime::Task;

Task<std::expected<uid_t, int>> Callers::uid_of_sender(MessageRef message) {
  if (is_from_host(message.get())) co_return uid_t{0};
  const char* sender = sd_bus_message_get_sender(message.get());
  std::expected<uid_t, int> uid = std::unexpected(-ENXIO);
  if (sender != nullptr) uid = co_await unix_user_of(bus_, sender);
  co_return uid;
}

Task<std::string> Callers::name_of(uid_t uid) {
  std::expected<std::string, runtime::WorkerBusy> name =
      co_await worker_.run([uid] { return user_with_uid(uid); });
  co_return name ? std::move(*name) : std::string();
}

Task<std::string> Callers::cognito_user_name(uid_t uid) {
  // All users share the worker.
  constexpr std::size_t most = 16;
  if (looked_up_.contains(uid) && looked_up_[uid] >= most) co_return std::string();
  struct Place {
    std::map<uid_t, std::size_t>& taken;
    uid_t uid;
    ~Place() {
      if (--taken[uid] == 0) taken.erase(uid);
    }
  };
  ++looked_up_[uid];
  const Place place{looked_up_, uid};
  std::expected<std::string, runtime::WorkerBusy> name =
      co_await worker_.run([uid] { return cognito_user_with_uid(uid); });
  co_return name ? std::move(*name) : std::string();
}

Task<PamCaller> Callers::pam_host(MessageRef message, std::string user, std::string service,
                                  CallerContext context, std::chrono::milliseconds name_time) {
  PamCaller caller;
  const std::expected<uid_t, int> uid = co_await uid_of_sender(message);
  if (!uid) {
    caller.refused = bus_names::kErrorNotPermitted;
    co_return caller;
  }
  if (*uid == 0) {
    if (context.real_uid == kNoUid) {
      caller.refused = bus_names::kErrorInvalidArgument;
      co_return caller;
    }
    caller.is_root = true;
    caller.real_root = context.real_uid == 0;
    caller.service = std::move(service);
    caller.origin = origin_of(context);
    caller.remote_host = limits::literal_address(context.remote_host);
    caller.binding = binding_for_reuse(context);
    caller.log_id = context.log_id.empty() ? random_log_id() : std::move(context.log_id);
    // sudo and the like by the user itself: an origin that is known for this user.
    if (context.user_uid != kNoUid) {
      if (context.real_uid == context.user_uid && !caller.real_root)
        caller.user_uid = context.real_uid;
    } else if (!caller.real_root) {
      const auto name = co_await runtime::with_deadline(loop_, loop_.now() + name_time,
                                                        name_of(context.real_uid));
      if (name && *name == user) caller.user_uid = context.real_uid;
    }
    co_return caller;
  }

  const uid_t caller_uid = *uid;
  const std::string name = co_await cognito_user_name(caller_uid);
  if (name.empty())
    caller.refused = bus_names::kErrorNotOurs;
  else if (name != user)
    caller.refused = bus_names::kErrorNotPermitted;
  caller.service = kUserService;
  caller.user_uid = caller_uid;
  caller.origin = limits::Origin::of_uid(caller_uid);
  caller.log_id = random_log_id();
  co_return caller;
}

Task<sign_in::CallerPlace> Callers::place(MessageRef message, uid_t uid) {
  const char* sender = sd_bus_message_get_sender(message.get());
  sign_in::CallerPlace place;
  if (sender != nullptr) place = co_await place_of_sender(bus_, sender, uid);
  co_return place;
}

Task<Person> Callers::person(MessageRef message) {
  Person person;
  const std::expected<uid_t, int> uid = co_await uid_of_sender(message);
  if (!uid) {
    person.refused = bus_names::kErrorNotPermitted;
    co_return person;
  }
  person.uid = *uid;
  person.is_root = person.uid == 0;
  if (person.is_root) co_return person;
  person.name = co_await cognito_user_name(person.uid);
  if (person.name.empty()) person.refused = bus_names::kErrorNotOurs;
  co_return person;
}

}  // namespace pamcognito::bus
