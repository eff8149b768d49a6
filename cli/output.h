#pragma once

#include <json/json.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/failure.h"

namespace pamcognito::cli {

enum class Style : std::uint8_t { plain, good, warning, bad, faint, strong };

// The destination of a command's result: text for a person, or one JSON object for a program.
// Foreign text is made printable on its way to a terminal.
class Output {
 public:
  struct Settings {
    bool json = false;
    bool json_pretty = false;  // indented, instead of one line
    bool colour = false;
    std::string command_line = "cognitoctl";  // that runs, for the advice to run it as root
  };

  explicit Output(Settings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] bool json() const noexcept { return settings_.json; }

  // A line for a person; nothing with --json.
  void line(std::string_view text = {}) const;
  // The command's one object, on one line unless it is to be indented; nothing without --json.
  void object(const Json::Value& value) const;
  // On standard error, with --json, too: the command goes on.
  void warn(std::string_view text) const;
  // On standard error, or as the command's object: {"error": {"code": …, "message": …}}.
  [[nodiscard]] ExitCode fail(const Failure& failure) const;

  [[nodiscard]] std::string paint(Style style, std::string_view text) const;

 private:
  Settings settings_;
};

// The columns of a terminal, unless its user made it wider.
inline constexpr std::size_t kTableWidth = 80;

// How a column becomes narrower in a table that is too wide: not at all, by cutting its longest
// texts
// ("…" is their end), or by going on in the next line.
enum class Fit : std::uint8_t { keep, cut, wrap };
struct Column {
  std::string heading;
  Fit fit = Fit::keep;
};
using Row = std::vector<std::string>;
// Each row has a text for each column. width 0: no limit.
void print_table(const Output& out, const std::vector<Column>& columns,
                 const std::vector<Row>& rows, std::size_t width = kTableWidth);

// "Name:      value", names padded to the same width; pairs without a value are left out. A long
// value goes on in the next line.
void print_pairs(const Output& out, const std::vector<std::pair<std::string, std::string>>& pairs);

// "3 min", "2 h 5 min", "4 d".
std::string duration_text(std::uint64_t seconds);
// The same in one unit, rounded down, for a column: "42 s", "3 min", "2 h", "4 d".
std::string short_duration_text(std::uint64_t seconds);
// The origin of a sign-in (docs/reference/log-fields.md) for people: "192.0.2.7" for
// "host:192.0.2.7/32", "2001:db8::/64" for "host:2001:db8::/64", "unnamed host"; others as they
// are.
std::string place_text(std::string_view origin);
// "2026-11-22 10:00:00" in the local time zone; "never" for 0.
std::string time_text(std::uint64_t seconds_since_epoch);
// Its date alone.
std::string date_text(std::uint64_t seconds_since_epoch);

// Columns that UTF-8 text takes, where each character takes one.
std::size_t width_of(std::string_view text);

}  // namespace pamcognito::cli
