#include "accounts/settings.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "accounts/files.h"
#include "accounts/names.h"
#include "common/ascii.h"
#include "common/root_file.h"
#include "common/text.h"
#include "nss/accounts_conf.h"

namespace pamcognito::accounts {
namespace {

constexpr std::size_t kMaxPatterns = 64;       // a bound of a mistake; the file has 8 KiB at most
constexpr std::size_t kMaxAttribute = 27;      // "custom:" and 20 characters (SchemaAttributeType)
constexpr std::size_t kMaxCognitoGroup = 512;  // GroupNameType: 128 characters of UTF-8

// Bounds all names of a person's groups together. Ten thousand accounts of this size are 40 MiB,
// which each change reads. 100 groups of 512 bytes would be 500 MiB, more than cognitod-accounts
// may have.
constexpr std::size_t kMaxGroupsBytes = 4096;

// Shorter times would end between two logins. The longer one is that of Cognito's refresh tokens by
// default: after it, nothing here has heard of the user.
constexpr std::chrono::seconds kLeastKeysAge = std::chrono::minutes(5);
constexpr std::chrono::seconds kMostKeysAge = std::chrono::days(30);

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  for (std::string_view word; !(word = conf_text::take_word(list)).empty();)
    words.emplace_back(word);
  return words;
}

bool is_part_of_name(std::string_view text) {
  return !text.empty() && text.size() < kMaxName &&
         std::ranges::all_of(
             text,
             [](char c) {
               return ascii::is_lower(c) || ascii::is_digit(c) || c == '_' || c == '.' || c == '-';
             });
}

bool is_attribute(std::string_view text) {
  return !text.empty() && text.size() <= kMaxAttribute && std::ranges::all_of(text, [](char c) {
    return ascii::is_alphanumeric(c) || c == '_' || c == ':' || c == '-' || c == '.';
  });
}

// "90m", "24h", "7d".
bool take_age(std::string_view text, std::chrono::seconds& age) {
  std::uint32_t number = 0;
  if (text.empty() || !conf_text::parse_number(text.substr(0, text.size() - 1), number))
    return false;
  const char unit = text.back();
  if (unit != 'm' && unit != 'h' && unit != 'd') return false;
  age = unit == 'm'   ? std::chrono::seconds(std::chrono::minutes(number))
        : unit == 'h' ? std::chrono::seconds(std::chrono::hours(number))
                      : std::chrono::seconds(std::chrono::days(number));
  return age >= kLeastKeysAge && age <= kMostKeysAge;
}

// Parts of names, or globs, and no other words.
bool are_good(const std::vector<std::string>& list, bool (*is_good)(std::string_view)) {
  return list.size() <= kMaxPatterns && std::ranges::all_of(list, is_good);
}

bool take_parts(std::string_view value, std::string& list) {
  list = value;
  return are_good(words_of(value), is_part_of_name);
}

bool take(std::string_view key, std::string_view value, Settings& settings) {
  if (key == "names") {
    settings.names = words_of(value);
    return are_good(settings.names, is_glob);
  }
  if (key == "prefixes") return take_parts(value, settings.prefixes);
  if (key == "suffixes") return take_parts(value, settings.suffixes);
  if (key == "pool") {
    settings.pool = value;
    return value.empty() || is_pool(value);
  }
  if (key == "max") {
    std::uint32_t number = 0;
    if (!conf_text::parse_number(value, number) || number > kMaxUsers) return false;
    settings.max = number;
    return number > 0;
  }
  if (key == "on_disable") {
    settings.on_disable = value == "terminate" ? OnDisable::terminate : OnDisable::lock;
    return value == "lock" || value == "terminate";
  }
  if (key == "uid_attribute") {
    settings.uid_attribute = value;
    return value.empty() || is_attribute(value);
  }
  if (key == "ssh_keys_attribute") {
    settings.ssh_keys_attribute = value;
    return value.empty() || is_attribute(value);
  }
  if (key == "ssh_keys_max_age") return take_age(value, settings.ssh_keys_max_age);
  return true;
}

bool is_cognito_group(std::string_view text) {
  return text.size() <= kMaxCognitoGroup && printable(text, kMaxCognitoGroup) == text;
}

bool take_directory(std::string_view key, std::string_view value, Settings& settings) {
  if (key == "groups") {
    settings.directory_groups = words_of(value);
    return are_good(settings.directory_groups, is_cognito_group) &&
           settings.directory_groups.size() <= kMaxDirectoryGroups;
  }
  if (key == "metadata") settings.metadata = value;
  return true;
}

// The second pass over a text that parse_conf() has accepted. 0, or the number of a line.
std::size_t take_all(std::string_view text, Settings& settings) {
  using namespace conf_text;
  std::string_view section;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = trimmed(take_until(text, '\n'));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      section = trimmed(line.substr(1, line.size() - 2));
      continue;
    }
    const std::string_view key = trimmed(take_until(line, '='));
    if (section == "accounts" && !take(key, trimmed(line), settings)) return number;
    if (section == "directory" && !take_directory(key, trimmed(line), settings)) return number;
  }
  return 0;
}

std::unexpected<std::string> fault(std::size_t line) {
  return std::unexpected("line " + std::to_string(line) + " has a fault");
}

bool is_mapped(const Settings& settings, const std::string& cognito_group) {
  return std::ranges::any_of(settings.groups, [&](const MappedGroup& group) {
    return std::ranges::find(group.cognito_groups, cognito_group) != group.cognito_groups.end();
  });
}

}  // namespace

std::expected<Settings, std::string> parse_settings(std::string_view text) {
  Conf conf;
  if (const std::size_t line = parse_conf(text, conf); line != 0) return fault(line);
  Settings settings;
  settings.first = conf.first;
  settings.last = conf.last;
  settings.home = conf.home;
  settings.shells = words_of(conf.shells);
  for (std::size_t i = 0; i < conf.group_count; ++i)
    settings.groups.push_back({std::string(conf.groups[i]), words_of(conf.cognito_groups[i])});
  if (const std::size_t line = take_all(text, settings); line != 0) return fault(line);
  return settings;
}

Result<Settings> read_settings(const std::string& root) {
  // The reader demands it, too.
  const auto directory = open_directory(root + kConfDirectory, 0);
  if (!directory) return std::unexpected(directory.error());
  const std::string path = root + kConfPath;
  const auto text = read_root_file(path.c_str(), kMaxConfBytes);
  if (!text) return refused(Refusal::bad_configuration, text.error());
  if (!*text)
    return refused(Refusal::bad_configuration,
                   path + " is missing: run cognitoctl setup --accounts");
  auto settings = parse_settings(**text);
  if (!settings)
    return refused(Refusal::bad_configuration,
                   path + ": " + settings.error() + ": correct it (accounts.conf(5))");
  return std::move(*settings);
}

std::vector<std::string> groups_to_store(const Settings& settings,
                                         std::vector<std::string> groups) {
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
  std::size_t bytes = 0;
  for (const std::string& group : groups) bytes += group.size();
  if (bytes > kMaxGroupsBytes)
    std::erase_if(groups, [&](const std::string& group) { return !is_mapped(settings, group); });
  return groups;
}

}  // namespace pamcognito::accounts
