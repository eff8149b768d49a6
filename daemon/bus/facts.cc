#include "daemon/bus/facts.h"

#include <algorithm>
#include <string_view>

#include "common/bus_names.h"
#include "common/hexadecimal.h"
#include "daemon/bus/dictionary.h"

namespace pamcognito::bus {
namespace {

int read_fact(sd_bus_message* message, std::string_view key, Facts& facts) {
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
  if (key == bus_names::kFactRealUid) return number(facts.real_uid);
  if (key == bus_names::kFactUserUid) return number(facts.user_uid);
  if (key == bus_names::kFactLoginUid) return number(facts.login_uid);
  if (key == bus_names::kFactAuditSession) return number(facts.audit_session);
  if (key == bus_names::kFactFlags) return number(facts.pam_flags);
  if (key == bus_names::kFactRemoteHost) return text(facts.remote_host);
  if (key == bus_names::kFactLogId) return text(facts.log_id);
  if (key == bus_names::kFactTest) return number(facts.test);
  if (key == bus_names::kFactTty) return text(facts.tty);
  // The interface's name; nothing is decided by it.
  std::string unused;
  if (key == bus_names::kFactRemoteUser) return text(unused);
  return skip_unknown(message);
}

}  // namespace

std::expected<Facts, int> read_facts(sd_bus_message* message) {
  Facts facts;
  const int result = read_dictionary(message, [&facts](sd_bus_message* from, std::string_view key) {
    return read_fact(from, key, facts);
  });
  if (result < 0) return std::unexpected(result);
  // It only ties lines together: one of another form is not worth a refused login.
  if (!is_log_id(facts.log_id)) facts.log_id.clear();
  return facts;
}

limits::Origin origin_of(const Facts& facts) {
  if (facts.real_uid != 0) return limits::Origin::of_uid(facts.real_uid);
  if (!facts.remote_host.empty()) return limits::Origin::of_host(facts.remote_host);
  return limits::is_seat_terminal(facts.tty) ? limits::Origin::local() : limits::Origin::unknown();
}

sessions::Binding binding_of_login(const Facts& facts) {
  if (facts.user_uid == kNoUid || facts.login_uid != facts.user_uid) return {};
  return {.login_uid = facts.login_uid, .audit_session = facts.audit_session};
}

sessions::Binding binding_for_reuse(const Facts& facts) {
  return facts.real_uid == facts.user_uid ? binding_of_login(facts) : sessions::Binding{};
}

}  // namespace pamcognito::bus
