#include "daemon/bus/dictionary.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "common/protocol_limits.h"
#include "common/text.h"

namespace pamcognito::bus {
namespace {
constexpr int kMaxEntries = 32;
constexpr std::size_t kMaxShownText = 512;
}  // namespace

std::expected<std::uint32_t, int> read_number(sd_bus_message* message) {
  std::uint32_t value = 0;
  const int result = sd_bus_message_read(message, "v", "u", &value);
  if (result < 0) return std::unexpected(result);
  return value;
}

std::expected<bool, int> read_bool(sd_bus_message* message) {
  int value = 0;
  const int result = sd_bus_message_read(message, "v", "b", &value);
  if (result < 0) return std::unexpected(result);
  return value != 0;
}

std::expected<std::string, int> read_text(sd_bus_message* message) {
  const char* value = nullptr;
  const int result = sd_bus_message_read(message, "v", "s", &value);
  if (result < 0) return std::unexpected(result);
  if (std::strlen(value) > protocol::kMaxFactText) return std::unexpected(-EINVAL);
  return std::string(value);
}

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

int read_dictionary(sd_bus_message* message,
                    const std::function<int(sd_bus_message*, std::string_view)>& read_value) {
  int result = sd_bus_message_enter_container(message, 'a', "{sv}");
  for (int count = 0; result >= 0; ++count) {
    result = sd_bus_message_enter_container(message, 'e', "sv");
    if (result == 0) break;
    if (count == kMaxEntries) result = -E2BIG;
    const char* key = nullptr;
    if (result >= 0) result = sd_bus_message_read(message, "s", &key);
    if (result >= 0 && std::strlen(key) > kMaxKey) result = -EINVAL;
    if (result >= 0) result = read_value(message, key);
    if (result >= 0) result = sd_bus_message_exit_container(message);
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

int append_text(sd_bus_message* message, const char* key, std::string_view value) {
  const std::string shown = printable(value, kMaxShownText);
  return sd_bus_message_append(message, "{sv}", key, "s", shown.c_str());
}

int append_bool(sd_bus_message* message, const char* key, bool value) {
  return sd_bus_message_append(message, "{sv}", key, "b", value ? 1 : 0);
}

int append_u32(sd_bus_message* message, const char* key, std::uint64_t value) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  return sd_bus_message_append(message, "{sv}", key, "u",
                               static_cast<std::uint32_t>(std::min(value, most)));
}

int append_u64(sd_bus_message* message, const char* key, std::uint64_t value) {
  return sd_bus_message_append(message, "{sv}", key, "t", value);
}

}  // namespace pamcognito::bus
