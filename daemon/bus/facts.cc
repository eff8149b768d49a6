#include "daemon/bus/facts.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/bus_names.h"

namespace pamcognito::bus {
namespace {

constexpr std::size_t kMaxText = 256;
constexpr int kMaxFacts = 32;

std::expected<std::uint32_t, int> read_number(sd_bus_message* message) {
  std::uint32_t value = 0;
  const int result = sd_bus_message_read(message, "v", "u", &value);
  if (result < 0) return std::unexpected(result);
  return value;
}

std::expected<std::string, int> read_text(sd_bus_message* message) {
  const char* value = nullptr;
  const int result = sd_bus_message_read(message, "v", "s", &value);
  if (result < 0) return std::unexpected(result);
  if (std::strlen(value) > kMaxText) return std::unexpected(-EINVAL);
  return std::string(value);
}

// A fact of a newer module. Only what is small passes, so that nobody makes the daemon keep more.
int skip_unknown(sd_bus_message* message) {
  const char* contents = nullptr;
  const int result = sd_bus_message_peek_type(message, nullptr, &contents);
  if (result < 0) return result;
  const std::string_view type(contents != nullptr ? contents : "");
  if (type == "s") {
    const auto text = read_text(message);
    return text ? 0 : text.error();
  }
  constexpr std::string_view numbers = "ybnqiuxtd";
  if (type.size() != 1 || !numbers.contains(type.front())) return -EINVAL;
  return sd_bus_message_skip(message, "v");
}

int read_one(sd_bus_message* message, std::string_view key, Facts& facts) {
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
  if (key == bus_names::kFactLoginUid) return number(facts.login_uid);
  if (key == bus_names::kFactAuditSession) return number(facts.audit_session);
  if (key == bus_names::kFactFlags) return number(facts.pam_flags);
  if (key == bus_names::kFactTty) return text(facts.tty);
  if (key == bus_names::kFactRemoteHost) return text(facts.remote_host);
  if (key == bus_names::kFactRemoteUser) return text(facts.remote_user);
  return skip_unknown(message);
}

}  // namespace

std::expected<Facts, int> read_facts(sd_bus_message* message) {
  Facts facts;
  int result = sd_bus_message_enter_container(message, 'a', "{sv}");
  for (int count = 0; result >= 0; ++count) {
    result = sd_bus_message_enter_container(message, 'e', "sv");
    if (result == 0) break;
    if (count == kMaxFacts) result = -E2BIG;
    const char* key = nullptr;
    if (result >= 0) result = sd_bus_message_read(message, "s", &key);
    if (result >= 0) result = read_one(message, key, facts);
    if (result >= 0) result = sd_bus_message_exit_container(message);
  }
  if (result >= 0) result = sd_bus_message_exit_container(message);
  if (result < 0) return std::unexpected(result);
  return facts;
}

limits::Origin origin_of(const Facts& facts) {
  if (facts.real_uid != 0) return limits::Origin::of_uid(facts.real_uid);
  if (!facts.remote_host.empty()) return limits::Origin::of_host(facts.remote_host);
  return limits::Origin::local();
}

}  // namespace pamcognito::bus
