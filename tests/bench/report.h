#pragma once

#include <iosfwd>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace pamcognito::bench {

// One line of the table. Figure, reference and limit have the same unit.
struct Row {
  std::string id;    // stable, for JSON
  std::string what;  // for people
  std::string unit;
  int decimals = 0;
  double figure = 0;
  std::optional<double> reference = {};
  std::string reference_is = {};     // what the reference is
  std::optional<double> limit = {};  // the largest figure that keeps the budget
  std::string budget = {};           // how the limit was made
  std::string note = {};

  [[nodiscard]] bool missed() const { return limit && figure > *limit; }
};

class Report {
 public:
  void add(Row row);
  void print_table(std::ostream& out) const;
  void print_json(std::ostream& out) const;

 private:
  std::vector<Row> rows_;
};

}  // namespace pamcognito::bench
