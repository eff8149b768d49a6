// The uid of a name, patterns of names, and accounts.conf as the writer reads it.

#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/fleet_key.h"
#include "accounts/names.h"
#include "accounts/settings.h"
#include "nss/accounts_format.h"
#include "nss/reserved_names.h"
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
    if (conf_text::matches(row.glob, row.name) != row.matches)
      fail_msg("%s %s", row.glob, row.name);
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
  assert_string_equal(settings->prefixes.c_str(), "a- b-");
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

void names_of_packages_are_reserved(void** /*state*/) {
  struct Row {
    std::string_view name;
    bool is_reserved;
  };
  for (const Row& row : {Row{"abuse", true},       Row{"zvbi", true},
                         Row{"postgres", true},    Row{"www-data", true},
                         Row{"root", true},        Row{"nogroup", true},
                         Row{"messagebus", true},  Row{"_chrony", true},
                         Row{"_", true},           Row{"systemd-network", true},
                         Row{"systemd-x", true},   Row{"", false},
                         Row{"postgre", false},    Row{"postgress", false},
                         Row{"postgres.x", false}, Row{"a", false},
                         Row{"zz", false},         Row{"systemd", false},
                         Row{"alice", false},      Row{":", false}})
    if (is_reserved_name(row.name.data(), row.name.size()) != row.is_reserved)
      fail_msg("%.*s", static_cast<int>(row.name.size()), row.name.data());
  static_assert(kReservedCount >= 500);
  for (std::size_t at = 0; kReservedText[at] != '\0';) {
    const std::string_view name = reserved_name_at(at);
    at += name.size() + 1;
    assert_true(is_account_name(name.data(), name.size()));
    assert_true(is_reserved_name(name.data(), name.size()));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(uids_follow_from_key_pool_and_name),
      cmocka_unit_test(globs_match_whole_names),
      cmocka_unit_test(settings_have_defaults),
      cmocka_unit_test(names_of_packages_are_reserved),
      cmocka_unit_test(settings_are_read),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
