#include "daemon/prompts/phrase.h"

#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::prompts;

void values_stand_where_their_numbers_are(void**) {
  assert_text(fill("to {1} by {2}: ", {"me", "SMS"}), "to me by SMS: ");
  assert_text(fill("per {2} an {1}", {"me", "SMS"}), "per SMS an me");
  assert_text(fill("{1}{1}", {"x"}), "xx");
  assert_text(fill("", {"x"}), "");
}

void a_value_is_never_read_as_a_text(void**) {
  assert_text(fill("{1}{2}", {"{2}", "{1}"}), "{2}{1}");
}

void what_is_no_placeholder_stays(void**) {
  assert_text(fill("{0} {2} {x} {1 {} {12} }{1}", {"v"}), "{0} {2} {x} {1 {} {12} }v");
  assert_text(fill("{1", {"v"}), "{1");
}

void foreign_text_is_one_line(void**) {
  assert_text(one_line("a\nb\x1b\xff"), "a?b??");
  assert_text(one_line("a\nb", 64, ' '), "a b");
  assert_int_equal(one_line(std::string(100, 'x')).size(), 64);
  // Never half a character.
  assert_text(one_line("aé", 2), "a");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(values_stand_where_their_numbers_are),
      cmocka_unit_test(a_value_is_never_read_as_a_text),
      cmocka_unit_test(what_is_no_placeholder_stays),
      cmocka_unit_test(foreign_text_is_one_line),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
