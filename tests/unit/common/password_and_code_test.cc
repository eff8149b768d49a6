#include "common/password_and_code.h"

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;

void the_code_has_six_digits_after_the_last_plus(void**) {
  const auto parts = split_password_and_code("p+1+111111+654321");
  assert_true(parts.has_value());
  assert_true(parts->password == "p+1+111111");
  assert_true(parts->code == "654321");
}

void an_answer_without_a_password_is_not_split(void**) {
  assert_false(split_password_and_code("+123456").has_value());
  assert_true(split_password_and_code("p+123456")->password == "p");
}

void other_forms_are_not_split(void**) {
  for (const char* other : {"", "p", "123456", "p123456", "p-123456", "p+12345", "p+1234567",
                            "p+12345x", "p+１２３４５６", "p+123 4567", "p+123-456", "p+ ", "p"})
    assert_false(split_password_and_code(other).has_value());
}

// Apps show blanks in a code, and phones add them when they paste.
void blanks_in_the_code_do_not_belong_to_the_password(void**) {
  for (const char* typed : {"p +123 456", "p + 1 2 3 4 5 6 ",
                            "p +123\xC2\xA0"
                            "456\r\n",
                            "p +\xE2\x80\xAA"
                            "123456\xE2\x80\xAC"}) {
    const auto parts = split_password_and_code(typed);
    assert_true(parts.has_value());
    assert_true(parts->password == "p ");
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_code_has_six_digits_after_the_last_plus),
      cmocka_unit_test(an_answer_without_a_password_is_not_split),
      cmocka_unit_test(other_forms_are_not_split),
      cmocka_unit_test(blanks_in_the_code_do_not_belong_to_the_password),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
