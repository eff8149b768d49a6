#include "daemon/bus/caller_context.h"

#include <algorithm>
#include <string_view>

#include "common/bus_names.h"
#include "common/hexadecimal.h"
#include "daemon/bus/dictionary.h"

namespace pamcognito::bus {
namespace {

int read_entry(sd_bus_message* message, std::string_view key, CallerContext& context) {
  const auto number = [&](auto& target) {
    const auto value = read_number(message);
    if (value) target = *value;
    return value ? 0 : value.error();
  };
  const auto text = [&](std::string& target) {
    auto value = read_text(message);
    if (value) target = std::move(*value);
    return value ? 0 : value.error();
  };
  if (key == bus_names::kFactRealUid) return number(context.real_uid);
  if (key == bus_names::kFactUserUid) return number(context.user_uid);
  if (key == bus_names::kFactLoginUid) return number(context.login_uid);
  if (key == bus_names::kFactAuditSession) return number(context.audit_session);
  if (key == bus_names::kFactFlags) return number(context.pam_flags);
  if (key == bus_names::kFactRemoteHost) return text(context.remote_host);
  if (key == bus_names::kFactLogId) return text(context.log_id);
  if (key == bus_names::kFactTest) return number(context.test);
  if (key == bus_names::kFactTty) return text(context.tty);
  // The interface's name; nothing is decided by it.
  std::string unused;
  if (key == bus_names::kFactRemoteUser) return text(unused);
  return skip_unknown(message);
}

}  // namespace

std::expected<CallerContext, int> read_caller_context(sd_bus_message* message) {
  CallerContext context;
  const int result =
      read_dictionary(message, [&context](sd_bus_message* from, std::string_view key) {
        return read_entry(from, key, context);
      });
  if (result < 0) return std::unexpected(result);
  // It only ties lines together: one of another form is not worth a refused login.
  if (!is_log_id(context.log_id)) context.log_id.clear();
  return context;
}

limits::Origin origin_of(const CallerContext& context) {
  if (context.real_uid != 0) return limits::Origin::of_uid(context.real_uid);
  if (!context.remote_host.empty()) return limits::Origin::of_host(context.remote_host);
  return limits::is_seat_terminal(context.tty) ? limits::Origin::local()
                                               : limits::Origin::unknown();
}

sessions::Binding binding_of_login(const CallerContext& context) {
  if (context.user_uid == kNoUid || context.login_uid != context.user_uid) return {};
  return {.login_uid = context.login_uid, .audit_session = context.audit_session};
}

sessions::Binding binding_for_reuse(const CallerContext& context) {
  return context.real_uid == context.user_uid ? binding_of_login(context) : sessions::Binding{};
}

}  // namespace pamcognito::bus
