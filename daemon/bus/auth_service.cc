#include "daemon/bus/auth_service.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/bus_names.h"

namespace pamcognito::bus {
namespace {

// After the conversations' sockets: an acknowledged sign-in is known before its account is asked
// for.
constexpr std::int64_t kBusPriority = SD_EVENT_PRIORITY_NORMAL + 10;

}  // namespace

AuthService::AuthService(Dependencies dependencies)
    : core_(std::move(dependencies)),
      sign_ins_(core_),
      sessions_(core_),
      mfa_(core_, sign_ins_),
      identities_(core_),
      status_(core_) {}

AuthService::~AuthService() {
  core_.password_turns.close();
  core_.calls.drop_all();
  sign_ins_.end_all();
  if (bus_ != nullptr) (void)sd_bus_flush(bus_);
  leave_bus();
}

void AuthService::leave_bus() {
  for (sd_bus_slot*& slot : slots_) slot = sd_bus_slot_unref(slot);
  bus_ = sd_bus_close_unref(bus_);
  core_.callers.use(nullptr);
}

void AuthService::configure(std::shared_ptr<const policy::Config> config,
                            std::shared_ptr<cognito::UserPool> pool) {
  // Identity pins were read for the new user pool: sign-ins to the old one end. A
  // reload that keeps the user pool loses no sign-in.
  if (core_.config && config && core_.config->pool.user_pool_id != config->pool.user_pool_id)
    sign_ins_.end_all();
  core_.configure(std::move(config), std::move(pool));
}

int AuthService::start() {
  struct Part {
    const char* interface;
    const sd_bus_vtable* vtable;
    void* methods;
  };
  // As the contract lists them: introspection shows them in this order.
  const std::array<Part, kParts> parts{
      {{bus_names::kInterface, SignInMethods::kVtable, &sign_ins_},
       {bus_names::kInterface, SessionMethods::kVtable, &sessions_},
       {bus_names::kInterface, MfaMethods::kVtable, &mfa_},
       {bus_names::kInterface, IdentityMethods::kVtable, &identities_},
       {bus_names::kInterface, StatusMethods::kVtable, &status_},
       {bus_names::kHostInterface, SignInMethods::kVtable, &sign_ins_},
       {bus_names::kHostInterface, SessionMethods::kHostVtable, &sessions_}}};
  int result = sd_bus_open_system(&bus_);
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (result >= 0)
      result = sd_bus_add_object_vtable(bus_, &slots_[i], bus_names::kPath, parts[i].interface,
                                        parts[i].vtable, parts[i].methods);
  if (result >= 0) result = sd_bus_attach_event(bus_, core_.loop.get(), kBusPriority);
  core_.callers.use(bus_);
  if (result >= 0) result = sd_bus_request_name(bus_, bus_names::kService, 0);
  if (result >= 0) result = sd_bus_set_exit_on_disconnect(bus_, 1);
  if (result < 0) leave_bus();
  return result;
}

void AuthService::stop(std::function<void()> stopped) {
  if (bus_ != nullptr)
    (void)sd_bus_release_name_async(bus_, nullptr, bus_names::kService, nullptr, nullptr);
  core_.password_turns.close();
  core_.calls.drop_all();
  sign_ins_.end_all();
  if (!core_.sessions_survive)
    for (const SignInId& id : core_.store.all()) (void)core_.sessions.end(id, "daemon-stopped");
  core_.revocations.when_idle(std::move(stopped));
}

}  // namespace pamcognito::bus
