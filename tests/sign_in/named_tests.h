#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {

// Tests that walk a table: one test for each row, named by what the row says, so that the output
// names it. A test gets its row as cmocka's initial state.
class NamedTests {
 public:
  // `row` outlives the run.
  template <class Row>
  void add(std::string name, CMUnitTestFunction function, const Row& row) {
    names_.push_back(std::move(name));
    tests_.push_back({names_.back().c_str(), function, nullptr, nullptr,
                      const_cast<void*>(static_cast<const void*>(&row))});
  }
  // Tests by the names of their functions: cmocka_unit_test(…).
  void add(std::initializer_list<CMUnitTest> tests) {
    tests_.insert(tests_.end(), tests.begin(), tests.end());
  }

  int run(const char* group) {
    return _cmocka_run_group_tests(group, tests_.data(), tests_.size(), nullptr, nullptr);
  }

 private:
  std::deque<std::string> names_;  // their addresses stay
  std::vector<CMUnitTest> tests_;
};

template <class Row>
const Row& row_of(void** state) {
  return *static_cast<const Row*>(*state);
}

}  // namespace pamcognito::test
