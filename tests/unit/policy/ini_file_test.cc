#include "daemon/policy/ini_file.h"

#include <string>
#include <string_view>
#include <utility>

#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::policy::IniFile;
using pamcognito::policy::parse_ini;

IniFile parsed(std::string_view text) {
  auto file = parse_ini(text);
  if (!file) fail_msg("line %u: %s", file.error().line, file.error().message.c_str());
  return std::move(*file);
}

void assert_error(std::string_view text, unsigned line, const char* part) {
  const auto file = parse_ini(text);
  if (file) fail_msg("accepted: %s", std::string(text).c_str());
  if (file.error().message.find(part) == std::string::npos) {
    fail_msg("\"%s\" is not in \"%s\"", part, file.error().message.c_str());
  }
  assert_int_equal(file.error().line, line);
}

void entries_know_their_section_and_line(void**) {
  const IniFile file = parsed("# first\n[pool]\n\nregion = eu-west-1\n[mfa]\nrequire=no\n");
  assert_int_equal(file.sections.size(), 2);
  assert_string_equal(file.sections[1].name.c_str(), "mfa");
  assert_int_equal(file.sections[1].line, 5);
  assert_int_equal(file.entries.size(), 2);
  assert_string_equal(file.entries[0].section.c_str(), "pool");
  assert_string_equal(file.entries[0].key.c_str(), "region");
  assert_string_equal(file.entries[0].value.c_str(), "eu-west-1");
  assert_int_equal(file.entries[0].line, 4);
  assert_int_equal(file.entries[1].line, 6);
}

void comments_start_after_a_blank_only(void**) {
  const IniFile file = parsed(
      "; a\n  # b\n[a] # c\nplain = x # d\nsemi = x ; e\nhash = x#y;z\nempty = # f\ntab = x\t# g");
  assert_int_equal(file.entries.size(), 5);
  assert_string_equal(file.entries[0].value.c_str(), "x");
  assert_string_equal(file.entries[1].value.c_str(), "x");
  assert_string_equal(file.entries[2].value.c_str(), "x#y;z");
  assert_string_equal(file.entries[3].value.c_str(), "");
  assert_string_equal(file.entries[4].value.c_str(), "x");
}

void only_the_equals_sign_separates(void**) {
  const IniFile file = parsed("[a]\nteam: a = b\n");
  assert_int_equal(file.entries.size(), 1);
  assert_string_equal(file.entries[0].key.c_str(), "team: a");
  assert_string_equal(file.entries[0].value.c_str(), "b");
}

void an_indented_line_is_a_key_of_its_own(void**) {
  const IniFile file = parsed("[a]\nfirst = 1\n  second = 2\r\n");
  assert_int_equal(file.entries.size(), 2);
  assert_string_equal(file.entries[1].key.c_str(), "second");
  assert_string_equal(file.entries[1].value.c_str(), "2");
  assert_error("[a]\nlist = one\n  two\n", 3, "second line");
}

void long_values_arrive_whole(void**) {
  const std::string value(3900, 'g');
  const IniFile file = parsed("[a]\nkey = " + value + "\nnext = 1\n");
  assert_int_equal(file.entries.size(), 2);
  assert_true(file.entries[0].value == value);
  assert_error("[a]\nkey = " + std::string(4000, 'g') + "\n", 2, "4000 bytes");
}

void a_byte_order_mark_is_dropped(void**) {
  assert_int_equal(parsed("\xef\xbb\xbf[a]\nb = c\n").entries.size(), 1);
}

void the_first_equals_sign_ends_the_key(void**) {
  const IniFile file = parsed("[a]\nurl = http://b:80/?c=d\nx:y = z\nnone=\n");
  assert_int_equal(file.entries.size(), 3);
  assert_string_equal(file.entries[0].value.c_str(), "http://b:80/?c=d");
  assert_string_equal(file.entries[1].key.c_str(), "x:y");
  assert_string_equal(file.entries[2].value.c_str(), "");
}

void faults_are_named_with_their_line(void**) {
  assert_error("key = 1\n", 1, "before the first");
  assert_error("[a]\nkey\n", 2, "neither a [section]");
  assert_error("[a]\nk = 1\nk = 2\n", 3, "repeats k of [a]");
  assert_error("[a]\nk = 1\n[b]\nk = 1\n[a]\nk = 2\n", 6, "repeats k of [a]");
  assert_error("[a\nk = 1\n", 1, "lacks the ]");
  assert_error("[a] k = 1\n", 1, "behind the ]");
  assert_error("[" + std::string(50, 'a') + "]\n", 1, "49 bytes");
  assert_error(
      "[a]\nk = a\x01"
      "b\n",
      2, "control character");
  assert_error(std::string("[a]\nk = a\0b\n", 12), 2, "control character");
  assert_error("[a]\nk = 1\rj = 2\n", 2, "control character");
}

void the_first_fault_counts(void**) {
  assert_error("[a]\none\nk = 1\nk = 2\ntwo\n", 2, "neither");
}

void an_empty_file_has_nothing(void**) {
  assert_true(parsed("").entries.empty());
  assert_true(parsed("\n# a\n").sections.empty());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(entries_know_their_section_and_line),
      cmocka_unit_test(comments_start_after_a_blank_only),
      cmocka_unit_test(only_the_equals_sign_separates),
      cmocka_unit_test(an_indented_line_is_a_key_of_its_own),
      cmocka_unit_test(long_values_arrive_whole),
      cmocka_unit_test(a_byte_order_mark_is_dropped),
      cmocka_unit_test(the_first_equals_sign_ends_the_key),
      cmocka_unit_test(faults_are_named_with_their_line),
      cmocka_unit_test(the_first_fault_counts),
      cmocka_unit_test(an_empty_file_has_nothing),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
