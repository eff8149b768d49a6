#include "cli/output.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "common/text.h"

namespace pamcognito::cli {
namespace {

constexpr std::size_t kLongestLine = 64UL * 1024;

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

}  // namespace

void Output::line(std::string_view text) const {
  if (!settings_.json) write(stdout, text);
}

void Output::object(const Json::Value& value) const {
  if (!settings_.json) return;
  Json::StreamWriterBuilder builder;
  builder["indentation"] = "  ";
  // As \uXXXX: nothing is lost, and a terminal that shows it shows no character that hides.
  builder["emitUTF8"] = false;
  builder["enableYAMLCompatibility"] = true;  // "key": value, without a blank before the colon
  write(stdout, Json::writeString(builder, value));
}

ExitCode Output::fail(const Failure& failure) const {
  if (settings_.json) {
    Json::Value value;
    value["error"]["code"] = failure.word;
    value["error"]["message"] = failure.message;
    object(value);
  } else {
    write(stderr, "cognitoctl: " + printable(failure.message, kLongestLine));
  }
  return failure.code;
}

std::string Output::paint(Style style, std::string_view text) const {
  std::string clean = printable(text, kLongestLine);
  // Foreign text is a part of a line, and must not begin one.
  std::ranges::replace(clean, '\n', ' ');
  if (!settings_.colour || style == Style::plain) return clean;
  return sequence(style) + clean + "\x1b[0m";
}

void print_table(const Output& out, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out.line(out.paint(&row == &rows.front() ? Style::strong : Style::plain, line));
  }
}

void print_pairs(const Output& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t width = 0;
  for (const auto& [name, value] : pairs)
    if (!value.empty()) width = std::max(width, width_of(name));
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    std::string line = name + ":";
    line.append(width - width_of(name) + 1, ' ');
    out.line(line + out.paint(Style::plain, value));
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
