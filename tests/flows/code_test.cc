#include "daemon/flows/code.h"

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using flows::code_in;
using flows::CodeForm;
using flows::is_typed_text;

void codes(void**) {
  assert_text(*code_in(" 123456\r\n", CodeForm::totp), "123456");
  assert_text(*code_in("1234", CodeForm::message), "1234");
  assert_text(*code_in("1234567890", CodeForm::message), "1234567890");
  for (const char* wrong :
       {"", " ", "123", "12345678901", "12a4", "1234 5678", "-1234", "１２３４５６"})
    assert_false(code_in(wrong, CodeForm::message).has_value());
  for (const char* wrong : {"12345", "1234567", "12345x"})
    assert_false(code_in(wrong, CodeForm::totp).has_value());
}

void passwords(void**) {
  for (const char* right : {"a", "pass word ", "pässwörd", "日本語", "\xf0\x9f\x94\x91", "~"})
    assert_true(is_typed_text(right));
  for (const char* wrong :
       {"", "\x08", "a\nb", "a\x7f", "\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
        "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\x80", "\xe2\x82"})
    assert_false(is_typed_text(wrong));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {cmocka_unit_test(codes), cmocka_unit_test(passwords)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
