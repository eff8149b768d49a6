#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/enrolling.h"
#include "tests/sign_in/scripted.h"

// A user whom no local file names signs in only if cognitod-accounts has stored it.
namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
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

// The claim of the verified ID token, as it is.
void ssh_keys_go_with_the_sign_in(void**) {
  // {"alg":"RS256","kid":"k"} and {"iss":"i","custom:keys":"ssh-ed25519 AAAA, x"}
  constexpr char kToken[] =
      "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ."
      "eyJpc3MiOiJpIiwiY3VzdG9tOmtleXMiOiJzc2gtZWQyNTUxOSBBQUFBLCB4In0.AAAA";
  struct Row {
    const char* attribute;
    const char* token;
    const char* keys;
  };
  for (const Row& row :
       {Row{"custom:keys", kToken, " keys=ssh-ed25519 AAAA, x"}, Row{"", kToken, ""},
        Row{"custom:other", kToken, ""}, Row{"custom:keys", "no token", ""}}) {
    World world;
    world.attributes.ssh_keys = row.attribute;
    world.pool.id_token = row.token;
    stored(world);
    assert_outcome(world.run().outcome, Outcome::success);
    assert_int_equal(world.stored.size(), 1);
    assert_text(world.stored[0], std::string(kStored) + row.keys);
  }
}

// A claim of custom attributes is a text, of numbers, too.
void the_uid_goes_with_the_sign_in(void**) {
  struct Row {
    const char* claims;  // in base64url
    const char* uid;
  };
  for (const Row& row : {
           Row{"eyJpc3MiOiJpIiwiY3VzdG9tOnVpZCI6IjE4NzkwNTAwMDAifQ",
               " uid=1879050000"},                                          // "1879050000"
           Row{"eyJpc3MiOiJpIiwiY3VzdG9tOnVpZCI6IjE4NzkwNTAwMDAgIn0", ""},  // with a blank
           Row{"eyJpc3MiOiJpIiwiY3VzdG9tOnVpZCI6Ii0xIn0", ""},              // "-1"
           Row{"eyJpc3MiOiJpIiwiY3VzdG9tOnVpZCI6IjQyOTQ5NjcyOTYifQ", ""},   // "4294967296"
           Row{"eyJpc3MiOiJpIiwiY3VzdG9tOnVpZCI6IiJ9", ""},                 // ""
           Row{"eyJpc3MiOiJpIn0", ""},                                      // {}
       }) {
    World world;
    world.attributes.uid = "custom:uid";
    world.pool.id_token = std::string("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.") + row.claims + ".AAAA";
    stored(world);
    assert_outcome(world.run().outcome, Outcome::success);
    assert_text(world.stored.at(0), std::string(kStored) + row.uid);
  }
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

std::vector<std::string> disabled_after(ErrorKind kind, bool has_stored_account, bool is_test) {
  World world;
  world.has_stored_account = has_stored_account;
  world.is_test = is_test;
  world.pool.reply_error(kind);
  world.person->answers = {"right password"};
  assert_outcome(world.run().outcome, Outcome::refused);
  assert_int_equal(world.pool.issued, 0);
  return world.disabled;
}

// "user-not-found" may be the answer of another pool, which the configuration names by mistake.
void a_disabled_user_is_reported(void**) {
  assert_true(disabled_after(ErrorKind::user_disabled, true, false) ==
              std::vector<std::string>{"alice"});
  for (const ErrorKind kind : {ErrorKind::user_not_found, ErrorKind::not_authorized})
    assert_true(disabled_after(kind, true, false).empty());
  assert_true(disabled_after(ErrorKind::user_disabled, false, false).empty());
  assert_true(disabled_after(ErrorKind::user_disabled, true, true).empty());
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_full_sign_in_is_stored_once),
      cmocka_unit_test(ssh_keys_go_with_the_sign_in),
      cmocka_unit_test(the_uid_goes_with_the_sign_in),
      cmocka_unit_test(a_local_user_is_not_stored),
      cmocka_unit_test(a_test_is_not_stored),
      cmocka_unit_test(each_failure_has_its_outcome_cause_and_text),
      cmocka_unit_test(without_a_program_that_stores_the_user_is_refused),
      cmocka_unit_test(a_sign_in_that_is_refused_before_is_not_stored),
      cmocka_unit_test(a_disabled_user_is_reported),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
