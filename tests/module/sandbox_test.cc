// The tools of the tests: several processes of a test use the same files.

#include "tests/module/sandbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

// libpam treats an empty service file as one without rules and uses `other`.
void a_rewritten_file_is_never_seen_empty(void**) {
  constexpr int times = 5000;
  const std::string path = "/run/service";
  const std::string text(1000, 'x');
  write_file(path, text);
  const Child writer([&] {
    while (true) write_file(path, text);
    return 0;
  });
  for (int i = 0; i < times; ++i) {
    std::ostringstream seen;
    seen << std::ifstream(path).rdbuf();
    assert_text(seen.str(), text);
  }
}

void the_end_of_a_child_is_noticed(void**) {
  std::array<int, 2> ends{};
  assert_int_equal(::pipe2(ends.data(), O_CLOEXEC), 0);
  Child child([] { return 3; });
  (void)::close(ends[1]);
  assert_true(becomes_readable(ends[0]));
  char byte = 0;
  assert_int_equal(::read(ends[0], &byte, 1), 0);
  (void)::close(ends[0]);
  assert_int_equal(child.wait(), 3);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_rewritten_file_is_never_seen_empty),
      cmocka_unit_test(the_end_of_a_child_is_noticed),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
