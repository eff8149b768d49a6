#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/prompts/texts.h"
#include "daemon/runtime/metrics.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scripted.h"

// When a session replaces a sign-in: whose, for which caller, for how long, and how the sign-in
// goes on if it does not. policy's table has the verdicts (reauth_test.cc).
namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using policy::Reauth;
using sessions::Binding;
using sessions::Session;
using sign_in::SignInResult;
using namespace std::chrono_literals;

constexpr char kTyped[] = "right password";

// alice has signed in to this login with TOTP, and now runs sudo.
Session begin(World& world, Reauth mode) {
  world.service = "sudo";
  world.origin = limits::Origin::of_uid(World::kAliceUid);
  world.config->services["sudo"].reauth = mode;
  Session session = world.new_session();
  if (mode == Reauth::password) session.verifier = world.verifier_of(kTyped);
  world.put(session);
  world.person->answers.clear();
  if (mode == Reauth::password) world.person->answers = {kTyped};
  return session;
}

void become_stale(World& world) {
  world.clock.advance(world.config->session.revalidate + 1s);
}

void expect_reused(World& world, const Session& session, std::string_view cause) {
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, cause);
  assert_true(result.reused == session.id);
  assert_true(result.factor == session.factor);
  assert_null(result.accepted.get());
  assert_true(world.person->answers.empty());
}

// A sign-in as if there were no session: the pool judges the password, and asks for the code.
void expect_full(World& world) {
  then_totp(world);
  if (world.person->answers.empty()) world.person->answers = {kTyped};
  world.person->answers.push_back("123456");
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "signed-in");
  assert_false(result.reused.has_value());
  assert_non_null(result.accepted.get());
  assert_int_equal(world.calls_of("sign_in"), 1);
  assert_text(world.call("sign_in").password, kTyped);
  // The password was asked for once.
  assert_int_equal(std::ranges::count(world.person->purposes, Purpose::password), 1);
}

double counted(std::string_view kind, std::string_view reason) {
  for (const runtime::Sample& sample : runtime::metrics().samples()) {
    if (sample.name == "pam_cognito_reauthentications_total" && sample.labels.at("kind") == kind &&
        sample.labels.at("reason") == reason)
      return sample.value;
  }
  return 0;
}

void none_asks_nobody_while_the_session_is_fresh(void**) {
  World world;
  const Session session = begin(world, Reauth::none);
  const double before = counted("none", "fresh");
  expect_reused(world, session, "session");
  assert_true(world.person->prompts.empty());
  assert_text(world.operations(), "");
  assert_int_equal(world.pool.prewarmed, 0);
  assert_true(counted("none", "fresh") == before + 1);
}

void a_stale_session_counts_after_the_pool_was_asked(void**) {
  World world;
  const Session session = begin(world, Reauth::none);
  become_stale(world);
  expect_reused(world, session, "session");
  assert_true(world.person->prompts.empty());
  assert_text(world.operations(), "refresh, verify");
  // The next sign-in does not ask the pool.
  world.pool.calls.clear();
  expect_reused(world, session, "session");
  assert_text(world.operations(), "");
}

void the_password_is_that_of_the_session(void**) {
  World world;
  const Session session = begin(world, Reauth::password);
  expect_reused(world, session, "session-password");
  assert_int_equal(world.person->prompts.size(), 1);
  assert_text(world.person->prompts[0], prompts::password());
  assert_true(world.person->purposes[0] == Purpose::password);
  assert_text(world.operations(), "");
}

void a_stale_session_is_asked_for_after_the_password(void**) {
  World world;
  const Session session = begin(world, Reauth::password);
  become_stale(world);
  world.person->before_answer = [&world] { assert_true(world.pool.calls.empty()); };
  expect_reused(world, session, "session-password");
  assert_text(world.operations(), "refresh, verify");
}

void a_wrong_password_is_refused_and_counts(void**) {
  World world;
  const Session session = begin(world, Reauth::password);
  for (unsigned tries = 0; tries < world.config->limits.failures; ++tries) {
    world.person->answers = {"wrong password"};
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::refused);
    assert_text(result.cause, "session-wrong-password");
    assert_text(result.notice.text, prompts::refused());
  }
  // It takes from the budget that sign-ins use too.
  world.person->answers = {kTyped};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::tries_exhausted);
  assert_text(result.cause, "failure-budget");
  assert_text(world.operations(), "");
  assert_int_equal(world.session_of(session.id).verifier->failures, 4);
}

void a_right_password_costs_no_attempt(void**) {
  World world;
  const Session session = begin(world, Reauth::password);
  for (unsigned tries = 0; tries <= world.config->limits.failures; ++tries) {
    world.person->answers = {kTyped};
    expect_reused(world, session, "session-password");
  }
}

void what_no_person_types_is_not_checked(void**) {
  for (const char* typed : {"", "\x08\n\r\x7fINCORRECT"}) {
    World world;
    const Session session = begin(world, Reauth::password);
    world.person->answers = {typed};
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::refused);
    assert_text(result.cause, "not-a-password");
    assert_int_equal(world.session_of(session.id).verifier->failures, 0);
    assert_text(world.operations(), "");
  }
}

void an_empty_password_may_still_lead_to_a_reset(void**) {
  World world;
  begin(world, Reauth::password);
  world.config->password.self_service = true;
  world.person->answers = {"", "no"};
  assert_text(world.run().cause, "no-password");
  assert_text(world.person->prompts.at(1), prompts::forgot_password_question());
}

void a_password_that_cannot_be_checked_here_goes_to_the_pool(void**) {
  World world;
  Session session = begin(world, Reauth::password);
  world.person->before_answer = [&world, &session] {
    session.verifier.reset();
    world.put(session);
  };
  expect_full(world);
}

void a_session_that_ends_while_a_prompt_is_open_counts_no_more(void**) {
  World world;
  const Session session = begin(world, Reauth::password);
  world.person->before_answer = [&world, &session] { (void)world.keeper->end(session.id, "test"); };
  expect_full(world);
}

void a_factor_that_grows_too_old_while_a_prompt_is_open_counts_no_more(void**) {
  World world;
  begin(world, Reauth::password);
  world.person->before_answer = [&world] {
    if (world.person->prompts.size() == 1) world.clock.advance(2h);
  };
  expect_full(world);
}

// The pool's word, where the session is stale.
struct Word {
  const char* row;
  ErrorKind error;
  std::chrono::seconds grace;
  bool reused;
  bool session_stays;
};

constexpr Word kWords[] = {
    {"disabled", ErrorKind::user_disabled, 4h, false, false},
    {"deleted", ErrorKind::user_not_found, 4h, false, false},
    {"revoked", ErrorKind::not_authorized, 4h, false, false},
    {"password to be reset", ErrorKind::password_reset_required, 4h, false, false},
    {"throttled", ErrorKind::too_many_requests, 4h, false, true},
    {"a shortage here", ErrorKind::local_shortage, 4h, false, true},
    {"locked by a stranger", ErrorKind::attempts_exceeded, 4h, false, true},
    {"an answer that is none", ErrorKind::bad_response, 4h, false, true},
    {"unreachable, no grace", ErrorKind::unreachable, 0s, false, true},
    {"no answer, no grace", ErrorKind::timed_out, 0s, false, true},
    {"unreachable within grace", ErrorKind::unreachable, 4h, true, true},
    {"no answer within grace", ErrorKind::timed_out, 4h, false, true},
    {"no connection within grace", ErrorKind::not_connected, 4h, false, true},
};

void the_pools_word(void** state) {
  const auto& word = row_of<Word>(state);
  for (const Reauth mode : {Reauth::none, Reauth::password}) {
    World world;
    const Session session = begin(world, mode);
    world.config->session.unreachable_grace = word.grace;
    become_stale(world);
    world.pool.fail("refresh", word.error);
    if (word.reused)
      expect_reused(world, session, mode == Reauth::none ? "session" : "session-password");
    else
      expect_full(world);
    assert_true(world.store->find(session.id).has_value() == word.session_stays);
  }
}

void grace_ends(void**) {
  World world;
  begin(world, Reauth::none);
  world.config->services["sudo"].mfa_max_age = 12h;
  world.config->session.unreachable_grace = 4h;
  world.clock.advance(4h + world.config->session.revalidate + 1s);
  world.pool.fail("refresh", ErrorKind::unreachable);
  expect_full(world);
}

// A sign-in, a session, and the reason for which the session does not replace the sign-in.
struct Reason {
  const char* row;
  void (*change)(World& world, Session& session);
};

constexpr Reason kReasons[] = {
    {"the service wants a full sign-in",
     [](World& world, Session&) { world.config->services["sudo"].reauth = Reauth::full; }},
    {"the configuration says nothing",
     [](World& world, Session&) { world.config->services.clear(); }},
    {"su inside another's login: the module sees no login of the user's own",
     [](World& world, Session&) { world.binding = Binding(); }},
    {"another login of the same user",
     [](World& world, Session&) { world.binding.audit_session = 8; }},
    {"a login of somebody else", [](World& world, Session&) { world.binding.login_uid = 1002; }},
    {"no audit session",
     [](World& world, Session&) { world.binding.audit_session = Binding::kUnset; }},
    {"a session of a process under user@.service",
     [](World&, Session& session) { session.binding = Binding(); }},
    {"neither belongs to a login",
     [](World& world, Session& session) { world.binding = session.binding = Binding(); }},
    {"the factor is too old", [](World& world, Session&) { world.clock.advance(1h); }},
    {"the session is from after now: another boot's clock",
     [](World& world, Session& session) { session.signed_in = world.clock.boot_time() + 1min; }},
    {"no factor was given", [](World&, Session& session) { session.factor.reset(); }},
    {"the factor is no longer accepted",
     [](World&, Session& session) { session.factor = cognito::Method::custom; }},
    {"the session's groups do not permit the service",
     [](World&, Session& session) { session.groups = {"others"}; }},
    {"the session is older than its lifetime",
     [](World& world, Session&) {
       world.config->services["sudo"].mfa_max_age = 24h;
       world.clock.advance(13h);
     }},
    {"the session is of another user", [](World&, Session& session) { session.user = "bob"; }},
    {"the session is of another pool", [](World&, Session& session) { ++session.pool; }},
    {"the session is of another account than the pin",
     [](World&, Session& session) { session.sub = "5e7b1c2a-0000-4000-8000-00000000000f"; }},
    {"the account is disabled, as another session's revalidation found",
     [](World& world, Session&) {
       world.known.set_account_status("alice", sessions::AccountStatus::disabled);
     }},
    {"there is no verifier",
     [](World& world, Session& session) {
       world.config->services["sudo"].reauth = Reauth::password;
       session.verifier.reset();
     }},
};

void a_full_sign_in(void** state) {
  const auto& reason = row_of<Reason>(state);
  for (const Reauth mode : {Reauth::none, Reauth::password}) {
    World world;
    Session session = begin(world, mode);
    reason.change(world, session);
    if (session.user == "alice")
      world.put(session);
    else
      world.store->erase(session.id);
    if (session.user != "alice" && !world.store->put(session)) std::abort();
    expect_full(world);
  }
}

void a_caller_with_one_prompt_signs_in_in_full(void**) {
  World world;
  begin(world, Reauth::password);
  world.config->services["sudo"].single_prompt = true;
  then_totp(world);
  world.person->answers = {"right password+123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_non_null(result.accepted.get());
}

void make_locker(World& world) {
  world.caller_is_root = false;
  world.service = "user";
  world.program = "i3lock";
  world.config->services["user"].reauth = Reauth::password;
  // By the table i3lock has one prompt; other lockers have many.
  world.config->services["i3lock"].single_prompt = false;
  world.binding = Binding();
}

// i3lock in a session of alice's, as the table of services has it.
Session begin_at_i3lock(World& world) {
  Session session = begin(world, Reauth::password);
  make_locker(world);
  world.config->services["i3lock"].single_prompt.reset();
  return session;
}

void a_locker_with_one_prompt_takes_the_password_of_the_session(void**) {
  World world;
  const Session session = begin_at_i3lock(world);
  expect_reused(world, session, "session-password");
  assert_int_equal(world.person->prompts.size(), 1);
  assert_true(world.person->purposes[0] == Purpose::password_and_code);
}

void a_locker_with_one_prompt_takes_a_code_as_well(void**) {
  World world;
  begin_at_i3lock(world);
  then_totp(world);
  world.person->answers = {std::string(kTyped) + "+123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "signed-in");
  assert_text(world.call("sign_in").password, kTyped);
}

void a_wrong_password_in_the_only_prompt_is_refused_here(void**) {
  World world;
  begin_at_i3lock(world);
  world.person->answers = {"wrong password"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::refused);
  assert_text(result.cause, "session-wrong-password");
  assert_true(world.pool.calls.empty());
}

// The pool would send a code that this caller has no prompt for.
void a_session_that_is_over_makes_no_sign_in_of_the_only_answer(void**) {
  World world;
  begin_at_i3lock(world);
  become_stale(world);
  world.pool.fail("refresh", ErrorKind::not_authorized);
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::refused);
  assert_text(result.cause, "no-code-after-password");
  assert_int_equal(world.calls_of("sign_in"), 0);
  assert_int_equal(world.person->prompts.size(), 1);
}

void a_change_of_the_password_wants_a_full_sign_in(void**) {
  World world;
  begin(world, Reauth::none);
  world.goal = sign_in::Goal::change_password;
  then_totp(world);
  world.person->answers = {kTyped, "123456", "new password", "new password"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "password-changed");
  assert_int_equal(world.calls_of("sign_in"), 1);
}

void groups_that_the_pool_took_away_count_at_once(void**) {
  World world;
  begin(world, Reauth::none);
  become_stale(world);
  world.config->services["sudo"].allow_groups = {"linux-users"};
  world.config->access.allow_groups = {"linux-users", "others"};
  world.pool.verified->groups = {"others"};
  then_totp(world);
  world.person->answers = {kTyped, "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::not_permitted);
  assert_text(world.operations(), "refresh, verify, sign_in, respond SOFTWARE_TOKEN_MFA, verify");
}

void of_two_sessions_the_one_that_will_do_counts(void**) {
  World world;
  const Session of_this_login = begin(world, Reauth::none);
  world.clock.advance(1min);
  Session newer = world.new_session();
  newer.binding.audit_session = 8;
  world.put(newer);
  expect_reused(world, of_this_login, "session");
}

void a_locker_unlocks_with_the_password_of_any_session(void**) {
  World world;
  const Session session = begin(world, Reauth::password);
  make_locker(world);
  expect_reused(world, session, "session-password");
}

void a_lockers_password_creates_nothing(void**) {
  World world;
  const Session session = begin(world, Reauth::password);
  make_locker(world);
  world.clock.advance(1min);
  expect_reused(world, session, "session-password");
  assert_int_equal(world.store->size(), 1);
  const Session after = world.session_of(session.id);
  assert_true(after.signed_in == session.signed_in);
  assert_true(after.binding.audit_session == session.binding.audit_session);
  assert_text(after.service, session.service);
}

void a_locker_is_never_unlocked_without_a_word(void**) {
  World world;
  begin(world, Reauth::none);
  make_locker(world);
  world.config->services["user"].reauth = Reauth::none;
  expect_full(world);
}

void a_sign_in_without_any_session_is_full(void**) {
  World world;
  const Session session = begin(world, Reauth::none);
  (void)world.keeper->end(session.id, "test");
  expect_full(world);
}

// The verifier for the next sign-in is made of the password that goes with the tokens.
void the_password_of_a_sign_in_goes_along_where_a_verifier_is_wanted(void**) {
  for (const Reauth mode : {Reauth::none, Reauth::password}) {
    World world;
    world.config->services["sudo"].reauth = mode;
    then_totp(world);
    world.person->answers.push_back("123456");
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::success);
    assert_text(result.accepted->password.reveal(), mode == Reauth::password ? kTyped : "");
  }
}

void it_is_the_new_one_after_a_change(void**) {
  World world;
  world.config->services["sudo"].reauth = Reauth::password;
  world.pool.reply_challenge(cognito::ChallengeName::new_password_required);
  then_totp(world);
  world.person->answers = {"temporary", "new password", "new password", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.accepted->password.reveal(), "new password");
}

void an_answer_of_the_pools_own_is_no_password(void**) {
  World world;
  world.config->services["sudo"].reauth = Reauth::password;
  world.config->pool.auth_flow = cognito::AuthFlow::custom;
  world.pool.reply_challenge(cognito::ChallengeName::custom_challenge);
  then_totp(world);
  world.person->answers = {"right answer", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_true(result.accepted->password.empty());
}

// Each way to a new password forgets what was known of the old one.
struct Way {
  const char* row;
  void (*prepare)(World& world);
};

constexpr Way kWays[] = {
    {"passwd",
     [](World& world) {
       world.goal = sign_in::Goal::change_password;
       then_totp(world);
       world.person->answers = {kTyped, "123456", "new password", "new password"};
     }},
    {"a forced change",
     [](World& world) {
       world.pool.reply_challenge(cognito::ChallengeName::new_password_required);
       then_totp(world);
       world.person->answers = {kTyped, "new password", "new password", "123456"};
     }},
    {"a reset",
     [](World& world) {
       world.pool.reply_error(ErrorKind::password_reset_required);
       then_totp(world);
       world.person->answers = {kTyped, "4711", "new password", "new password", "123456"};
     }},
};

void a_new_password_ends_the_old_verifiers(void** state) {
  World world;
  const Session session = begin(world, Reauth::password);
  world.service = "sshd";
  row_of<Way>(state).prepare(world);
  assert_outcome(world.run().outcome, Outcome::success);
  assert_false(world.session_of(session.id).verifier.has_value());
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  tests.add({
      cmocka_unit_test(none_asks_nobody_while_the_session_is_fresh),
      cmocka_unit_test(a_stale_session_counts_after_the_pool_was_asked),
      cmocka_unit_test(the_password_is_that_of_the_session),
      cmocka_unit_test(a_stale_session_is_asked_for_after_the_password),
      cmocka_unit_test(a_wrong_password_is_refused_and_counts),
      cmocka_unit_test(a_right_password_costs_no_attempt),
      cmocka_unit_test(what_no_person_types_is_not_checked),
      cmocka_unit_test(an_empty_password_may_still_lead_to_a_reset),
      cmocka_unit_test(a_password_that_cannot_be_checked_here_goes_to_the_pool),
      cmocka_unit_test(a_session_that_ends_while_a_prompt_is_open_counts_no_more),
      cmocka_unit_test(a_factor_that_grows_too_old_while_a_prompt_is_open_counts_no_more),
      cmocka_unit_test(grace_ends),
      cmocka_unit_test(a_caller_with_one_prompt_signs_in_in_full),
      cmocka_unit_test(a_locker_with_one_prompt_takes_the_password_of_the_session),
      cmocka_unit_test(a_locker_with_one_prompt_takes_a_code_as_well),
      cmocka_unit_test(a_wrong_password_in_the_only_prompt_is_refused_here),
      cmocka_unit_test(a_session_that_is_over_makes_no_sign_in_of_the_only_answer),
      cmocka_unit_test(a_change_of_the_password_wants_a_full_sign_in),
      cmocka_unit_test(groups_that_the_pool_took_away_count_at_once),
      cmocka_unit_test(of_two_sessions_the_one_that_will_do_counts),
      cmocka_unit_test(a_locker_unlocks_with_the_password_of_any_session),
      cmocka_unit_test(a_lockers_password_creates_nothing),
      cmocka_unit_test(a_locker_is_never_unlocked_without_a_word),
      cmocka_unit_test(a_sign_in_without_any_session_is_full),
      cmocka_unit_test(the_password_of_a_sign_in_goes_along_where_a_verifier_is_wanted),
      cmocka_unit_test(it_is_the_new_one_after_a_change),
      cmocka_unit_test(an_answer_of_the_pools_own_is_no_password),
  });
  for (const Word& word : kWords)
    tests.add(std::string("a stale session, and the pool's word: ") + word.row, the_pools_word,
              word);
  for (const Reason& reason : kReasons)
    tests.add(std::string("a full sign-in: ") + reason.row, a_full_sign_in, reason);
  for (const Way& way : kWays)
    tests.add(std::string("a new password ends the old verifiers: ") + way.row,
              a_new_password_ends_the_old_verifiers, way);
  return tests.run("reauthenticate");
}
