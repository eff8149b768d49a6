#include <chrono>
#include <string>

#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// A caller with one prompt, a session of the user's, and a password that ends like a code.
namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using sessions::Session;
using sign_in::SignInResult;

constexpr const char* kLikeACode = "Tr0ub4dor+112233";

// A session at i3lock whose password itself ends like a code.
Session begin(World& world) {
  world.caller_is_root = false;
  world.service = "user";
  world.program = "i3lock";
  world.config->services["user"].reauth = policy::Reauth::password;
  world.origin = limits::Origin::of_uid(World::kAliceUid);
  Session session = world.new_session();
  session.verifier = world.verifier_of(kLikeACode);
  world.put(session);
  world.binding = sessions::Binding();
  return session;
}

void a_password_that_ends_like_a_code_is_tried_as_typed(void**) {
  World world;
  const Session session = begin(world);
  world.person->answers = {kLikeACode};
  const SignInResult unlocked = world.run();
  assert_outcome(unlocked.outcome, Outcome::success);
  assert_text(unlocked.cause, "session-password");
  assert_true(unlocked.reused == session.id);
  assert_true(world.pool.calls.empty());
  assert_int_equal(world.session_of(session.id).verifier->failures, 0);
  // No attempt was spent.
  for (int i = 0; i < 10; ++i) {
    world.next_sign_in();
    world.person->answers = {kLikeACode};
    assert_outcome(world.run().outcome, Outcome::success);
  }
  // With a code behind it, it is the password of a whole sign-in.
  world.next_sign_in();
  then_totp(world);
  world.person->answers = {std::string(kLikeACode) + "+654321"};
  assert_text(world.run().cause, "signed-in");
  assert_text(world.call("sign_in").password, kLikeACode);
}

// The pool is never asked for what the session says is the whole password.
void what_is_the_password_as_typed_is_never_split(void**) {
  World world;
  begin(world);
  world.clock.advance(world.config->session.revalidate + std::chrono::seconds(1));
  world.pool.fail("refresh", ErrorKind::not_authorized);
  world.person->answers = {kLikeACode};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::refused);
  assert_text(result.cause, "no-code-after-password");
  assert_int_equal(world.calls_of("sign_in"), 0);
}

// One guess is one attempt, although two passwords are tried.
void a_guess_that_ends_like_a_code_is_one_attempt_and_counts_at_the_session(void**) {
  World world;
  const Session session = begin(world);
  unsigned guesses = 0;
  for (; guesses < 20; ++guesses) {
    world.pool.reply_error(ErrorKind::not_authorized);
    world.person->answers = {"guess" + std::to_string(guesses) + "+112233"};
    const SignInResult result = world.run();
    if (result.cause == "failure-budget") break;
    assert_text(result.cause, "not-authorized");
    assert_int_equal(world.session_of(session.id).verifier->failures, guesses + 1);
    world.next_sign_in();
  }
  assert_in_range(guesses, 3, 5);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_password_that_ends_like_a_code_is_tried_as_typed),
      cmocka_unit_test(what_is_the_password_as_typed_is_never_split),
      cmocka_unit_test(a_guess_that_ends_like_a_code_is_one_attempt_and_counts_at_the_session),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
