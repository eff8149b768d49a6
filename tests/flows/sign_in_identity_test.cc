#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/flows/scripted.h"

// Who gets in with tokens in hand, and what becomes of the tokens of those who do not.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using flows::SignInResult;

void give_totp(World& world) {
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
}

void expect_refused(World& world, std::string_view cause) {
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::not_permitted);
    assert_text(result.cause, cause);
    assert_null(result.accepted.get());
  }
  assert_int_equal(world.revoked.size(), 1);
}

void an_alias_that_leads_elsewhere_is_refused(void**) {
  // mallory wrote preferred_username = alice: the pool resolves the name, the tokens say who it
  // was.
  World world;
  give_totp(world);
  world.pool.verified->username = "mallory";
  expect_refused(world, "identity");
}

void the_user_name_matches_byte_for_byte(void**) {
  for (const char* name : {"Alice", "alice ", "", "alic", "alice\n"}) {
    World world;
    give_totp(world);
    world.pool.verified->username = name;
    expect_refused(world, "identity");
  }
}

void an_email_identity_must_be_verified(void**) {
  World world;
  world.config->access.identity = policy::Identity::email;
  world.config->access.username = "%u@example.com";
  give_totp(world);
  world.pool.verified->username = "0d3c7f3e-uuid";
  world.pool.verified->email = "alice@example.com";
  expect_refused(world, "identity");

  world.next_sign_in();
  give_totp(world);
  world.pool.verified->email_verified = true;
  world.pool.verified->email = "bob@example.com";
  expect_refused(world, "identity");

  world.next_sign_in();
  give_totp(world);
  world.pool.verified->email = "alice@example.com";
  assert_outcome(world.run().outcome, Outcome::success);
  assert_text(world.pool.calls[0].username, "alice@example.com");
}

void tokens_without_a_second_factor_are_refused(void**) {
  World world;
  world.pool.reply_tokens();
  expect_refused(world, "no-second-factor");
}

void tokens_without_a_second_factor_are_enough_where_policy_says_so(void**) {
  World world;
  world.config->mfa.require = false;
  world.pool.reply_tokens();
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_false(result.factor.has_value());
}

void nobody_is_let_in_by_default(void**) {
  World world;
  world.config->access.allow_groups.clear();
  give_totp(world);
  expect_refused(world, "access");
}

void a_user_outside_the_groups_is_refused(void**) {
  World world;
  give_totp(world);
  world.pool.verified->groups = {"linux-userz", "LINUX-USERS", ""};
  expect_refused(world, "access");
}

void a_service_narrows(void**) {
  World world;
  world.service = "sudo";
  world.config->services["sudo"].allow_groups = {"linux-admins"};
  give_totp(world);
  expect_refused(world, "access");

  world.next_sign_in();
  give_totp(world);
  world.pool.verified->groups = {"linux-admins"};  // both must hold
  expect_refused(world, "access");

  world.next_sign_in();
  give_totp(world);
  world.pool.verified->groups = {"linux-users", "linux-admins"};
  assert_outcome(world.run().outcome, Outcome::success);
}

void tokens_that_fail_verification_are_refused_and_revoked(void**) {
  World world;
  give_totp(world);
  world.pool.verified =
      std::unexpected(cognito::PoolError(cognito::ErrorKind::tokens_rejected, "alg none"));
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::failed);
    assert_false(result.notice.text.contains("alg"));
  }
  assert_int_equal(world.revoked.size(), 1);
}

void keys_that_cannot_be_fetched_are_not_unavailable(void**) {
  // A local password must not stand in for the second factor once Cognito has accepted the first.
  World world;
  give_totp(world);
  world.pool.verified = std::unexpected(cognito::PoolError(cognito::ErrorKind::not_connected));
  assert_outcome(world.run().outcome, Outcome::failed);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_alias_that_leads_elsewhere_is_refused),
      cmocka_unit_test(the_user_name_matches_byte_for_byte),
      cmocka_unit_test(an_email_identity_must_be_verified),
      cmocka_unit_test(tokens_without_a_second_factor_are_refused),
      cmocka_unit_test(tokens_without_a_second_factor_are_enough_where_policy_says_so),
      cmocka_unit_test(nobody_is_let_in_by_default),
      cmocka_unit_test(a_user_outside_the_groups_is_refused),
      cmocka_unit_test(a_service_narrows),
      cmocka_unit_test(tokens_that_fail_verification_are_refused_and_revoked),
      cmocka_unit_test(keys_that_cannot_be_fetched_are_not_unavailable),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
