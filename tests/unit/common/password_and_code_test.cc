#include "common/password_and_code.h"

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;

void the_code_is_six_digits_after_the_last_plus(void**) {
  const auto parts = split_password_and_code("p+1+111111+654321");
  assert_true(parts.has_value());
  assert_true(parts->password == "p+1+111111");
  assert_true(parts->code == "654321");
}

void without_a_password_there_is_nothing_to_split(void**) {
  assert_false(split_password_and_code("+123456").has_value());
  assert_true(split_password_and_code("p+123456")->password == "p");
}

void another_form_is_not_split(void**) {
  for (const char* other : {"", "p", "123456", "p123456", "p-123456", "p+12345", "p+1234567",
                            "p+123456 ", "p+12345x", "p+１２３４５６"})
    assert_false(split_password_and_code(other).has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_code_is_six_digits_after_the_last_plus),
      cmocka_unit_test(without_a_password_there_is_nothing_to_split),
      cmocka_unit_test(another_form_is_not_split),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
