#include "daemon/bus/unix_user.h"

#include <pwd.h>

#include <array>
#include <cstdint>

#include "common/membership.h"
#include "common/users_conf.h"

namespace pamcognito::bus {
namespace {

constexpr std::uint64_t kTimeoutUsec = 2'000'000;

// One call to the bus daemon; the reply's slot goes with the frame that waits for it.
class UnixUserCall {
 public:
  UnixUserCall(sd_bus* bus, const std::string& unique_name) {
    sd_bus_message* call = nullptr;
    int result =
        sd_bus_message_new_method_call(bus, &call, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "GetConnectionUnixUser");
    if (result >= 0) result = sd_bus_message_append(call, "s", unique_name.c_str());
    if (result >= 0)
      result = sd_bus_call_async(bus, &slot_, call, &UnixUserCall::reply, this, kTimeoutUsec);
    sd_bus_message_unref(call);
    if (result < 0) answer.report(std::unexpected(result));
  }
  UnixUserCall(const UnixUserCall&) = delete;
  UnixUserCall& operator=(const UnixUserCall&) = delete;
  ~UnixUserCall() { sd_bus_slot_unref(slot_); }

  runtime::OneShot<std::expected<uid_t, int>> answer;

 private:
  static int reply(sd_bus_message* message, void* self, sd_bus_error*) {
    std::uint32_t uid = 0;
    const sd_bus_error* error = sd_bus_message_get_error(message);
    const int result =
        error != nullptr ? -sd_bus_error_get_errno(error) : sd_bus_message_read(message, "u", &uid);
    auto& call = *static_cast<UnixUserCall*>(self);
    if (result < 0)
      call.answer.report(std::unexpected(result));
    else
      call.answer.report(uid_t{uid});
    return 0;
  }

  sd_bus_slot* slot_ = nullptr;
};

}  // namespace

runtime::Task<std::expected<uid_t, int>> unix_user_of(sd_bus* bus, std::string unique_name) {
  UnixUserCall call(bus, unique_name);
  std::expected<uid_t, int> uid = co_await call.answer;
  co_return uid;
}

std::string user_with_uid(uid_t uid) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return {};
  return found->pw_name;
}

std::string cognito_user_with_uid(uid_t uid) {
  std::string name = user_with_uid(uid);
  if (name.empty() ||
      classify_user(kUsersConfPath, name.c_str(), nullptr) != Membership::cognito_user)
    return {};
  return name;
}

}  // namespace pamcognito::bus
