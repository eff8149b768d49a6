#include "daemon/bus/status_methods.h"

#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/bus_names.h"
#include "common/user_name.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/policy_report.h"
#include "daemon/policy/setting_names.h"
#include "daemon/policy/values.h"

namespace pamcognito::bus {
namespace {

using runtime::Task;

}  // namespace

const sd_bus_vtable StatusMethods::kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("GetStatus", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", status),
                            &Dispatch<&StatusMethods::get_status>::call,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "TestPolicy", SD_BUS_ARGS("s", user, "s", service), SD_BUS_RESULT("a(sssss)", answers),
        &Dispatch<&StatusMethods::test_policy>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Version", "s", &StatusMethods::get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Configured", "b", &StatusMethods::get_configured, 0, 0),
    SD_BUS_VTABLE_END};

int StatusMethods::get_version(sd_bus*, const char*, const char*, const char*,
                               sd_bus_message* reply, void*, sd_bus_error*) {
  return sd_bus_message_append(reply, "s", PAM_COGNITO_VERSION);
}

int StatusMethods::get_configured(sd_bus*, const char*, const char*, const char*,
                                  sd_bus_message* reply, void* self, sd_bus_error*) {
  const bool configured = static_cast<StatusMethods*>(self)->core_.is_configured();
  return sd_bus_message_append(reply, "b", configured ? 1 : 0);
}

Task<bool> StatusMethods::is_root(MessageRef message) {
  const Person caller = co_await core_.callers.person(message);
  if (!caller.is_root) refuse(message, bus_names::kErrorNotPermitted, "Only root may ask that.");
  co_return caller.is_root;
}

Task<void> StatusMethods::get_status(MessageRef message) {
  const bool permitted = co_await is_root(message);
  if (!permitted) co_return;
  const bool configured = core_.is_configured();
  const bool writable = core_.known.is_readable() && core_.known.is_on_disk() &&
                        ::access(core_.state_directory.c_str(), W_OK | X_OK) == 0;
  sd_bus_message* reply = nullptr;
  int result = sd_bus_message_new_method_return(message.get(), &reply);
  if (result >= 0) result = sd_bus_message_open_container(reply, 'a', "{sv}");
  if (result >= 0) result = append_text(reply, "version", PAM_COGNITO_VERSION);
  if (result >= 0) result = append_bool(reply, "configured", configured);
  if (result >= 0)
    result = append_text(reply, "user_pool_id",
                         configured ? core_.config->pool.user_pool_id : std::string());
  if (result >= 0)
    result = append_u64(reply, "started_at", static_cast<std::uint64_t>(core_.started_at));
  if (result >= 0) result = append_u32(reply, "sessions", core_.store.size());
  if (result >= 0) result = append_u32(reply, "sessions_not_kept", core_.sessions.users_not_kept());
  if (result >= 0) result = append_u32(reply, "sign_ins_open", core_.open.count());
  if (result >= 0) result = append_u32(reply, "identities", core_.known.all().size());
  if (result >= 0) result = append_bool(reply, "sessions_survive", core_.sessions_survive);
  if (result >= 0) result = append_bool(reply, "identities_writable", writable);
  const cognito::ReachabilityReport reach =
      configured ? core_.pool->reachability() : cognito::ReachabilityReport();
  if (result >= 0) result = append_text(reply, "pool_state", reach.state);
  if (result >= 0)
    result = append_u64(reply, "pool_state_changed_at", static_cast<std::uint64_t>(reach.since));
  if (result >= 0) result = append_u32(reply, "pool_addresses", reach.addresses);
  if (result >= 0) result = append_u32(reply, "pool_addresses_fresh", reach.fresh_addresses);
  if (result >= 0)
    result = append_u64(reply, "pool_verified_at", static_cast<std::uint64_t>(reach.verified_at));
  if (result >= 0) result = sd_bus_message_close_container(reply);
  send_reply(message, reply, result);
}

Task<void> StatusMethods::test_policy(MessageRef message) {
  const char* user = nullptr;
  const char* service = nullptr;
  if (sd_bus_message_read(message.get(), "ss", &user, &service) < 0 || !is_valid_user_name(user) ||
      !policy::is_service_name(service)) {
    refuse(message, bus_names::kErrorInvalidArgument, "The user or the service is malformed.");
    co_return;
  }
  const std::string user_name(user);
  const std::string service_name(policy::service_by_name(service));
  const bool permitted = co_await is_root(message);
  if (!permitted) co_return;
  if (!core_.is_configured()) {
    refuse(message, bus_names::kErrorUnconfigured, "cognitod has no valid configuration.");
    co_return;
  }
  const std::vector<PolicyAnswer> answers = policy_report(core_, user_name, service_name);
  sd_bus_message* reply = nullptr;
  int result = sd_bus_message_new_method_return(message.get(), &reply);
  if (result >= 0) result = sd_bus_message_open_container(reply, 'a', "(sssss)");
  for (const PolicyAnswer& answer : answers)
    if (result >= 0)
      result =
          sd_bus_message_append(reply, "(sssss)", answer.question.c_str(), answer.answer.c_str(),
                                answer.section.c_str(), answer.key.c_str(), answer.reason.c_str());
  if (result >= 0) result = sd_bus_message_close_container(reply);
  send_reply(message, reply, result);
}

}  // namespace pamcognito::bus
