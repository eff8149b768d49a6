// The changes by lists of the user pool's groups, as tables, below a root of its own.

#include "accounts/directory_list.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "accounts/settings.h"
#include "tests/accounts/machine.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::accounts;

constexpr char kConfPath[] = "/etc/pam-cognito/accounts.conf";
const std::string kConf =
    std::string(kTestConf) + "[directory]\ngroups = linux-users linux-admins\n";

class Directory : public Machine {
 public:
  Directory() : keeper_(prepare()) {}
  Keeper& keeper() { return keeper_; }

 private:
  Keeper prepare() {
    write(kConfPath, kConf);
    return open();
  }
  Keeper keeper_;
};

ListedUser user(const std::string& name, bool enabled = true,
                std::vector<std::string> groups = {"linux-users"}) {
  return {.name = name, .sub = "sub-of-" + name, .enabled = enabled, .groups = std::move(groups)};
}

DirectoryList list_of(std::vector<ListedUser> users) {
  return {.pool = kTestPool, .groups = {"linux-users", "linux-admins"}, .users = std::move(users)};
}

// u1.ex to uN.ex.
DirectoryList numbered(int last, int first = 1) {
  std::vector<ListedUser> users;
  for (int i = first; i <= last; ++i) users.push_back(user("u" + std::to_string(i) + ".ex"));
  return list_of(std::move(users));
}

int active(Keeper& keeper) {
  int count = 0;
  for (const Account& account : GOOD(keeper.list())) count += account.state == State::active;
  return count;
}

void a_first_list_makes_pinned_accounts(void** /*state*/) {
  Directory machine;
  const ListResult first = GOOD(take_list(
      machine.root(),
      list_of({user("alice.ex", true, {"linux-admins"}), user("bob.ex"), user("carl.ex", false)})));
  assert_int_equal(first.added.size(), 2);
  assert_true(first.refused.empty() && !first.held);
  const Account alice = GOOD(machine.keeper().show("alice.ex"));
  assert_text(alice.sub, "sub-of-alice.ex");
  assert_text(alice.pool, kTestPool);
  assert_true(alice.cognito_groups == std::vector<std::string>{"linux-admins"});
  assert_int_equal(alice.verified_at, 0);
  ASSERT_REFUSED(machine.keeper().show("carl.ex"), unknown_account);
  const ListResult again = GOOD(take_list(
      machine.root(), list_of({user("alice.ex", true, {"linux-admins"}), user("bob.ex")})));
  assert_int_equal(again.changed, 0);
  // The sign-in of the person that the list has named.
  assert_true(sign_in(machine.keeper(), sign_in_of("alice.ex")).has_value());
  SignIn other = sign_in_of("bob.ex");
  other.sub = "sub-of-mallory";
  ASSERT_REFUSED(sign_in(machine.keeper(), other), sub_differs);
}

void shrinkage(void** /*state*/) {
  struct Row {
    int before;
    int after;
    bool held;
  };
  for (const Row& row : std::vector<Row>{{3, 4, false},
                                         {9, 1, false},
                                         {9, 0, false},
                                         {10, 6, false},
                                         {10, 5, true},
                                         {10, 0, true},
                                         {11, 6, false},
                                         {11, 5, true},
                                         {40, 21, false},
                                         {40, 20, true}}) {
    Directory machine;
    (void)GOOD(take_list(machine.root(), numbered(row.before)));
    const ListResult result = GOOD(take_list(machine.root(), numbered(row.after)));
    assert_int_equal(result.held, row.held);
    const int left = row.held ? row.before : row.after;
    assert_int_equal(active(machine.keeper()), left);
    const DirectoryStatus status = GOOD(directory_status(machine.root()));
    assert_int_equal(status.held_at != 0, row.held);
    assert_int_equal(status.gone.size(), row.held ? row.before - row.after : 0);
  }
}

void other_users_in_their_place_are_shrinkage_too(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(10)));
  const ListResult result = GOOD(take_list(machine.root(), numbered(30, 11)));
  assert_true(result.held);
  assert_true(result.added.empty());
  assert_int_equal(GOOD(machine.keeper().list()).size(), 10);
}

void a_held_list_locks_the_disabled_users_alone(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(10)));
  DirectoryList list =
      list_of({user("u1.ex", false), user("u2.ex", true, {"linux-admins"}), user("new.ex")});
  const ListResult result = GOOD(take_list(machine.root(), list));
  assert_true(result.held);
  assert_true(result.locked == std::vector<std::string>{"u1.ex"});
  assert_text(GOOD(machine.keeper().show("u1.ex")).locked_by, kLockedByPool);
  assert_true(GOOD(machine.keeper().show("u2.ex")).cognito_groups ==
              std::vector<std::string>{"linux-users"});
  assert_int_equal(active(machine.keeper()), 9);
}

void root_accepts_what_was_held(void** /*state*/) {
  Directory machine;
  assert_false(GOOD(accept_list(machine.root())).changed);
  (void)GOOD(take_list(machine.root(), numbered(10)));
  const std::int64_t first = GOOD(directory_status(machine.root())).at;
  assert_true(first > 0);
  (void)GOOD(take_list(machine.root(), numbered(4)));
  const AcceptResult accepted = GOOD(accept_list(machine.root()));
  assert_int_equal(accepted.locked.size(), 6);
  assert_int_equal(active(machine.keeper()), 4);
  assert_int_equal(GOOD(directory_status(machine.root())).held_at, 0);
  assert_false(GOOD(take_list(machine.root(), numbered(4))).held);
  assert_false(GOOD(accept_list(machine.root())).changed);
}

void a_list_that_is_whole_again_ends_the_hold(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(12)));
  assert_true(GOOD(take_list(machine.root(), numbered(2))).held);
  // Still compared with the last list that was taken.
  assert_true(GOOD(take_list(machine.root(), numbered(1))).held);
  assert_false(GOOD(take_list(machine.root(), numbered(11))).held);
  assert_int_equal(active(machine.keeper()), 11);
  assert_int_equal(GOOD(directory_status(machine.root())).held_at, 0);
}

void who_leaves_is_locked_and_who_returns_is_not(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(3)));
  const ListResult left = GOOD(take_list(machine.root(), numbered(2)));
  assert_true(left.locked == std::vector<std::string>{"u3.ex"});
  assert_int_equal(left.locked_uids.size(), 1);
  const ListResult back = GOOD(take_list(machine.root(), numbered(3)));
  assert_true(back.unlocked == std::vector<std::string>{"u3.ex"});
  // The administrator's lock stays.
  (void)GOOD(machine.keeper().lock("u2.ex"));
  assert_true(GOOD(take_list(machine.root(), numbered(3))).unlocked.empty());
  assert_text(GOOD(machine.keeper().show("u2.ex")).locked_by, kLockedByAdministrator);
}

void who_was_never_listed_is_left_alone(void** /*state*/) {
  Directory machine;
  (void)GOOD(sign_in(machine.keeper(), sign_in_of("guest.ex")));
  (void)GOOD(take_list(machine.root(), numbered(2)));
  (void)GOOD(take_list(machine.root(), numbered(1)));
  assert_int_equal(static_cast<int>(GOOD(machine.keeper().show("guest.ex")).state),
                   static_cast<int>(State::active));
}

void a_list_binds_no_account_to_another_person(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(2)));
  ListedUser mallory = user("u1.ex");
  mallory.sub = "sub-of-mallory";
  // Deleted in the pool, and made again: another person.
  const ListResult result = GOOD(take_list(machine.root(), list_of({mallory, user("u2.ex")})));
  assert_int_equal(result.refused.size(), 1);
  assert_int_equal(static_cast<int>(result.refused[0].refusal),
                   static_cast<int>(Refusal::sub_differs));
  const Account account = GOOD(machine.keeper().show("u1.ex"));
  assert_text(account.sub, "sub-of-u1.ex");
  assert_text(account.locked_by, kLockedByPool);
  // Beside the person of the account it changes nothing.
  Directory both;
  (void)GOOD(take_list(both.root(), numbered(1)));
  const ListResult two = GOOD(take_list(both.root(), list_of({mallory, user("u1.ex")})));
  assert_int_equal(two.refused.size(), 1);
  assert_int_equal(two.changed, 0);
  // And two persons of one name get no account.
  Directory none;
  const ListResult neither = GOOD(take_list(none.root(), list_of({mallory, user("u1.ex")})));
  assert_int_equal(neither.refused.size(), 1);
  assert_int_equal(GOOD(none.keeper().list()).size(), 0);
  // The account of another name is refused as well.
  ListedUser second = user("second.ex");
  second.sub = "sub-of-u1.ex";
  const ListResult other = GOOD(take_list(both.root(), list_of({second})));
  assert_int_equal(static_cast<int>(other.refused[0].refusal),
                   static_cast<int>(Refusal::sub_has_account));
}

void names_that_get_no_account(void** /*state*/) {
  struct Row {
    const char* name;
    Refusal refusal;
  };
  Directory machine;
  (void)GOOD(sign_in(machine.keeper(), sign_in_of("gone.ex")));
  (void)GOOD(machine.keeper().remove("gone.ex"));
  for (const Row& row : std::vector<Row>{{"docker", Refusal::name_not_permitted},
                                         {"root", Refusal::name_not_permitted},
                                         {"dora", Refusal::name_not_permitted},
                                         {"_dora.ex", Refusal::name_reserved},
                                         {"local.ex", Refusal::name_is_local},
                                         {"gone.ex", Refusal::name_retired}}) {
    machine.write("/etc/passwd", "root:x:0:0::/:/bin/sh\nlocal.ex:x:1001:1001::/:/bin/sh\n");
    const ListResult result =
        GOOD(take_list(machine.root(), list_of({user(row.name), user("fine.ex")})));
    assert_int_equal(result.refused.size(), 1);
    assert_int_equal(static_cast<int>(result.refused[0].refusal), static_cast<int>(row.refusal));
    // One refused user stops no other user.
    assert_true(machine.keeper().show("fine.ex").has_value());
  }
}

void max_counts(void** /*state*/) {
  Directory machine;
  machine.write(
      kConfPath,
      "[accounts]\nnames = *.*\nmax = 2\n[directory]\ngroups = linux-users linux-admins\n");
  const ListResult result = GOOD(take_list(machine.root(), numbered(5)));
  assert_int_equal(result.added.size(), 2);
  assert_int_equal(result.refused.size(), 3);
  assert_int_equal(static_cast<int>(result.refused[0].refusal), static_cast<int>(Refusal::full));
}

void groups_of_a_sign_in_stay(void** /*state*/) {
  Directory machine;
  (void)GOOD(
      sign_in(machine.keeper(), sign_in_of("alice.ex", {"linux-admins", "ops", "linux-docker"})));
  (void)GOOD(take_list(machine.root(), list_of({user("alice.ex")})));
  assert_true(GOOD(machine.keeper().show("alice.ex")).cognito_groups ==
              (std::vector<std::string>{"linux-docker", "linux-users", "ops"}));
  std::vector<std::string> many;
  for (int i = 0; i < 100; ++i) many.push_back("g" + std::to_string(i));
  (void)GOOD(sign_in(machine.keeper(), sign_in_of("alice.ex", many)));
  (void)GOOD(take_list(machine.root(), list_of({user("alice.ex")})));
  assert_int_equal(GOOD(machine.keeper().show("alice.ex")).cognito_groups.size(), 100);
}

void uids_of_the_pool(void** /*state*/) {
  Directory machine;
  machine.write(kConfPath,
                "[accounts]\nnames = *.*\nuid_attribute = custom:uid\n[directory]\ngroups = "
                "linux-users linux-admins\n");
  ListedUser alice = user("alice.ex");
  alice.uid = 1900000001;
  ListedUser bob = user("bob.ex");
  bob.uid = 1900000001;
  const ListResult result = GOOD(take_list(machine.root(), list_of({alice, bob, user("carl.ex")})));
  assert_int_equal(GOOD(machine.keeper().show("alice.ex")).uid, 1900000001);
  assert_int_equal(result.refused.size(), 2);
}

void malformed_lists_change_nothing(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(3)));
  const auto refused = [&](DirectoryList list) {
    ASSERT_REFUSED(take_list(machine.root(), list), malformed);
  };
  ListedUser wrong = user("x.ex");
  wrong.groups = {"sudo"};
  refused(list_of({wrong}));
  wrong.groups = {};
  refused(list_of({wrong}));
  wrong = user("x.ex");
  wrong.sub = "a b";
  refused(list_of({wrong}));
  wrong.sub = "";
  refused(list_of({wrong}));
  refused(list_of({user("X.ex")}));
  refused(list_of({user("../x")}));
  refused(list_of({user("x.ex"), user("x.ex")}));
  DirectoryList other = numbered(1);
  other.pool = "a b";
  refused(other);
  other = numbered(1);
  other.groups = {"linux-users"};
  ASSERT_REFUSED(take_list(machine.root(), other), bad_configuration);
  other.groups = {"linux-admins", "linux-users"};
  ASSERT_REFUSED(take_list(machine.root(), other), bad_configuration);
  machine.write(kConfPath, kTestConf);
  other.groups = {};
  ASSERT_REFUSED(take_list(machine.root(), other), bad_configuration);
  assert_int_equal(active(machine.keeper()), 3);
}

void another_pool_is_other_persons(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(10)));
  DirectoryList other = numbered(10);
  other.pool = "eu-west-1_Other";
  assert_true(GOOD(take_list(machine.root(), other)).held);
}

void removed_accounts_leave_the_list(void** /*state*/) {
  Directory machine;
  (void)GOOD(take_list(machine.root(), numbered(10)));
  for (int i = 1; i <= 5; ++i) (void)GOOD(machine.keeper().remove("u" + std::to_string(i) + ".ex"));
  const ListResult result = GOOD(take_list(machine.root(), numbered(10, 7)));
  assert_int_equal(result.before, 5);
  assert_false(result.held);
}

void settings(void** /*state*/) {
  const auto parsed = parse_settings(kConf);
  assert_true(parsed.has_value());
  assert_int_equal(parsed->directory_groups.size(), 2);
  std::string many = "[directory]\ngroups =";
  for (int i = 0; i < 17; ++i) many += " g" + std::to_string(i);
  assert_false(parse_settings(many + "\n").has_value());
  assert_false(parse_settings("[directory]\ngroups = " + std::string(513, 'x') + "\n").has_value());
  assert_false(parse_settings("[directory]\ngroups = \xff\n").has_value());
  assert_true(parse_settings("[directory]\ngroups =\n")->directory_groups.empty());
}

}  // namespace

int main() {
  if (::geteuid() != 0) return 77;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_first_list_makes_pinned_accounts),
      cmocka_unit_test(shrinkage),
      cmocka_unit_test(other_users_in_their_place_are_shrinkage_too),
      cmocka_unit_test(a_held_list_locks_the_disabled_users_alone),
      cmocka_unit_test(root_accepts_what_was_held),
      cmocka_unit_test(a_list_that_is_whole_again_ends_the_hold),
      cmocka_unit_test(who_leaves_is_locked_and_who_returns_is_not),
      cmocka_unit_test(who_was_never_listed_is_left_alone),
      cmocka_unit_test(a_list_binds_no_account_to_another_person),
      cmocka_unit_test(names_that_get_no_account),
      cmocka_unit_test(max_counts),
      cmocka_unit_test(groups_of_a_sign_in_stay),
      cmocka_unit_test(uids_of_the_pool),
      cmocka_unit_test(malformed_lists_change_nothing),
      cmocka_unit_test(another_pool_is_other_persons),
      cmocka_unit_test(removed_accounts_leave_the_list),
      cmocka_unit_test(settings),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
