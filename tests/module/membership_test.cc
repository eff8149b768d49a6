// Classifies users by users.conf and by /etc/passwd and /etc/group of the sandbox.

#include "common/membership.h"

#include <sys/resource.h>

#include <string>

#include "common/users_conf.h"
#include "tests/module/check.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

const char* name_of(Membership membership) {
  switch (membership) {
    case Membership::cognito_user:
      return "ours";
    case Membership::not_cognito_user:
      return "not ours";
    case Membership::denied:
      return "denied";
    case Membership::malformed:
      return "malformed";
    case Membership::local_fault:
      return "local_fault";
    case Membership::unknown:
      return "unknown";
    case Membership::no_account:
      return "no account";
    case Membership::locked:
      return "locked";
    case Membership::damaged:
      return "damaged";
  }
  return "?";
}

void assert_is(const char* user, Membership expected, const char* expected_reason = "") {
  std::string reason;
  const Membership membership = classify_user(kUsersConfPath, user, &reason);
  print_message("%s: %s %s\n", user, name_of(membership), reason.c_str());
  assert_string_equal(name_of(membership), name_of(expected));
  assert_text(reason, expected_reason);
}

void members_of_the_group_are_cognito_users(void**) {
  set_users_conf("group=cognito-users\n");
  assert_is("alice", Membership::cognito_user);
  assert_is("carol", Membership::cognito_user);  // by primary group
  assert_is("admin", Membership::cognito_user);
  assert_is("bob", Membership::not_cognito_user);
}

void system_accounts_are_never_cognito_users(void**) {
  set_users_conf("group=cognito-users\nusers=root daemon nobody dynamic\nuid_range=0-65535\n");
  for (const char* user : {"root", "daemon", "dynamic", "nobody", "nosuchuser", ""})
    assert_is(user, Membership::not_cognito_user);
}

void named_users_and_uids_in_the_range_are_cognito_users(void**) {
  set_users_conf("group=\nusers=bob\n");
  assert_is("bob", Membership::cognito_user);
  assert_is("alice", Membership::not_cognito_user);
  set_users_conf("group=\nuid_range=1001-1002\n");
  assert_is("alice", Membership::cognito_user);
  assert_is("bob", Membership::cognito_user);
  assert_is("carol", Membership::not_cognito_user);
}

void exclude_and_min_uid_override_the_other_keys(void**) {
  set_users_conf("users=alice bob carol\nexclude=bob\nmin_uid=1002\n");
  assert_is("alice", Membership::not_cognito_user);
  assert_is("bob", Membership::not_cognito_user);
  assert_is("carol", Membership::cognito_user);
}

void without_users_conf_nobody_is_a_cognito_user(void**) {
  set_users_conf("");
  assert_is("alice", Membership::not_cognito_user);
  set_users_conf("# nothing\n");
  assert_is("alice", Membership::not_cognito_user);
}

// NSS reports the same if a directory server does not answer or its NSS module cannot be loaded.
// Then no membership is certain, and only users who are excluded or named in the file can be
// decided.
void a_missing_group_leaves_the_membership_unknown(void**) {
  set_users_conf("group=no-such-group\nusers=bob\nexclude=admin\n");
  assert_is("alice", Membership::unknown,
            "there is no group no-such-group, which users.conf names");
  assert_is("bob", Membership::cognito_user);
  for (const char* user : {"root", "daemon", "nobody", "admin", "nosuchuser"})
    assert_is(user, Membership::not_cognito_user);
}

void names_outside_the_grammar_are_denied(void**) {
  set_users_conf("group=cognito-users\n");
  assert_is("dave$", Membership::denied, "the user's name is outside the grammar");
  set_users_conf("group=\n");
  assert_is("dave$", Membership::not_cognito_user);
}

void a_malformed_file_exempts_only_excluded_users(void**) {
  const char* reason = "/etc/pam-cognito/users.conf:2: unknown key 'oops'";
  set_users_conf("exclude=admin\noops=1\n");
  for (const char* user : {"root", "daemon", "dynamic", "nobody", "admin", "nosuchuser"})
    assert_is(user, Membership::not_cognito_user);
  assert_is("alice", Membership::malformed, reason);
  assert_is("bob", Membership::malformed, reason);
}

void an_untrusted_file_excludes_nobody(void**) {
  set_users_conf("exclude=admin\n");
  write_file(kUsersConfPath, "exclude=admin\n", 0666);
  assert_is("admin", Membership::malformed,
            "/etc/pam-cognito/users.conf: can be written by others than root; try chmod go-w");
  assert_is("root", Membership::not_cognito_user);
  set_users_conf("");
}

// Without a free descriptor NSS cannot open its files. That is not "not found", and not a failure
// of NSS either, because a user who runs su sets its limits.
void a_failure_of_nss_leaves_the_membership_unknown(void**) {
  set_users_conf("group=cognito-users\n");
  rlimit before{};
  assert_int_equal(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  assert_int_equal(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::string reason;
  const Membership membership = classify_user(kUsersConfPath, "alice", &reason);
  assert_int_equal(::setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_string_equal(name_of(membership), "local_fault");
  assert_text(reason, "the look-up of the user failed: EMFILE");
}

void a_large_group_is_read_completely(void**) {
  std::string members = "cognito-users:x:2000:";
  for (int i = 0; i < 20000; ++i) members += "member-number-" + std::to_string(i) + ",";
  write_file("/etc/group", members + "bob\n");
  set_users_conf("group=cognito-users\n");
  assert_is("bob", Membership::cognito_user);
  assert_is("alice", Membership::not_cognito_user);
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(members_of_the_group_are_cognito_users),
      cmocka_unit_test(system_accounts_are_never_cognito_users),
      cmocka_unit_test(named_users_and_uids_in_the_range_are_cognito_users),
      cmocka_unit_test(exclude_and_min_uid_override_the_other_keys),
      cmocka_unit_test(without_users_conf_nobody_is_a_cognito_user),
      cmocka_unit_test(a_missing_group_leaves_the_membership_unknown),
      cmocka_unit_test(names_outside_the_grammar_are_denied),
      cmocka_unit_test(a_malformed_file_exempts_only_excluded_users),
      cmocka_unit_test(an_untrusted_file_excludes_nobody),
      cmocka_unit_test(a_failure_of_nss_leaves_the_membership_unknown),
      cmocka_unit_test(a_large_group_is_read_completely),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
