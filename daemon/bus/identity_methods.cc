#include "daemon/bus/identity_methods.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <string_view>
#include <utility>

#include "common/bus_names.h"
#include "common/user_name.h"
#include "daemon/bus/dictionary.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::bus {
namespace {

using runtime::Level;
using runtime::Task;

constexpr char kMalformed[] = "The arguments are malformed.";

// A UUID in a pool of today; other letters than a word's have no business there.
bool is_sub(std::string_view text) {
  constexpr std::size_t longest = 128;
  return !text.empty() && text.size() <= longest &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::uint64_t since_epoch(std::time_t time) {
  return static_cast<std::uint64_t>(std::max(time, std::time_t{0}));
}

int append_identity(sd_bus_message* reply, const std::string& name,
                    const sessions::KnownUser& user) {
  int result = sd_bus_message_open_container(reply, 'a', "{sv}");
  if (result >= 0) result = append_text(reply, "user", name);
  if (result >= 0) result = append_text(reply, "sub", user.sub);
  if (result >= 0)
    result = append_text(reply, "by",
                         user.pinned_by == sessions::PinnedBy::root ? "root" : "first-sign-in");
  if (result >= 0) result = append_u64(reply, "pinned_at", since_epoch(user.pinned_at));
  if (result >= 0) result = append_u64(reply, "verified_at", since_epoch(user.verified_at));
  if (result >= 0)
    result =
        append_text(reply, "standing",
                    user.account_status == sessions::AccountStatus::disabled ? "disabled" : "good");
  return result < 0 ? result : sd_bus_message_close_container(reply);
}

}  // namespace

const sd_bus_vtable IdentityMethods::kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("ListIdentities", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", identities),
                            &Dispatch<&IdentityMethods::list>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PinIdentity", SD_BUS_ARGS("s", user, "s", sub), SD_BUS_NO_RESULT,
                            &Dispatch<&IdentityMethods::pin>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ResetIdentity", SD_BUS_ARGS("s", user), SD_BUS_NO_RESULT,
                            &Dispatch<&IdentityMethods::reset>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

Task<bool> IdentityMethods::is_permitted(MessageRef message) {
  const Person caller = co_await core_.callers.person(message);
  if (!caller.is_root) {
    refuse(message, bus_names::kErrorNotPermitted, "Only root may do that.");
    co_return false;
  }
  // Identities are of one user pool, which only a configuration names.
  if (!core_.is_configured()) {
    refuse(message, bus_names::kErrorUnconfigured, "cognitod has no valid configuration.");
    co_return false;
  }
  co_return true;
}

void IdentityMethods::answer(const MessageRef& message, const std::string& user,
                             std::string_view what, const std::expected<void, std::string>& done) {
  runtime::log(done ? Level::notice : Level::error,
               "identity of " + user + ": " + (done ? "" : "not ") + std::string(what) + " by root",
               {{"USER", user}, {"DETAIL", done ? std::string_view() : done.error()}});
  if (!done)
    refuse(message, bus_names::kErrorFailed, done.error().c_str());
  else
    (void)sd_bus_reply_method_return(message.get(), "");
}

Task<void> IdentityMethods::list(MessageRef message) {
  const bool permitted = co_await is_permitted(message);
  if (!permitted) co_return;
  sd_bus_message* reply = nullptr;
  int result = sd_bus_message_new_method_return(message.get(), &reply);
  if (result >= 0) result = sd_bus_message_open_container(reply, 'a', "a{sv}");
  for (const auto& [name, user] : core_.known.all())
    if (result >= 0) result = append_identity(reply, name, user);
  if (result >= 0) result = sd_bus_message_close_container(reply);
  send_reply(message, reply, result);
}

Task<void> IdentityMethods::pin(MessageRef message) {
  const char* user = nullptr;
  const char* sub = nullptr;
  if (sd_bus_message_read(message.get(), "ss", &user, &sub) < 0 || !is_valid_user_name(user) ||
      !is_sub(sub)) {
    refuse(message, bus_names::kErrorInvalidArgument, kMalformed);
    co_return;
  }
  const std::string name(user);
  const bool permitted = co_await is_permitted(message);
  if (!permitted) co_return;
  // Before the pin, so that none of them is found by it, and after, for those made meanwhile.
  (void)core_.sessions.end_all(name, "identity-pinned");
  const std::expected<void, std::string> pinned =
      co_await core_.known.pin(name, sub, sessions::PinnedBy::root, core_.clock.wall_time());
  (void)core_.sessions.end_all(name, "identity-pinned");
  core_.mfa.forget(name);
  answer(message, name, "pinned", pinned);
}

Task<void> IdentityMethods::reset(MessageRef message) {
  const char* user = nullptr;
  if (sd_bus_message_read(message.get(), "s", &user) < 0 || !is_valid_user_name(user)) {
    refuse(message, bus_names::kErrorInvalidArgument, kMalformed);
    co_return;
  }
  const std::string name(user);
  const bool permitted = co_await is_permitted(message);
  if (!permitted) co_return;
  (void)core_.sessions.end_all(name, "identity-reset");
  const std::expected<void, std::string> reset = co_await core_.known.reset(name);
  (void)core_.sessions.end_all(name, "identity-reset");
  core_.mfa.forget(name);
  answer(message, name, "reset", reset);
}

}  // namespace pamcognito::bus
