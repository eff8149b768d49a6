#include "daemon/policy/ini_file.h"

#include <ini.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "common/text.h"

namespace pamcognito::policy {
namespace {

constexpr std::size_t kMaxLine = 4000;
constexpr std::size_t kMaxSectionName = 49;  // inih cuts a longer one off without a word

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool starts = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t';
    if (starts && (line[i] == '#' || line[i] == ';')) return line.substr(0, i);
  }
  return line;
}

// Gives inih one line at a time, each one vetted, and takes what inih makes of it. inih calls back
// for a line before it asks for the next, so the number of the last line given is the entry's line.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::expected<IniFile, IniError> parse() {
    // Debian's inih reads these at run time; its own limit of 200 bytes is short for a list of
    // groups.
    ini_max_line = static_cast<int>(kMaxLine) + 4;
    ini_allow_multiline = false;
    const int failed_line = ini_parse_stream(&Parser::next_line, this, &Parser::take_entry, this);
    if (thrown_) std::rethrow_exception(thrown_);
    if (!error_ && failed_line != 0) fail("cannot be parsed");
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(file_);
  }

 private:
  // Both are called from C, which an exception must not pass.
  static char* next_line(char* buffer, int capacity, void* self) noexcept {
    auto* const parser = static_cast<Parser*>(self);
    try {
      return parser->give_line(buffer, static_cast<std::size_t>(capacity));
    } catch (...) {
      parser->thrown_ = std::current_exception();
      return nullptr;
    }
  }
  static int take_entry(void* self, const char* section, const char* key,
                        const char* value) noexcept {
    auto* const parser = static_cast<Parser*>(self);
    try {
      parser->add(section, key, value);
      return 1;
    } catch (...) {
      parser->thrown_ = std::current_exception();
      return 0;
    }
  }

  char* give_line(char* buffer, std::size_t capacity) {
    if (error_ || thrown_ || rest_.empty()) return nullptr;
    ++line_;
    const auto end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!vet(line, capacity)) return nullptr;
    line = trimmed(without_comment(line));
    if (!vet_structure(line)) return nullptr;
    (void)line.copy(buffer, line.size());
    buffer[line.size()] = '\n';
    buffer[line.size() + 1] = '\0';
    return buffer;
  }

  bool vet(std::string_view line, std::size_t capacity) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > kMaxLine || line.size() + 2 > capacity) {
      return fail("is longer than 4000 bytes: shorten it");
    }
    if (std::ranges::any_of(line, [](char c) { return is_control(c) && c != '\t'; })) {
      return fail("has a control character: retype the line");
    }
    return true;
  }

  bool vet_structure(std::string_view line) {
    if (line.empty()) return true;
    if (!line.starts_with('[')) {
      if (line.find('=') != std::string_view::npos) return true;
      return fail(
          "is neither a [section] nor key = value; a value cannot go on over a second line");
    }
    const auto close = line.find(']');
    if (close == std::string_view::npos) return fail("lacks the ] of a [section]");
    if (close + 1 != line.size()) {
      return fail("has something behind the ] of its [section]: put it on a line of its own");
    }
    const std::string_view name = line.substr(1, close - 1);
    if (name.size() > kMaxSectionName) return fail("has a section name of more than 49 bytes");
    file_.sections.push_back({std::string(name), line_});
    return true;
  }

  void add(const char* section, const char* key, const char* value) {
    if (error_) return;
    if (file_.sections.empty()) {
      fail("stands before the first [section]: put it under one");
      return;
    }
    if (!seen_.emplace(section, key).second) {
      fail(std::string("repeats ") + key + " of [" + section + "]: keep one of them");
      return;
    }
    file_.entries.push_back({section, key, value, line_});
  }

  bool fail(std::string message) {
    error_.emplace(line_, std::move(message));
    return false;
  }

  std::string_view rest_;
  unsigned line_ = 0;
  IniFile file_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::optional<IniError> error_;
  std::exception_ptr thrown_;
};

}  // namespace

std::expected<IniFile, IniError> parse_ini(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return Parser(text).parse();
}

}  // namespace pamcognito::policy
