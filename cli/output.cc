#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <numeric>

#include "common/text.h"

namespace pamcognito::cli {
namespace {

constexpr std::size_t kMaxLine = 64UL * 1024;

const char* sequence(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::good:
      return "\x1b[32m";
    case Style::warning:
      return "\x1b[33m";
    case Style::bad:
      return "\x1b[31m";
    case Style::faint:
      return "\x1b[2m";
    case Style::strong:
      return "\x1b[1m";
  }
  return "";
}

void write(std::FILE* stream, std::string_view text) {
  if (!text.empty()) (void)std::fwrite(text.data(), 1, text.size(), stream);
  (void)std::fputc('\n', stream);
  (void)std::fflush(stream);
}

// Foreign text is a part of a line, and must not begin one.
std::string on_one_line(std::string_view text) {
  std::string clean = printable(text, kMaxLine);
  std::ranges::replace(clean, '\n', ' ');
  return clean;
}

// Between two columns.
constexpr std::size_t kGap = 2;
// A column that is narrower tells nothing.
constexpr std::size_t kMinWidth = 8;

// The bytes of the first `characters` of it.
std::size_t bytes_of(std::string_view text, std::size_t characters) {
  std::size_t end = 0;
  while (end < text.size() && (characters > 0 || width_of(text.substr(end, 1)) == 0)) {
    characters -= width_of(text.substr(end, 1));
    ++end;
  }
  return end;
}

std::string cut(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  return text.substr(0, bytes_of(text, width - 1)) + "…";
}

// At blanks, and within words that are longer than a line.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (width_of(text) > width) {
    std::size_t end = bytes_of(text, width);
    std::size_t next = end;
    if (const std::size_t blank = text.rfind(' ', end);
        blank != std::string_view::npos && blank > 0) {
      end = blank;
      next = blank + 1;
    }
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(next);
  }
  lines.emplace_back(text);
  return lines;
}

// The widest value that a column keeps whole: the sub of a user pool has 36 characters.
std::size_t longest_word(std::string_view text) {
  constexpr std::size_t limit = 40;
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::size_t width = width_of(text.substr(0, end));
    if (width <= limit) longest = std::max(longest, width);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return longest;
}

std::vector<std::size_t> fitting_widths(const std::vector<Column>& columns,
                                        const std::vector<Row>& cells, std::size_t width) {
  std::vector<std::size_t> widths(columns.size());
  std::vector<std::size_t> words(columns.size(), kMinWidth);  // no word is broken down to these
  for (const Row& row : cells)
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]));
      if (columns[i].fit == Fit::wrap) words[i] = std::max(words[i], longest_word(row[i]));
    }
  if (width == 0) return widths;
  const std::size_t gaps = kGap * (columns.size() - 1);
  const auto widest_above = [&](const auto& least) {
    std::size_t widest = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].fit != Fit::keep && widths[i] > least(i) &&
          (widest == columns.size() || widths[i] > widths[widest]))
        widest = i;
    return widest;
  };
  while (std::accumulate(widths.begin(), widths.end(), gaps) > width) {
    std::size_t widest = widest_above([&](std::size_t i) { return words[i]; });
    if (widest == columns.size()) widest = widest_above([](std::size_t) { return kMinWidth; });
    if (widest == columns.size()) break;
    --widths[widest];
  }
  return widths;
}

// A row, which takes several lines where a text is wrapped.
std::vector<std::string> lines_of(const std::vector<Column>& columns,
                                  const std::vector<std::size_t>& widths, const Row& row) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::vector<std::string> parts = columns[i].fit == Fit::wrap
                                               ? wrapped(row[i], widths[i])
                                               : std::vector<std::string>{cut(row[i], widths[i])};
    if (lines.size() < parts.size()) lines.resize(parts.size());
    for (std::size_t part = 0; part < parts.size(); ++part) {
      if (parts[part].empty()) continue;
      lines[part].append(start - width_of(lines[part]), ' ');
      lines[part] += parts[part];
    }
    start += widths[i] + kGap;
  }
  return lines;
}

}  // namespace

void Output::line(std::string_view text) const {
  if (!settings_.json) write(stdout, text);
}

void Output::object(const Json::Value& value) const {
  if (!settings_.json) return;
  Json::StreamWriterBuilder builder;
  builder["indentation"] = settings_.json_pretty ? "  " : "";
  // As \uXXXX: nothing is lost, and a terminal that shows it shows no character that hides.
  builder["emitUTF8"] = false;
  // "key": value, without a blank before the colon
  builder["enableYAMLCompatibility"] = settings_.json_pretty;
  write(stdout, Json::writeString(builder, value));
}

void Output::warn(std::string_view text) const {
  write(stderr, "cognitoctl: " + printable(text, kMaxLine));
}

ExitCode Output::fail(const Failure& failure) const {
  std::string message = failure.message;
  if (failure.code == ExitCode::not_permitted && ::geteuid() != 0)
    message += std::string(message.ends_with('.') ? "" : ".") + " Run as root: sudo " +
               settings_.command_line;
  if (settings_.json) {
    Json::Value value;
    value["error"]["code"] = failure.word;
    value["error"]["message"] = message;
    object(value);
  } else {
    write(stderr, "cognitoctl: " + printable(message, kMaxLine));
  }
  return failure.code;
}

std::string Output::paint(Style style, std::string_view text) const {
  std::string clean = on_one_line(text);
  if (!settings_.colour || style == Style::plain) return clean;
  return sequence(style) + clean + "\x1b[0m";
}

void print_table(const Output& out, const std::vector<Column>& columns,
                 const std::vector<Row>& rows, std::size_t width) {
  std::vector<Row> cells{{}};
  for (const Column& column : columns) cells.front().push_back(column.heading);
  for (const Row& row : rows) {
    Row& clean = cells.emplace_back();
    for (const std::string& text : row) clean.push_back(on_one_line(text));
  }
  const std::vector<std::size_t> widths = fitting_widths(columns, cells, width);
  for (const Row& row : cells)
    for (const std::string& line : lines_of(columns, widths, row))
      out.line(out.paint(&row == &cells.front() ? Style::strong : Style::plain, line));
}

void print_pairs(const Output& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t width = 0;
  for (const auto& [name, value] : pairs)
    if (!value.empty()) width = std::max(width, width_of(name));
  width += 2;  // colon and blank
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    std::string start = name + ":";
    start.append(width - width_of(start), ' ');
    for (const std::string& line : wrapped(on_one_line(value), kTableWidth - width)) {
      out.line(start + out.paint(Style::plain, line));
      start.assign(width, ' ');
    }
  }
}

std::string duration_text(std::uint64_t seconds) {
  constexpr std::uint64_t minute = 60;
  constexpr std::uint64_t hour = 60 * minute;
  constexpr std::uint64_t day = 24 * hour;
  const auto two = [](std::uint64_t first, const char* unit, std::uint64_t second,
                      const char* smaller) {
    std::string text = std::to_string(first) + unit;
    if (second > 0) text += " " + std::to_string(second) + smaller;
    return text;
  };
  if (seconds < minute) return std::to_string(seconds) + " s";
  if (seconds < hour) return std::to_string(seconds / minute) + " min";
  if (seconds < day) return two(seconds / hour, " h", seconds % hour / minute, " min");
  return two(seconds / day, " d", seconds % day / hour, " h");
}

std::string short_duration_text(std::uint64_t seconds) {
  const std::string text = duration_text(seconds);
  // "2 h 5 min": the first unit.
  return text.substr(0, text.find(' ', text.find(' ') + 1));
}

std::string place_text(std::string_view origin) {
  constexpr std::string_view host = "host:";
  constexpr std::string_view one_address = "/32";
  if (!origin.starts_with(host)) return std::string(origin);
  origin.remove_prefix(host.size());
  if (origin == "unnamed") return "unnamed host";
  if (origin.ends_with(one_address)) origin.remove_suffix(one_address.size());
  return std::string(origin);
}

std::string date_text(std::uint64_t seconds_since_epoch) {
  const std::string text = time_text(seconds_since_epoch);
  return text.substr(0, text.find(' '));
}

std::string time_text(std::uint64_t seconds_since_epoch) {
  if (seconds_since_epoch == 0) return "never";
  const auto time = static_cast<std::time_t>(seconds_since_epoch);
  std::tm parts{};
  char text[32];
  if (::localtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts) == 0)
    return std::to_string(seconds_since_epoch);
  return text;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace pamcognito::cli
