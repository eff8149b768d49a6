#include <expected>
#include <string>
#include <string_view>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// Which users are accepted after the tokens have come, and that a refused user's tokens are
// revoked.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using sign_in::SignInResult;

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
  // mallory wrote preferred_username = alice: the pool resolves the name, and the tokens name
  // mallory.
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

// By the pool's own rule, which [access] states. Only the letters of ASCII are folded.
void case_counts_as_configured(void**) {
  struct Row {
    const char* username;  // the template of [access]
    bool by_email;
    const char* claim;
    bool exact;
    bool but_for_case;
  };
  const Row rows[] = {
      {"%u", false, "alice", true, true},
      {"%u", false, "Alice", false, true},
      {"%u", false, "ALICE", false, true},
      {"%u", false, "alicE ", false, false},
      {"%u", false, "a1ice", false, false},
      {"%u", false,
       "al\xc4\xb1"
       "ce",
       false, false},  // dotless i
      {"%u\xc3\xa4", false, "alice\xc3\x84", false, false},
      {"%u", false, "", false, false},
      {"%u@Example.com", true, "alice@example.com", false, true},
      {"%u@Example.com", true, "alice@Example.com", true, true},
      {"%u@example.com", true, "ALICE@EXAMPLE.COM", false, true},
      {"%u@example.com", true, "alice@examp1e.com", false, false},
      {"%u@example.com", true, "", false, false},
  };
  for (const Row& row : rows) {
    for (const bool case_sensitive : {true, false}) {
      World world;
      world.config->access.cognito_username = row.username;
      world.config->access.case_sensitive = case_sensitive;
      give_totp(world);
      if (row.by_email) {
        world.config->access.identity = policy::Identity::email;
        world.pool.verified->email = row.claim;
        world.pool.verified->email_verified = true;
      } else {
        world.pool.verified->username = row.claim;
      }
      if (case_sensitive ? row.exact : row.but_for_case) {
        assert_outcome(world.run().outcome, Outcome::success);
      } else {
        expect_refused(world, "identity");
      }
    }
  }
}

void an_address_that_is_not_verified_is_nobody_s_in_any_letters(void**) {
  World world;
  world.config->access.identity = policy::Identity::email;
  world.config->access.cognito_username = "%u@example.com";
  world.config->access.case_sensitive = false;
  give_totp(world);
  world.pool.verified->email = "Alice@Example.com";
  expect_refused(world, "identity");
}

// Both values, bounded and printable, and the key that decides.
void the_log_has_both_names(void**) {
  const auto detail_of = [](const char* claim, bool by_email) {
    World world;
    if (by_email) {
      world.config->access.identity = policy::Identity::email;
      world.config->access.cognito_username = "%u@Example.com";
      world.pool.verified->email = claim;
      world.pool.verified->email_verified = true;
    } else {
      world.pool.verified->username = claim;
    }
    give_totp(world);
    SignInResult result = world.run();
    assert_text(result.cause, "identity");
    return result.detail;
  };
  const std::string email = detail_of("alice@example.com", true);
  assert_true(email.contains("alice@example.com, not alice@Example.com"));
  assert_true(email.contains("case_sensitive = no"));
  const std::string other = detail_of("mallory", false);
  assert_true(other.contains("mallory (sub "));
  assert_true(other.ends_with(", not alice"));
  const std::string hostile = detail_of((std::string(5000, 'x') + "\x1b[2J\n").c_str(), false);
  assert_true(hostile.size() < 600);
  assert_false(detail_of("\x1b[2J\nalice", false).contains('\x1b'));
}

void an_email_identity_must_be_verified(void**) {
  World world;
  world.config->access.identity = policy::Identity::email;
  world.config->access.cognito_username = "%u@example.com";
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
  // A local password must not replace the second factor once Cognito has accepted the first.
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
      cmocka_unit_test(case_counts_as_configured),
      cmocka_unit_test(an_address_that_is_not_verified_is_nobody_s_in_any_letters),
      cmocka_unit_test(the_log_has_both_names),
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
