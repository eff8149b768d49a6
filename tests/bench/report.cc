#include "tests/bench/report.h"

#include <json/json.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <thread>
#include <utility>

namespace pamcognito::bench {
namespace {

constexpr std::size_t kColumns = 6;
using Cells = std::array<std::string, kColumns>;

std::string number(double value, int decimals) {
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

// Characters, not bytes: the table has some beyond ASCII.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Cells cells_of(const Row& row) {
  const std::string unit = row.unit.empty() ? "" : " " + row.unit;
  const std::string verdict = !row.limit ? "" : row.missed() ? "MISSED" : "keeps";
  Cells cells{row.what, number(row.figure, row.decimals) + unit, "", "", row.budget, verdict};
  if (row.reference) {
    cells[2] = number(*row.reference, row.decimals) + unit;
    if (*row.reference > 0) cells[3] = number(row.figure / *row.reference, 2);
  }
  return cells;
}

void print_line(std::ostream& out, const Cells& cells,
                const std::array<std::size_t, kColumns>& widths) {
  for (std::size_t i = 0; i < kColumns; ++i) {
    const std::string gap(widths[i] - width_of(cells[i]), ' ');
    const bool is_number = i >= 1 && i <= 3;
    out << (is_number ? gap + cells[i] : cells[i] + gap) << (i + 1 < kColumns ? "  " : "\n");
  }
}

}  // namespace

void Report::add(Row row) {
  rows_.push_back(std::move(row));
}

void Report::print_table(std::ostream& out) const {
  std::vector<Cells> lines{{"", "figure", "reference", "ratio", "budget", ""}};
  for (const Row& row : rows_) lines.push_back(cells_of(row));
  std::array<std::size_t, kColumns> widths{};
  for (const Cells& line : lines)
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  for (const Cells& line : lines) print_line(out, line, widths);

  out << "\n";
  for (const Row& row : rows_) {
    if (row.reference_is.empty() && row.note.empty()) continue;
    out << row.what << ":";
    if (!row.reference_is.empty()) out << " reference: " << row.reference_is << ".";
    if (!row.note.empty()) out << " " << row.note << ".";
    out << "\n";
  }
  const auto missed = std::ranges::count_if(rows_, &Row::missed);
  out << (missed == 0 ? std::string("\nEvery budget is kept.")
                      : "\n" + std::to_string(missed) + " MISSED.")
      << "\n";
}

void Report::print_json(std::ostream& out) const {
  Json::Value document;
  utsname system{};
  (void)::uname(&system);
  document["machine"]["kernel"] = system.release;
  document["machine"]["processors"] = std::thread::hardware_concurrency();
  document["rows"] = Json::arrayValue;
  for (const Row& row : rows_) {
    Json::Value line;
    line["id"] = row.id;
    line["what"] = row.what;
    line["unit"] = row.unit;
    line["figure"] = row.figure;
    if (row.reference) line["reference"] = *row.reference;
    if (!row.reference_is.empty()) line["reference_is"] = row.reference_is;
    if (row.limit) {
      line["limit"] = *row.limit;
      line["keeps"] = !row.missed();
    }
    if (!row.budget.empty()) line["budget"] = row.budget;
    if (!row.note.empty()) line["note"] = row.note;
    document["rows"].append(line);
  }
  Json::StreamWriterBuilder style;
  style["precision"] = 6;
  style["indentation"] = "  ";
  style["emitUTF8"] = true;
  out << Json::writeString(style, document) << "\n";
}

}  // namespace pamcognito::bench
