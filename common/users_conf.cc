#include "common/users_conf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "common/root_file.h"
#include "common/text.h"
#include "common/user_name.h"

namespace pamcognito {
namespace {

constexpr std::size_t kMaxFileSize = 64UL * 1024;
constexpr uid_t kLowestMinUid = 1000;
constexpr std::size_t kQuotedBytes = 64;
constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view take_until(std::string_view* text, char end) {
  const auto at = text->find(end);
  const std::string_view taken = text->substr(0, at);
  text->remove_prefix(at == std::string_view::npos ? text->size() : at + 1);
  return taken;
}

// Quotes a part of the file for the log: shortened, and without control characters.
std::string quoted(std::string_view text) {
  return "'" + printable(text, kQuotedBytes) + "'";
}

std::optional<uid_t> parse_uid(std::string_view text) {
  uid_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value == std::numeric_limits<uid_t>::max()) return std::nullopt;  // (uid_t)-1 means no uid
  return value;
}

// Parses line by line, and reports the first fault.
class Parser {
 public:
  explicit Parser(std::string_view path) : path_(path) {}

  std::expected<UsersConf, UsersConfError> parse(std::string_view text);

 private:
  enum class Key : std::uint8_t { group, users, uid_range, exclude, min_uid, unknown };

  void parse_line(std::string_view line);
  void parse_value(Key key, std::string_view value);
  void parse_group(std::string_view value);
  void parse_range(std::string_view value);
  void parse_min_uid(std::string_view value);
  std::vector<std::string> parse_names(std::string_view value);
  static Key parse_key(std::string_view name);
  void fail(std::string_view what);

  std::string_view path_;
  std::size_t line_ = 0;
  bool line_is_good_ = true;
  std::array<bool, static_cast<std::size_t>(Key::unknown)> seen_{};
  UsersConf conf_;
  std::string first_error_;
};

void Parser::fail(std::string_view what) {
  line_is_good_ = false;
  if (!first_error_.empty()) return;
  first_error_.append(path_).append(":").append(std::to_string(line_)).append(": ").append(what);
}

std::expected<UsersConf, UsersConfError> Parser::parse(std::string_view text) {
  while (!text.empty()) {
    ++line_;
    line_is_good_ = true;
    parse_line(trim(take_until(&text, '\n')));
  }
  if (!first_error_.empty())
    return std::unexpected(UsersConfError{std::move(first_error_), std::move(conf_.exclude)});
  conf_.lacks_group_line =
      std::ranges::any_of(seen_, std::identity()) && !seen_[static_cast<std::size_t>(Key::group)];
  return std::move(conf_);
}

void Parser::parse_line(std::string_view line) {
  if (line.empty() || line.front() == '#') return;
  if (line.find('=') == std::string_view::npos)
    return fail(quoted(line) + " is not of the form key=value");
  const std::string_view name = trim(take_until(&line, '='));
  const Key key = parse_key(name);
  if (key == Key::unknown) return fail("unknown key " + quoted(name));
  bool& seen = seen_[static_cast<std::size_t>(key)];
  if (seen) fail("the key " + quoted(name) + " stands here for the second time");
  seen = true;
  parse_value(key, trim(line));
}

Parser::Key Parser::parse_key(std::string_view name) {
  if (name == "group") return Key::group;
  if (name == "users") return Key::users;
  if (name == "uid_range") return Key::uid_range;
  if (name == "exclude") return Key::exclude;
  if (name == "min_uid") return Key::min_uid;
  return Key::unknown;
}

void Parser::parse_value(Key key, std::string_view value) {
  switch (key) {
    case Key::group:
      return parse_group(value);
    case Key::users:
      conf_.users = parse_names(value);
      return;
    case Key::uid_range:
      return parse_range(value);
    case Key::exclude: {
      const bool repeated = !line_is_good_;
      line_is_good_ = true;
      // A second exclude= line makes the file malformed, but its names still apply.
      std::vector<std::string> names = parse_names(value);
      if (line_is_good_) std::ranges::move(names, std::back_inserter(conf_.exclude));
      line_is_good_ = line_is_good_ && !repeated;
      return;
    }
    case Key::min_uid:
      return parse_min_uid(value);
    case Key::unknown:
      return;
  }
}

void Parser::parse_group(std::string_view value) {
  if (!value.empty() && !is_valid_user_name(value))
    return fail(quoted(value) + " is not a group name");
  conf_.group = value;
}

std::vector<std::string> Parser::parse_names(std::string_view value) {
  std::vector<std::string> names;
  while (!(value = trim(value)).empty()) {
    const std::string_view name = value.substr(0, value.find_first_of(kBlanks));
    value.remove_prefix(name.size());
    if (!is_valid_user_name(name))
      fail(quoted(name) + " is not a user name; names are separated by spaces");
    names.emplace_back(name);
  }
  return names;
}

void Parser::parse_range(std::string_view value) {
  const auto first = parse_uid(take_until(&value, '-'));
  const auto last = parse_uid(value);
  if (!first || !last) return fail("uid_range wants two uids, such as 10000-20000");
  if (*first > *last) return fail("the uid_range ends before it begins");
  conf_.has_uid_range = true;
  conf_.uid_range_first = *first;
  conf_.uid_range_last = *last;
}

void Parser::parse_min_uid(std::string_view value) {
  const auto uid = parse_uid(value);
  if (!uid || *uid < kLowestMinUid) return fail("min_uid wants a uid of at least 1000");
  conf_.min_uid = *uid;
}

}  // namespace

std::expected<UsersConf, UsersConfError> parse_users_conf(std::string_view text) {
  return Parser(kUsersConfPath).parse(text);
}

std::expected<UsersConfFile, UsersConfError> read_users_conf(const char* path) {
  const auto text = read_root_file(path, kMaxFileSize);
  if (!text) {
    UsersConfError error;
    error.reason = text.error();
    return std::unexpected(std::move(error));
  }
  if (!*text) return UsersConfFile{.absent = true, .conf = {}};
  auto conf = Parser(path).parse(**text);
  if (!conf) return std::unexpected(std::move(conf.error()));
  return UsersConfFile{.absent = false, .conf = std::move(*conf)};
}

}  // namespace pamcognito
