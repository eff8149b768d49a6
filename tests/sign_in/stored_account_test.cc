#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/enrolling.h"
#include "tests/sign_in/scripted.h"

// A user whom no local file names signs in only if cognitod-accounts has stored it.
namespace pamcognito::test {
namespace {

using sign_in::StoreFailure;

constexpr char kStored[] = "alice 5e7b1c2a-0000-4000-8000-000000000001 linux-users";

void sign_in_follows(World& world) {
  world.next_sign_in();
  then_totp(world);
  world.person->answers = {"right password", "123456"};
}

World& stored(World& world) {
  world.has_stored_account = true;
  sign_in_follows(world);
  return world;
}

void a_full_sign_in_is_stored_once(void**) {
  World world;
  assert_outcome(stored(world).run().outcome, Outcome::success);
  assert_int_equal(world.stored.size(), 1);
  assert_text(world.stored[0], kStored);
}

void a_local_user_is_not_stored(void**) {
  World world;
  sign_in_follows(world);
  world.store_result = std::unexpected(StoreFailure::fault);
  assert_outcome(world.run().outcome, Outcome::success);
  assert_true(world.stored.empty());
}

void a_test_is_not_stored(void**) {
  World world;
  world.is_test = true;
  assert_outcome(stored(world).run().outcome, Outcome::success);
  assert_true(world.stored.empty());
}

void each_failure_has_its_outcome_cause_and_text(void**) {
  struct Row {
    StoreFailure failure;
    Outcome outcome;
    const char* cause;
  };
  constexpr Row kRows[] = {
      {StoreFailure::another_person, Outcome::not_permitted, "account-of-another-person"},
      {StoreFailure::locked, Outcome::not_permitted, "account-locked"},
      {StoreFailure::not_permitted, Outcome::not_permitted, "account-not-permitted"},
      {StoreFailure::fault, Outcome::failed, "account-not-stored"},
      {StoreFailure::unreachable, Outcome::failed, "accounts-unreachable"},
  };
  for (const Row& row : kRows) {
    World world;
    world.store_result = std::unexpected(row.failure);
    const sign_in::SignInResult result = stored(world).run();
    assert_outcome(result.outcome, row.outcome);
    assert_text(result.cause, row.cause);
    assert_text(result.notice.text, row.outcome == Outcome::failed ? prompts::ask_administrator()
                                                                   : prompts::not_permitted());
    assert_null(result.accepted.get());
    assert_int_equal(world.revoked.size(), world.pool.issued);
    // A refused sign-in pins nothing.
    assert_null(world.known.find("alice"));
  }
}

void without_a_program_that_stores_the_user_is_refused(void**) {
  World world;
  world.store_result.reset();
  stored(world);
  expect_closed(world, Outcome::failed, "accounts-unreachable");
}

void a_sign_in_that_is_refused_before_is_not_stored(void**) {
  World world;
  stored(world);
  world.pool.verified->groups = {"others"};
  expect_closed(world, Outcome::not_permitted, "access");
  world.next_sign_in();
  world.pool.verified->groups = {"linux-users"};
  world.pool.reply_tokens();
  world.person->answers = {"right password"};
  expect_closed(world, Outcome::not_permitted, "no-second-factor");
  assert_true(world.stored.empty());
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_full_sign_in_is_stored_once),
      cmocka_unit_test(a_local_user_is_not_stored),
      cmocka_unit_test(a_test_is_not_stored),
      cmocka_unit_test(each_failure_has_its_outcome_cause_and_text),
      cmocka_unit_test(without_a_program_that_stores_the_user_is_refused),
      cmocka_unit_test(a_sign_in_that_is_refused_before_is_not_stored),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
