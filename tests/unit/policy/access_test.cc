#include "daemon/policy/access.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::policy;

Config config_of(std::vector<std::string> groups, std::vector<std::string> users) {
  Config config;
  config.access.allow_groups = std::move(groups);
  config.access.allow_users = std::move(users);
  config.services["sudo"].allow_groups = {"linux-admins"};
  config.services["su"].never_signed_in = NeverSignedIn::deny;
  config.services["sshd"].never_signed_in = NeverSignedIn::allow;
  return config;
}

void nobody_is_allowed_by_default(void**) {
  assert_false(access_permitted(Config(), "alice", "sshd", {"linux-users", "", "*"}));
  assert_false(access_permitted(Config(), "", "sshd", {}));
}

void a_group_or_a_name_is_enough(void**) {
  const Config config = config_of({"linux-users"}, {"carol"});
  assert_true(access_permitted(config, "alice", "sshd", {"other", "linux-users"}));
  assert_true(access_permitted(config, "carol", "sshd", {}));
  assert_false(access_permitted(config, "alice", "sshd", {"linux-user", "Linux-users"}));
  assert_false(access_permitted(config, "caroline", "sshd", {}));
}

void a_service_narrows_and_never_widens(void**) {
  const Config config = config_of({"linux-users"}, {"carol"});
  assert_true(access_permitted(config, "alice", "sudo", {"linux-users", "linux-admins"}));
  assert_false(access_permitted(config, "alice", "sudo", {"linux-users"}));
  assert_false(access_permitted(config, "alice", "sudo", {"linux-admins"}));
  assert_false(access_permitted(config, "carol", "sudo", {}));
  assert_true(access_permitted(config, "carol", "sudo", {"linux-admins"}));
  Config open = config;
  open.access.allow_all = true;
  assert_true(access_permitted(open, "anybody", "sshd", {}));
  assert_false(access_permitted(open, "anybody", "sudo", {}));
}

void the_rule_that_decides_is_named(void**) {
  const Config config = config_of({"linux-users"}, {"carol"});
  struct Row {
    const char* user;
    const char* service;
    std::vector<std::string> groups;
    bool permitted;
    const char* rule;
  };
  const std::array rows = {
      Row{"alice", "sshd", {"x", "linux-users"}, true, "allow_groups of [access] has linux-users"},
      Row{"carol", "sshd", {}, true, "allow_users of [access] has carol"},
      Row{"dave",
          "sshd",
          {"x"},
          false,
          "allow_users of [access] has not this user, allow_groups none of its groups"},
      Row{"alice",
          "sudo",
          {"linux-users"},
          false,
          "allow_groups of [service sudo] has none of the user's groups"},
      Row{"dave",
          "sudo",
          {"linux-admins"},
          false,
          "allow_users of [access] has not this user, allow_groups none of its groups"},
      Row{"carol",
          "sudo",
          {"linux-admins"},
          true,
          "allow_groups of [service sudo] has linux-admins, and allow_users of [access] has carol"},
  };
  for (const Row& row : rows) {
    const AccessVerdict verdict = explain_access(config, row.user, row.service, row.groups);
    assert_text(verdict.rule, row.rule);
    assert_true(verdict.rule.contains(verdict.key));
    assert_true(verdict.rule.contains("[" + verdict.section + "]"));
    assert_int_equal(verdict.permitted, row.permitted);
  }
  Config open;
  assert_text(explain_access(open, "a", "sshd", {}).rule,
              "[access] allows nobody: allow_groups and allow_users are empty");
  open.access.allow_all = true;
  assert_text(explain_access(open, "a", "sshd", {}).rule, "allow_users of [access] is *");
}

void the_name_is_mapped(void**) {
  AccessConfig access;
  assert_string_equal(cognito_username(access, "alice").c_str(), "alice");
  access.cognito_username = "%u@example.com";
  assert_string_equal(cognito_username(access, "alice").c_str(), "alice@example.com");
  access.cognito_username = "%%u-%u%%";
  assert_string_equal(cognito_username(access, "al%u").c_str(), "%u-al%u%");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nobody_is_allowed_by_default),
      cmocka_unit_test(a_group_or_a_name_is_enough),
      cmocka_unit_test(a_service_narrows_and_never_widens),
      cmocka_unit_test(the_rule_that_decides_is_named),
      cmocka_unit_test(the_name_is_mapped),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
