#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/enrolling.h"
#include "tests/sign_in/scripted.h"

// Which account of the pool a Linux user is: the first accepted sign-in pins its `sub`, and from
// then on nothing else decides.
namespace pamcognito::test {
namespace {

using policy::Identity;
using sign_in::SignInResult;

constexpr char kAlice[] = "5e7b1c2a-0000-4000-8000-000000000001";
constexpr char kMallory[] = "5e7b1c2a-0000-4000-8000-00000000000f";

void sign_in_follows(World& world) {
  world.next_sign_in();
  then_totp(world);
  world.person->answers = {"right password", "123456"};
}

void expect_refused(World& world, std::string_view cause) {
  expect_closed(world, Outcome::not_permitted, cause);
}

// The tokens of another person's account, by a name that leads to it.
void the_name_leads_to_mallory(World& world) {
  world.pool.verified->sub = kMallory;
  world.pool.verified->username = "mallory";
}

void the_first_accepted_sign_in_pins(void**) {
  World world;
  sign_in_follows(world);
  assert_null(world.known.find("alice"));
  assert_outcome(world.run().outcome, Outcome::success);
  const sessions::KnownUser* pinned = world.known.find("alice");
  assert_non_null(pinned);
  assert_text(pinned->sub, kAlice);
  assert_true(pinned->pinned_by == sessions::PinnedBy::first_sign_in);
  assert_int_equal(pinned->groups.size(), 1);
  assert_int_equal(pinned->verified_at, world.clock.wall_time());

  // Before success was told: another daemon would know it.
  sessions::KnownUsers after_a_crash(world.loop, world.worker,
                                     world.directory.file("known-users.db"));
  assert_true(after_a_crash.load("eu-west-1_Example").has_value());
  assert_non_null(after_a_crash.find("alice"));
  assert_text(after_a_crash.find("alice")->sub, kAlice);
}

void a_sign_in_that_is_refused_pins_nothing(void**) {
  World world;
  sign_in_follows(world);
  world.pool.verified->groups = {"others"};
  expect_refused(world, "access");
  assert_null(world.known.find("alice"));

  world.next_sign_in();
  world.pool.verified->groups = {"linux-users"};
  world.pool.reply_tokens();
  expect_refused(world, "no-second-factor");
  assert_null(world.known.find("alice"));
}

void another_sub_is_refused_with_both_in_the_log(void**) {
  World world;
  world.pin(kAlice);
  sign_in_follows(world);
  world.pool.verified->sub = kMallory;  // under the very same name: deleted and made anew
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::not_permitted);
    assert_text(result.cause, "another-account");
    assert_text(result.notice.text, prompts::not_permitted());
    assert_true(result.level == runtime::Level::warning);
    assert_true(result.detail.contains(kAlice));
    assert_true(result.detail.contains(kMallory));
  }
  assert_int_equal(world.revoked.size(), 1);
  assert_text(world.known.find("alice")->sub, kAlice);
}

void the_pin_decides_and_nothing_else(void**) {
  // The account was renamed, its address is another one and not verified: it is still alice.
  for (const Identity identity : {Identity::username, Identity::email, Identity::pinned}) {
    World world;
    world.config->access.identity = identity;
    world.pin(kAlice);
    sign_in_follows(world);
    world.pool.verified->username = "renamed";
    world.pool.verified->email = "new@example.com";
    assert_outcome(world.run().outcome, Outcome::success);
  }
}

// amplify-js: "all previously created accounts will have their email_verified attribute changed to
// false". The alias goes over to the account that mallory made with alice's address.
void a_second_account_with_the_same_email_is_not_a_way_in(void**) {
  for (const Identity identity : {Identity::username, Identity::email}) {
    World world;
    world.config->access.identity = identity;
    world.config->access.cognito_username = identity == Identity::email ? "%u@example.com" : "%u";
    world.pool.verified->email = "alice@example.com";
    world.pool.verified->email_verified = true;
    sign_in_follows(world);
    assert_outcome(world.run().outcome, Outcome::success);

    sign_in_follows(world);
    the_name_leads_to_mallory(world);
    expect_refused(world, "another-account");

    // alice's own account is still hers, though its address is no longer verified.
    sign_in_follows(world);
    world.pool.verified->sub = kAlice;
    world.pool.verified->username = "alice";
    world.pool.verified->email_verified = false;
    assert_outcome(world.run().outcome, Outcome::success);
  }
}

void a_self_written_preferred_username_is_not_a_way_in(void**) {
  for (const Identity identity : {Identity::username, Identity::email}) {
    for (const bool pinned : {false, true}) {
      World world;
      world.config->access.identity = identity;
      if (identity == Identity::email) world.config->access.cognito_username = "%u@example.com";
      if (pinned) world.pin(kAlice);
      sign_in_follows(world);
      // The pool resolved what mallory wrote; her tokens have her own address, verified.
      the_name_leads_to_mallory(world);
      world.pool.verified->email = "mallory@example.com";
      world.pool.verified->email_verified = true;
      expect_refused(world, pinned ? "another-account" : "identity");
      assert_true((world.known.find("alice") != nullptr) == pinned);
    }
  }
}

void by_file_only_root_pins(void**) {
  World world;
  world.config->access.identity = Identity::pinned;
  sign_in_follows(world);
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::not_permitted);
    assert_text(result.cause, "not-pinned");
    assert_true(result.detail.contains("cognitoctl identity pin alice " + std::string(kAlice)));
  }
  assert_null(world.known.find("alice"));

  world.pin(kAlice);
  sign_in_follows(world);
  assert_outcome(world.run().outcome, Outcome::success);
}

void a_pin_that_cannot_be_written_lets_nobody_in(void**) {
  World world;
  std::filesystem::remove_all(world.directory.path());
  sign_in_follows(world);
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::failed);
    assert_text(result.cause, "identity-not-written");
    assert_text(result.notice.text, prompts::ask_administrator());
    assert_true(result.level == runtime::Level::error);
    assert_false(result.detail.empty());
  }
  assert_int_equal(world.revoked.size(), 1);
  assert_null(world.known.find("alice"));
}

void who_is_pinned_already_needs_no_disk(void**) {
  World world;
  world.pin(kAlice);
  std::filesystem::remove_all(world.directory.path());
  sign_in_follows(world);
  assert_outcome(world.run().outcome, Outcome::success);
}

void nobody_signs_in_while_the_identities_cannot_be_read(void**) {
  World world;
  std::ofstream(world.directory.file("known-users.db")) << "this is no database, whatever it is";
  assert_false(world.known.load("eu-west-1_Other").has_value());
  sign_in_follows(world);
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::failed);
  assert_text(result.cause, "identities-unreadable");
  assert_text(result.notice.text, prompts::ask_administrator());
  // Asked as everybody is, and nothing was sent.
  assert_int_equal(world.person->prompts.size(), 1);
  assert_text(world.operations(), "");
}

void they_become_unreadable_in_the_middle_of_a_sign_in(void**) {
  World world;
  sign_in_follows(world);
  world.person->before_answer = [&world] {
    if (world.person->prompts.size() < 2) return;
    std::ofstream(world.directory.file("known-users.db")) << "this is no database, whatever";
    (void)world.known.load("eu-west-1_Other");
  };
  expect_closed(world, Outcome::failed, "identities-unreadable");
}

void of_two_first_sign_ins_at_once_one_pins(void**) {
  World world;
  world.next_sign_in();
  by_access_token(world, {"123456"});
  // While alice sets up her app, another account has come in under her name.
  world.person->before_answer = [&world] {
    if (world.person->prompts.size() == 2) world.pin(kMallory);
  };
  expect_refused(world, "another-account");
  assert_text(world.known.find("alice")->sub, kMallory);
}

void signs_in_as(World& world, const std::string& user) {
  sign_in_follows(world);
  world.user = user;
  world.pool.verified->username = "alice";
}

// Linux counts case, such a pool does not: Alice and alice are one account, and one Linux user.
void of_two_names_that_differ_by_case_one_gets_the_account(void**) {
  for (const char* first : {"alice", "Alice"}) {
    const char* second = first == std::string_view("alice") ? "Alice" : "alice";
    World world;
    world.config->access.case_sensitive = false;
    signs_in_as(world, first);
    assert_outcome(world.run().outcome, Outcome::success);
    signs_in_as(world, second);
    expect_refused(world, "account-taken");
    assert_null(world.known.find(second));

    // The first one is not disturbed, and root may decide otherwise.
    signs_in_as(world, first);
    assert_outcome(world.run().outcome, Outcome::success);
    world.user = second;
    world.pin(kAlice);
    signs_in_as(world, second);
    assert_outcome(world.run().outcome, Outcome::success);
  }
}

// root gave the account to bob as well: alice, who has its very name, signs in; Alice does not.
void what_root_pinned_elsewhere_bars_a_name_in_other_letters(void**) {
  World world;
  world.config->access.case_sensitive = false;
  world.user = "bob";
  world.pin(kAlice);
  signs_in_as(world, "Alice");
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::not_permitted);
    assert_text(result.cause, "account-taken");
    assert_true(result.detail.contains("the Linux user bob"));
  }
  signs_in_as(world, "alice");
  assert_outcome(world.run().outcome, Outcome::success);
}

// Alice has come in while alice typed her code.
void of_two_names_at_once_one_gets_the_account(void**) {
  World world;
  world.config->access.case_sensitive = false;
  signs_in_as(world, "alice");
  by_access_token(world, {"123456"});
  world.person->before_answer = [&world] {
    if (world.person->prompts.size() != 2) return;
    (void)world.drive(world.known.pin("Alice", kAlice, sessions::PinnedBy::first_sign_in, 1));
  };
  expect_refused(world, "account-taken");
  assert_null(world.known.find("alice"));
}

void a_sign_in_ends_what_was_said_of_a_disabled_account(void**) {
  World world;
  world.pin(kAlice);
  world.known.set_account_status("alice", sessions::AccountStatus::disabled);
  sign_in_follows(world);
  assert_outcome(world.run().outcome, Outcome::success);
  assert_true(world.known.find("alice")->account_status == sessions::AccountStatus::good);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_first_accepted_sign_in_pins),
      cmocka_unit_test(a_sign_in_that_is_refused_pins_nothing),
      cmocka_unit_test(another_sub_is_refused_with_both_in_the_log),
      cmocka_unit_test(the_pin_decides_and_nothing_else),
      cmocka_unit_test(a_second_account_with_the_same_email_is_not_a_way_in),
      cmocka_unit_test(a_self_written_preferred_username_is_not_a_way_in),
      cmocka_unit_test(by_file_only_root_pins),
      cmocka_unit_test(a_pin_that_cannot_be_written_lets_nobody_in),
      cmocka_unit_test(who_is_pinned_already_needs_no_disk),
      cmocka_unit_test(nobody_signs_in_while_the_identities_cannot_be_read),
      cmocka_unit_test(they_become_unreadable_in_the_middle_of_a_sign_in),
      cmocka_unit_test(of_two_first_sign_ins_at_once_one_pins),
      cmocka_unit_test(of_two_names_that_differ_by_case_one_gets_the_account),
      cmocka_unit_test(what_root_pinned_elsewhere_bars_a_name_in_other_letters),
      cmocka_unit_test(of_two_names_at_once_one_gets_the_account),
      cmocka_unit_test(a_sign_in_ends_what_was_said_of_a_disabled_account),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
