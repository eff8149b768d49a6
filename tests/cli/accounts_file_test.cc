#include "cli/setup/accounts_file.h"

#include <string>
#include <vector>

#include "accounts/settings.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::cli {
namespace {

using Words = std::vector<std::string>;

std::string with(const std::string& present, const std::string& patterns,
                 const std::string& groups = {}) {
  const auto change = parse_accounts_options(patterns, groups);
  assert_true(change.has_value());
  const std::string text = accounts_file(present, *change);
  assert_true(accounts::parse_settings(text).has_value());
  // A second run changes nothing.
  assert_string_equal(accounts_file(text, *change).c_str(), text.c_str());
  return text;
}

void a_new_file(void**) {
  assert_string_equal(with("", "*.*", "linux-admins,ops").c_str(),
                      "# Written by cognitoctl setup. See accounts.conf(5).\n"
                      "\n[accounts]\nnames = *.*\n"
                      "\n[groups]\nsudo = linux-admins ops\n");
}

void other_lines_stay(void**) {
  const std::string mine =
      "# Mine.\n[accounts]\n  range = 1900000000-1900000999  \n[groups]\ndocker = ops\n\n"
      "[accounts]\n;names = x\n";
  const std::string text = with(mine, "*.*", "ops");
  assert_string_equal(text.c_str(),
                      "# Mine.\n[accounts]\nnames = *.*\n  range = 1900000000-1900000999  \n"
                      "[groups]\nsudo = ops\ndocker = ops\n\n[accounts]\n;names = x\n");
  assert_string_equal(with(text, "").c_str(), text.c_str());
}

// The reader and the writer take the last one.
void the_last_line_of_a_key_counts(void**) {
  assert_string_equal(with("[accounts]\nnames = a.*\n[accounts]\nnames=b.*\n", "c.*").c_str(),
                      "[accounts]\nnames = a.*\n[accounts]\nnames = c.*\n");
}

void parts_of_patterns_become_prefixes_and_suffixes(void**) {
  const std::string text = with("[accounts]\nprefixes = old-\n", "web-* *-adm *.x");
  const auto settings = accounts::parse_settings(text);
  assert_true(settings->names == Words({"web-*", "*-adm", "*.x"}));
  assert_true(settings->prefixes == "old- web-");
  assert_true(settings->suffixes == "-adm");
}

void patterns_that_fit_names_of_packages_are_refused(void**) {
  for (const char* pattern :
       {"*", "?", "a*", "*a", "ab*", "libvirt", "*x*", "A.*", "a.*\n", "a.*;"})
    if (parse_accounts_options(pattern, "")) fail_msg("accepted: %s", pattern);
  for (const char* group : {"a#b", "a;b", "a\nb"})
    if (parse_accounts_options("*.*", group)) fail_msg("accepted: %s", group);
}

}  // namespace
}  // namespace pamcognito::cli

int main() {
  using namespace pamcognito::cli;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_new_file),
      cmocka_unit_test(other_lines_stay),
      cmocka_unit_test(the_last_line_of_a_key_counts),
      cmocka_unit_test(parts_of_patterns_become_prefixes_and_suffixes),
      cmocka_unit_test(patterns_that_fit_names_of_packages_are_refused),
  };
  return cmocka_run_group_tests_name("accounts.conf of setup", tests, nullptr, nullptr);
}
