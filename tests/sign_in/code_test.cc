#include "daemon/sign_in/code.h"

#include <string>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using sign_in::code_in;
using sign_in::CodeForm;
using sign_in::is_typed_text;

void codes(void**) {
  assert_text(*code_in(" 123456\r\n", CodeForm::totp), "123456");
  assert_text(*code_in("1234", CodeForm::message), "1234");
  assert_text(*code_in("1234567890", CodeForm::message), "1234567890");
  for (const char* wrong :
       {"", " ", "123", "12345678901", "12a4", "1234-5678", "-1234", "１２３４５６",
        "1234567\xE2\x80\xAF"
        "8901",
        "12\xC2"
        "34",
        "12\xE2\x80"
        "34",
        "12\xE2\x80\xB0"
        "34",
        "12\b34"})
    assert_false(code_in(wrong, CodeForm::message).has_value());
  for (const char* wrong : {"12345", "1234567", "12345x"})
    assert_false(code_in(wrong, CodeForm::totp).has_value());
}

// As apps show codes, and as phones paste them.
void blanks_in_a_code_are_ignored(void**) {
  for (const char* blank : {" ",
                            "\t",
                            "\n",
                            "\v",
                            "\f",
                            "\r",
                            "\xC2\x85",
                            "\xC2\xA0",
                            "\xE1\x9A\x80",
                            "\xE2\x80\x80",
                            "\xE2\x80\x87",
                            "\xE2\x80\x89",
                            "\xE2\x80\x8A",
                            "\xE2\x80\x8B",
                            "\xE2\x80\x8E",
                            "\xE2\x80\x8F",
                            "\xE2\x80\xA8",
                            "\xE2\x80\xA9",
                            "\xE2\x80\xAA",
                            "\xE2\x80\xAC",
                            "\xE2\x80\xAF",
                            "\xE2\x81\x9F",
                            "\xE2\x81\xA0",
                            "\xE2\x81\xA6",
                            "\xE2\x81\xA9",
                            "\xE3\x80\x80",
                            "\xEF\xBB\xBF"}) {
    const std::string between = std::string("123") + blank + "456";
    const std::string around = blank + between + blank + blank;
    for (const std::string& typed : {between, around}) {
      const auto totp = code_in(typed, CodeForm::totp);
      if (!totp || *totp != "123456") fail_msg("a code with the blank %s", blank);
      assert_text(*code_in(typed, CodeForm::message), "123456");
    }
    assert_true(sign_in::is_blank(std::string(blank) + blank));
    assert_false(code_in(std::string(blank) + blank, CodeForm::message).has_value());
  }
  assert_text(*code_in("12 34 56 78", CodeForm::message), "12345678");
  assert_false(code_in("123 45 67", CodeForm::totp).has_value());
  assert_true(sign_in::is_blank(""));
  assert_false(sign_in::is_blank(" \xE2\x80\xB0 "));  // U+2030, which is visible
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
  const CMUnitTest tests[] = {cmocka_unit_test(codes),
                              cmocka_unit_test(blanks_in_a_code_are_ignored),
                              cmocka_unit_test(passwords)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
