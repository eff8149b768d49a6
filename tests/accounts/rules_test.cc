// The uid of a name, patterns of names, and accounts.conf as the writer reads it.

#include <numeric>
#include <string>
#include <vector>

#include "accounts/names.h"
#include "accounts/settings.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::accounts;

// Computed by Python:
//   digest = hmac.new(bytes(range(32)), pool + b"\0" + name, hashlib.sha256).digest()
//   first + int.from_bytes(digest, "big") % (last - first + 1)
void uids_follow_from_key_pool_and_name(void** /*state*/) {
  std::string key(32, '\0');
  std::iota(key.begin(), key.end(), '\0');
  constexpr uid_t kFirst = 0x70000000;
  constexpr uid_t kLast = 2099999999;
  assert_int_equal(uid_of(key, "eu-central-1_AbCdEfGhI", "alice.smith", kFirst, kLast), 2044213407);
  assert_int_equal(uid_of(key, "eu-central-1_AbCdEfGhI", "bob", kFirst, kLast), 2037863588);
  assert_int_equal(uid_of(key, "us-east-1_XyZ", "alice.smith", kFirst, kLast), 2093241357);
  assert_int_equal(uid_of(key, "us-east-1_XyZ", "alice.smith", 70000, 70000), 70000);
  assert_int_equal(uid_of(key, "us-east-1_XyZ", "alice.smith", 70001, 70000), 0);
  key[31] = '\0';
  assert_true(uid_of(key, "eu-central-1_AbCdEfGhI", "bob", kFirst, kLast) != 2037863588);
}

void globs_match_whole_names(void** /*state*/) {
  struct Row {
    const char* glob;
    const char* name;
    bool matches;
  };
  for (const Row& row :
       {Row{"*", "a", true}, Row{"*", "", true}, Row{"*.*", "a.b", true}, Row{"*.*", "ab", false},
        Row{"*.b", "a.b.b", true}, Row{"*.b", "a.bc", false}, Row{"a*", "ba", false},
        Row{"web?", "web1", true}, Row{"web?", "web", false}, Row{"web?", "web12", false},
        Row{"a**b", "ab", true}, Row{"a", "a", true}, Row{"a", "ab", false}, Row{"", "a", false},
        Row{"*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false}})
    if (matches(row.glob, row.name) != row.matches) fail_msg("%s %s", row.glob, row.name);
}

void settings_have_defaults(void** /*state*/) {
  const auto settings = parse_settings("");
  assert_true(settings.has_value());
  assert_int_equal(settings->max, 10000);
  assert_int_equal(settings->first, 0x70000000);
  assert_true(settings->names.empty() && settings->uid_attribute.empty());
  assert_true(settings->on_disable == OnDisable::lock);
}

void settings_are_read(void** /*state*/) {
  const auto settings = parse_settings(
      "# comment\n[accounts]\nnames = *.admin\t*.x\nprefixes = a- b-\nsuffixes = -c\nmax = 20000\n"
      "on_disable=terminate\nuid_attribute = custom:uid\nshells = /bin/sh /bin/zsh\n"
      "[other]\nmax = 1\n[groups]\nsudo = a b\nwheel =\n[accounts]\nmax = 30000\n");
  assert_true(settings.has_value());
  assert_int_equal(settings->names.size(), 2);
  assert_text(settings->names[1], "*.x");
  assert_int_equal(settings->prefixes.size(), 2);
  assert_int_equal(settings->max, 30000);
  assert_true(settings->on_disable == OnDisable::terminate);
  assert_text(settings->uid_attribute, "custom:uid");
  assert_text(settings->shells[1], "/bin/zsh");
  assert_int_equal(settings->groups.size(), 2);
  assert_text(settings->groups[0].cognito_groups[1], "b");
  assert_true(settings->groups[1].cognito_groups.empty());
  const auto fault = parse_settings("[accounts]\n\nmax = 1x\n");
  assert_false(fault.has_value());
  assert_text(fault.error(), "line 3 has a fault");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(uids_follow_from_key_pool_and_name),
      cmocka_unit_test(globs_match_whole_names),
      cmocka_unit_test(settings_have_defaults),
      cmocka_unit_test(settings_are_read),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
