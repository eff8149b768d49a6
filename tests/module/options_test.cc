#include <vector>

#include "pam/admission.h"
#include "tests/module/check.h"

namespace {

using namespace pamcognito::pam;
using pamcognito::test::assert_text;

Options parse(const std::vector<const char*>& arguments) {
  return parse_options(arguments);
}

void no_argument_sets_no_option(void**) {
  const Options options = parse({});
  assert_true(options.first_pass == FirstPass::ignore && !options.debug && options.unknown.empty());
}

void all_options_are_parsed(void**) {
  assert_true(parse({"use_first_pass"}).first_pass == FirstPass::must);
  assert_true(parse({"try_first_pass", "debug"}).first_pass == FirstPass::may);
  assert_true(parse({"try_first_pass", "debug"}).debug);
  assert_true(parse({"try_first_pass", "debug"}).unknown.empty());
}

void the_first_unknown_argument_is_kept_for_the_log(void**) {
  assert_text(parse({"debug", "nullok", "other"}).unknown, "'nullok'");
  assert_text(parse({"Debug"}).unknown, "'Debug'");
  assert_text(parse({"use_first_pass=yes"}).unknown, "'use_first_pass=yes'");
  assert_text(parse({""}).unknown, "''");
  assert_text(parse({"x\x1b[m"}).unknown, "'x?[m'");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(no_argument_sets_no_option),
      cmocka_unit_test(all_options_are_parsed),
      cmocka_unit_test(the_first_unknown_argument_is_kept_for_the_log),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
