#include "daemon/runtime/idle_memory.h"

#include <fstream>
#include <string>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

// KiB of all code that is mapped and present, by /proc/self/smaps.
long code_in_memory() {
  std::ifstream file("/proc/self/smaps");
  std::string line;
  bool is_code = false;
  long sum = 0;
  while (std::getline(file, line)) {
    if (line.starts_with("Rss:")) {
      if (is_code) sum += std::stol(line.substr(4));
    } else if (line.find(" r-xp ") != std::string::npos) {
      is_code = true;
    } else if (line.find('-') < line.find(' ')) {
      is_code = false;
    }
  }
  return sum;
}

void an_idle_process_has_less_code_in_memory_and_goes_on(void**) {
  const long before = code_in_memory();
  runtime::give_back_idle_memory();
  const long after = code_in_memory();
  assert_true(after > 0);
  assert_true(after < before * 3 / 4);
}

// A page that the loader or the program has written is no copy of a file, and must stay.
int written = 1;
const std::string* const relocated[] = {nullptr, reinterpret_cast<const std::string*>(&written)};

void what_was_written_stays(void**) {
  written = 2;
  runtime::give_back_idle_memory();
  assert_int_equal(written, 2);
  assert_ptr_equal(relocated[1], &written);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_idle_process_has_less_code_in_memory_and_goes_on),
      cmocka_unit_test(what_was_written_stays),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
