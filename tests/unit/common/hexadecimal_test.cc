#include "common/hexadecimal.h"

#include <array>
#include <cstdint>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;

constexpr std::array<std::uint8_t, 4> kBytes = {0x00, 0x9a, 0xf0, 0xff};

void bytes_become_lower_case_digits(void**) {
  assert_true(hexadecimal(kBytes) == "009af0ff");
  assert_true(hexadecimal({}).empty());
}

void digits_become_the_same_bytes(void**) {
  std::array<std::uint8_t, 4> bytes{};
  assert_true(read_hexadecimal("009af0ff", bytes));
  assert_true(bytes == kBytes);
}

void other_forms_are_refused(void**) {
  std::array<std::uint8_t, 4> bytes{};
  for (const char* other :
       {"", "009af0f", "009af0ff0", "009AF0FF", "009af0fg", "0x9af0ff", " 09af0ff"})
    assert_false(read_hexadecimal(other, bytes));
}

void a_log_id_has_sixteen_digits(void**) {
  assert_true(is_log_id("0123456789abcdef"));
  for (const char* other : {"", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0"})
    assert_false(is_log_id(other));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(bytes_become_lower_case_digits),
      cmocka_unit_test(digits_become_the_same_bytes),
      cmocka_unit_test(other_forms_are_refused),
      cmocka_unit_test(a_log_id_has_sixteen_digits),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
