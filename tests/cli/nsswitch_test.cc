#include "cli/setup/nsswitch.h"

#include <json/json.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace pamcognito::cli {
namespace {

using Words = std::vector<std::string>;

// The lines with which the scripts of libnss-cognitod are tested, too.
void the_table_of_the_package(void**) {
  Json::Value lines;
  std::ifstream(PAM_COGNITO_TEST_LINES) >> lines;
  assert_true(lines.size() >= 15);
  for (const Json::Value& line : lines) {
    const std::string before = line[0].asString() + "\n";
    const std::string after = line[1].isNull() ? before : line[1].asString() + "\n";
    const std::string changed = add_to_nsswitch(before).text;
    if (changed != after) fail_msg("%s became %s", before.c_str(), changed.c_str());
    if (add_to_nsswitch(changed).text != changed) fail_msg("twice: %s", before.c_str());
  }
}

// Each of these packages appends its word, as dh_installnss does.
void each_order_of_installation(void**) {
  Words foreign = {"sss", "systemd", "winbind"};
  unsigned orders = 0;
  do {
    for (std::size_t at = 0; at <= foreign.size(); ++at) {
      std::string tail;
      std::string line;
      for (std::size_t i = 0; i <= foreign.size(); ++i) {
        if (i == at)
          line = add_to_nsswitch("passwd: files" + tail + "\ngroup: files" + tail + "\n").text;
        if (i == foreign.size()) break;
        tail += " " + foreign[i];
        if (line.empty()) continue;
        for (std::size_t end = 0; (end = line.find('\n', end)) != std::string::npos; end += 1) {
          line.insert(end, " " + foreign[i]);
          end += foreign[i].size() + 1;
        }
      }
      Words passwd = {"files", "cognitod"};
      Words group = {"files", "[SUCCESS=merge]", "cognitod"};
      passwd.insert(passwd.end(), foreign.begin(), foreign.end());
      group.insert(group.end(), foreign.begin(), foreign.end());
      assert_true(nsswitch_words(line, "passwd") == passwd);
      assert_true(nsswitch_words(line, "group") == group);
      assert_true(add_to_nsswitch(line).text == line);
      ++orders;
    }
  } while (std::ranges::next_permutation(foreign).found);
  assert_int_equal(orders, 24);
}

void lines_that_lack_the_service_are_reported(void**) {
  assert_true(add_to_nsswitch("passwd: files\ngroup: files\n").lacking.empty());
  assert_true(add_to_nsswitch("").lacking == Words({"passwd", "group"}));
  assert_true(add_to_nsswitch("passwd: files [NOTFOUND=return] sss\ngroup: files\n").lacking ==
              Words({"passwd"}));
  assert_true(add_to_nsswitch("passwd: files\ngroup: db # files\n").lacking == Words({"group"}));
}

void the_end_of_the_file_stays(void**) {
  assert_string_equal(add_to_nsswitch("passwd: files").text.c_str(), "passwd: files cognitod");
  assert_string_equal(add_to_nsswitch("\n\n# passwd: files\n\n").text.c_str(),
                      "\n\n# passwd: files\n\n");
}

void words_are_those_of_the_line(void**) {
  assert_true(nsswitch_words("passwd:files[NOTFOUND=return]sss # x\n", "passwd") ==
              Words({"files", "[NOTFOUND=return]", "sss"}));
  assert_true(nsswitch_words("group: [x", "group") == Words({"[x"}));
  assert_true(nsswitch_words("passwd_compat: files\n", "passwd").empty());
}

}  // namespace
}  // namespace pamcognito::cli

int main() {
  using namespace pamcognito::cli;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_table_of_the_package),
      cmocka_unit_test(each_order_of_installation),
      cmocka_unit_test(lines_that_lack_the_service_are_reported),
      cmocka_unit_test(the_end_of_the_file_stays),
      cmocka_unit_test(words_are_those_of_the_line),
  };
  return cmocka_run_group_tests_name("nsswitch", tests, nullptr, nullptr);
}
