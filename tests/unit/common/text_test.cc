#include "common/text.h"

#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <string_view>

#include "common/user_name.h"

// cmocka.h needs these first, and its macros break headers after it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace pamcognito;

void assert_printable(std::string_view text, std::string_view expected,
                      std::size_t max_bytes = 1000) {
  const std::string result = printable(text, max_bytes);
  assert_int_equal(result.size(), expected.size());
  assert_memory_equal(result.data(), expected.data(), expected.size());
}

void plain_text_is_unchanged(void**) {
  assert_printable("", "");
  assert_printable("Password: ", "Password: ");
  assert_printable("two\nlines", "two\nlines");
  assert_printable("Stra\u00dfe \u20ac \U0001F600 \u00a0", "Stra\u00dfe \u20ac \U0001F600 \u00a0");
}

void control_characters_become_question_marks(void**) {
  assert_printable("a\x1b[31mb", "a?[31mb");
  assert_printable("tab\there\r\x7f", "tab?here??");
  assert_printable(std::string_view("a\0b", 3), "a?b");
  assert_printable("c1 \u0080\u009b\u009f.", "c1 ???.");  // U+009B is CSI
}

// These characters change the order or the place of the text around them, or are invisible.
void invisible_characters_become_question_marks(void**) {
  assert_printable("a\u202ab\u202bc\u202cd\u202de\u202ef", "a?b?c?d?e?f");
  assert_printable("\u2066a\u2067b\u2068c\u2069", "?a?b?c?");
  assert_printable("\u200e\u200f\u061c", "???");
  assert_printable("one\u2028two\u2029three\u0085four", "one?two?three?four");
  assert_printable("al\u200bi\u2060c\ufeffe\u00ad\u180e", "al?i?c?e??");
  assert_printable("\ufff9\U000E0001\U000E0061", "???");
  // The neighbours of each range, and the joiners, which Persian, Hindi and emoji need.
  assert_printable("\u2027\u202f\u2070\u200c\u200d\u061b\u061d\ufff8\ufffc",
                   "\u2027\u202f\u2070\u200c\u200d\u061b\u061d\ufff8\ufffc");
}

void malformed_utf8_becomes_question_marks(void**) {
  assert_printable("\xff\xfe", "??");
  assert_printable("\x80", "?");
  assert_printable("a\xc3", "a?");
  assert_printable("\xc0\xaf", "??");            // overlong '/'
  assert_printable("\xe0\x80\x8a", "???");       // overlong newline
  assert_printable("\xed\xa0\x80", "???");       // a surrogate
  assert_printable("\xf4\x90\x80\x80", "????");  // above U+10FFFF
  assert_printable("\xf0\x9f\x98", "???");       // cut off
  assert_printable("\xe2\x82|", "??|");
}

void long_text_is_cut_between_characters(void**) {
  assert_printable("abcdef", "abc", 3);
  assert_printable("ab\u20ac", "ab", 4);
  assert_printable("ab\u20ac", "ab\u20ac", 5);
  assert_printable("x", "", 0);
}

void make_printable_stays_within_its_memory(void**) {
  std::array<char, 4> out = {'#', '#', '#', '#'};
  assert_int_equal(make_printable("abcdef", std::span(out).first(3)), 3);
  assert_int_equal(out[3], '#');
}

void trimmed_removes_blanks_at_both_ends(void**) {
  assert_true(trimmed(" \t a b\r\n") == "a b");
  assert_true(trimmed("a") == "a");
  assert_true(trimmed(" \r\n\t") == "");
  assert_true(trimmed("") == "");
  assert_true(trimmed("\va\v") == "\va\v");
}

void errno_names_do_not_depend_on_the_locale(void**) {
  assert_true(errno_name(ENOENT) == "ENOENT");
  assert_true(errno_name(99999) == "unknown errno");
  assert_true(describe_errno(ENOENT) == "No such file or directory");
  assert_true(describe_errno(99999) == "error 99999");
}

void user_names_follow_the_grammar(void**) {
  for (const char* good : {"a", "_x", "alice", "Alice.B-c_9", "a1234567890123456789012345678901"})
    assert_true(is_valid_user_name(good));
  for (const char* bad : {"", "1a", "-a", ".a", "a b", "a$", "a/b", "\xc3\xa4", "a\n",
                          "a12345678901234567890123456789012"})
    assert_false(is_valid_user_name(bad));
  assert_false(is_valid_user_name(std::string_view("a\0b", 3)));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(plain_text_is_unchanged),
      cmocka_unit_test(control_characters_become_question_marks),
      cmocka_unit_test(invisible_characters_become_question_marks),
      cmocka_unit_test(malformed_utf8_becomes_question_marks),
      cmocka_unit_test(long_text_is_cut_between_characters),
      cmocka_unit_test(make_printable_stays_within_its_memory),
      cmocka_unit_test(trimmed_removes_blanks_at_both_ends),
      cmocka_unit_test(errno_names_do_not_depend_on_the_locale),
      cmocka_unit_test(user_names_follow_the_grammar),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
