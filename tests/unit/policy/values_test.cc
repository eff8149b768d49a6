#include "daemon/policy/values.h"

#include <chrono>
#include <string>
#include <string_view>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::policy;
using std::chrono::hours;
using std::chrono::seconds;

long duration(std::string_view text) {
  const auto value = parse_duration(text, seconds(0), hours(24 * 365));
  return value ? static_cast<long>(value->count()) : -1;
}

void durations_have_one_unit(void**) {
  assert_int_equal(duration("0"), 0);
  assert_int_equal(duration("90s"), 90);
  assert_int_equal(duration("5min"), 300);
  assert_int_equal(duration("12h"), 43200);
  assert_int_equal(duration("7d"), 604800);
  for (const char* wrong : {"", "5", "5m", "min", "5 min", "-5s", "+5s", "5.5h", "1h30min", "5S",
                            "99999999999s", "4294967296d", "0x5s", "s5"}) {
    if (duration(wrong) != -1) fail_msg("accepted: %s", wrong);
  }
}

void durations_are_bounded(void**) {
  assert_true(parse_duration("10s", seconds(10), seconds(900)).has_value());
  assert_true(parse_duration("15min", seconds(10), seconds(900)).has_value());
  assert_false(parse_duration("9s", seconds(10), seconds(900)).has_value());
  const auto wrong = parse_duration("16min", seconds(10), seconds(900));
  assert_false(wrong.has_value());
  assert_string_equal(wrong.error().c_str(), "is not from 10s to 15min");
}

void durations_are_written_as_they_are_read(void**) {
  for (const char* text : {"0", "90s", "5min", "12h", "7d", "61min"}) {
    assert_string_equal(format_duration(seconds(duration(text))).c_str(), text);
  }
}

void counts_are_bounded(void**) {
  assert_int_equal(parse_count("4", 1, 20).value(), 4);
  for (const char* wrong : {"", "0", "21", "-1", "4 ", "4x", "99999999999"}) {
    if (parse_count(wrong, 1, 20)) fail_msg("accepted: %s", wrong);
  }
}

void yes_and_no_are_the_only_words(void**) {
  assert_true(parse_yes_no("yes").value());
  assert_false(parse_yes_no("no").value());
  for (const char* wrong : {"", "Yes", "true", "1", "on", "yes "}) {
    if (parse_yes_no(wrong)) fail_msg("accepted: %s", wrong);
  }
}

void lists_are_separated_by_blanks(void**) {
  const auto list = parse_list("  a  b\tc ");
  assert_int_equal(list->size(), 3);
  assert_string_equal(list->back().c_str(), "c");
  assert_true(parse_list("")->empty());
  assert_false(parse_list("a b a").has_value());
  assert_string_equal(parse_list("a,b")->front().c_str(), "a,b");
}

void texts_are_printable_and_bounded(void**) {
  assert_text(parse_text("two words, größer", 20).value(), "two words, größer");
  assert_true(parse_text("abc", 3).has_value());
  for (const char* wrong : {"", "abcd", "\x1b[", "\xc3"}) {
    if (parse_text(wrong, 3)) fail_msg("accepted: %s", wrong);
  }
}

void languages_are_one_component_of_a_path(void**) {
  for (const char* good : {"de", "pt_BR", "sr@latin", "gsw"}) {
    if (!is_language(good)) fail_msg("refused: %s", good);
  }
  for (const char* wrong :
       {"", ".", "..", "de/..", "/de", "de\n", "_de", "de.UTF-8", "d\xc3\xa9"}) {
    if (is_language(wrong)) fail_msg("accepted: %s", wrong);
  }
  assert_true(is_language(std::string(32, 'a')));
  assert_false(is_language(std::string(33, 'a')));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(durations_have_one_unit),
      cmocka_unit_test(durations_are_bounded),
      cmocka_unit_test(durations_are_written_as_they_are_read),
      cmocka_unit_test(counts_are_bounded),
      cmocka_unit_test(yes_and_no_are_the_only_words),
      cmocka_unit_test(lists_are_separated_by_blanks),
      cmocka_unit_test(texts_are_printable_and_bounded),
      cmocka_unit_test(languages_are_one_component_of_a_path),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
