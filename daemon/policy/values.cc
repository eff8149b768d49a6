#include "daemon/policy/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>

#include "common/ascii.h"
#include "common/protocol_limits.h"
#include "common/text.h"

namespace pamcognito::policy {
namespace {

constexpr std::string_view kBlanks = " \t";

struct Unit {
  std::string_view name;
  std::int64_t seconds;
};
constexpr std::array kUnits = {Unit{"d", 86400}, Unit{"h", 3600}, Unit{"min", 60}, Unit{"s", 1}};

// Digits only; nullopt also for what no value here comes near.
std::optional<std::uint32_t> to_number(std::string_view digits) {
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || stop != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<std::chrono::seconds> to_seconds(std::string_view value) {
  if (value == "0") return std::chrono::seconds(0);
  const auto letter = value.find_first_not_of("0123456789");
  if (letter == std::string_view::npos) return std::nullopt;
  const auto number = to_number(value.substr(0, letter));
  const auto unit = std::ranges::find(kUnits, value.substr(letter), &Unit::name);
  if (!number || unit == kUnits.end()) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(*number) * unit->seconds);
}

}  // namespace

ValueResult<bool> parse_yes_no(std::string_view value) {
  if (value == "yes") return true;
  if (value == "no") return false;
  return std::unexpected("is not yes or no");
}

ValueResult<unsigned> parse_count(std::string_view value, unsigned least, unsigned most) {
  const auto number = to_number(value);
  if (number && *number >= least && *number <= most) return *number;
  return std::unexpected("is not a whole number from " + std::to_string(least) + " to " +
                         std::to_string(most));
}

ValueResult<std::chrono::seconds> parse_duration(std::string_view value, std::chrono::seconds least,
                                                 std::chrono::seconds most) {
  const auto duration = to_seconds(value);
  if (!duration)
    return std::unexpected("is not a duration such as 90s, 5min, 12h or 7d (not m for minutes)");
  if (*duration < least || *duration > most) {
    return std::unexpected("is not from " + format_duration(least) + " to " +
                           format_duration(most));
  }
  return *duration;
}

std::string format_duration(std::chrono::seconds duration) {
  if (duration.count() == 0) return "0";
  for (const auto& [name, seconds] : kUnits) {
    if (duration.count() % seconds == 0) {
      return std::to_string(duration.count() / seconds) + std::string(name);
    }
  }
  return {};
}

ValueResult<std::vector<std::string>> parse_list(std::string_view value) {
  std::vector<std::string> items;
  while (true) {
    const auto start = value.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return items;
    value.remove_prefix(start);
    const std::string_view item = value.substr(0, value.find_first_of(kBlanks));
    if (std::ranges::find(items, item) != items.end()) {
      return std::unexpected("names " + std::string(item) + " twice: remove one");
    }
    items.emplace_back(item);
    value.remove_prefix(item.size());
  }
}

ValueResult<std::string> parse_word(std::string_view value, std::size_t most) {
  if (value.empty()) return std::unexpected("has no value: give one, or remove the line");
  if (value.size() > most) {
    return std::unexpected("is longer than " + std::to_string(most) + " bytes");
  }
  if (value.find_first_of(kBlanks) != std::string_view::npos) {
    return std::unexpected("has a blank in it");
  }
  return std::string(value);
}

ValueResult<std::string> parse_text(std::string_view value, std::size_t most) {
  if (value.empty()) return std::unexpected("has no value: give one, or remove the line");
  if (value.size() > most) {
    return std::unexpected("is longer than " + std::to_string(most) + " bytes");
  }
  if (printable(value, most) != value) return std::unexpected("is not printable UTF-8");
  return std::string(value);
}

bool is_language(std::string_view name) {
  constexpr std::size_t kMaxLanguage = 32;
  return name.size() <= kMaxLanguage && !name.empty() && ascii::is_letter(name.front()) &&
         std::ranges::all_of(name,
                             [](char c) { return ascii::is_letter(c) || c == '_' || c == '@'; });
}

bool is_service_name(std::string_view name) {
  return !name.empty() && name.size() <= protocol::kMaxServiceName &&
         std::ranges::all_of(name, [](char c) {
           return ascii::is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
         });
}

}  // namespace pamcognito::policy
