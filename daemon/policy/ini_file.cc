#include "daemon/policy/ini_file.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "common/ascii.h"
#include "common/text.h"

namespace pamcognito::policy {
namespace {

constexpr std::size_t kMaxLine = 4000;       // room for a list of groups
constexpr std::size_t kMaxSectionName = 49;  // as 0.2.0 had it, whose reader cut longer ones

std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool starts = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t';
    if (starts && (line[i] == '#' || line[i] == ';')) return line.substr(0, i);
  }
  return line;
}

// Reads line by line. The first fault ends it.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::expected<IniFile, IniError> parse() {
    while (!error_ && !rest_.empty()) take_line();
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(file_);
  }

 private:
  void take_line() {
    ++line_;
    const auto end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > kMaxLine) return fail("is longer than 4000 bytes: shorten it");
    if (std::ranges::any_of(line, [](char c) { return ascii::is_control(c) && c != '\t'; }))
      return fail("has a control character: retype the line");
    line = trimmed(without_comment(line));
    if (line.empty()) return;
    if (line.starts_with('['))
      take_section(line);
    else
      take_entry(line);
  }

  void take_section(std::string_view line) {
    const auto close = line.find(']');
    if (close == std::string_view::npos) return fail("lacks the ] of a [section]");
    if (close + 1 != line.size())
      return fail("has something behind the ] of its [section]: put it on a line of its own");
    const std::string_view name = line.substr(1, close - 1);
    if (name.size() > kMaxSectionName) return fail("has a section name of more than 49 bytes");
    file_.sections.push_back({std::string(name), line_});
  }

  void take_entry(std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos)
      return fail(
          "is neither a [section] nor key = value; a value cannot go on over a second line");
    if (file_.sections.empty()) return fail("stands before the first [section]: put it under one");
    const std::string& section = file_.sections.back().name;
    std::string key(trimmed(line.substr(0, equals)));
    if (!seen_.emplace(section, key).second)
      return fail("repeats " + key + " of [" + section + "]: keep one of them");
    file_.entries.push_back(
        {section, std::move(key), std::string(trimmed(line.substr(equals + 1))), line_});
  }

  void fail(std::string message) { error_.emplace(line_, std::move(message)); }

  std::string_view rest_;
  unsigned line_ = 0;
  IniFile file_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::optional<IniError> error_;
};

}  // namespace

std::expected<IniFile, IniError> parse_ini(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return Parser(text).parse();
}

}  // namespace pamcognito::policy
