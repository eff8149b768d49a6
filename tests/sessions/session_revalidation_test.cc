#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/sessions/keeper_world.h"

namespace pamcognito::test {
namespace {

using cognito::AccountVerdict;
using cognito::ErrorKind;
using std::chrono::minutes;
using std::chrono::seconds;
using Revoked = std::vector<std::string>;

const std::string& token_of_call(const KeeperWorld& world, std::size_t number) {
  std::size_t seen = 0;
  for (const PoolCall& call : world.pool.calls)
    if (call.operation == "refresh" && seen++ == number) return call.values.at("refresh_token");
  fail_msg("there was no such refresh");
  std::abort();
}

void yes_renews_it(void**) {
  KeeperWorld world;
  world.pin("alice", sub_of("alice"));
  const SignInId id = world.keep();
  const runtime::BootTime signed_in = world.clock.boot_time();
  world.clock.advance(minutes(10));
  world.pool.verified->groups = {"linux-users", "linux-admins"};
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  const auto session = world.keeper->find(id);
  assert_true(session->verified == world.clock.boot_time());
  assert_true(session->signed_in == signed_in);
  assert_int_equal(session->groups.size(), 2);
  assert_text(session->refresh_token, "refresh 1");
  assert_true(world.pool.calls[0].username == "alice");
  const sessions::KnownUser* known = world.known.find("alice");
  assert_int_equal(known->groups.size(), 2);
  assert_int_equal(known->verified_at, world.clock.wall_time());
}

// A slow answer describes the moment at which the pool was asked.
void it_is_as_old_as_the_question(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.clock.advance(minutes(10));
  const runtime::BootTime asked = world.clock.boot_time();
  world.hold("refresh");
  auto answer = world.start(world.keeper->revalidate(id, world.call()));
  world.clock.advance(seconds(3));
  world.release("refresh");
  assert_revalidation(answer.result->value(), AccountVerdict::good);
  assert_true(world.keeper->find(id)->verified == asked);
}

void a_rotated_token_takes_over(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.rotated_token = "rotated";
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  assert_text(world.keeper->find(id)->refresh_token, "rotated");
  world.pool.rotated_token = "again";
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  assert_text(token_of_call(world, 1), "rotated");
  assert_text(world.keeper->find(id)->refresh_token, "again");
}

// Before it is used for anything: a daemon that is killed now must not be left with the old one.
void it_is_stored_before_it_is_verified(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.rotated_token = "rotated";
  std::string stored;
  const auto verify = world.pool.on_verify;
  world.pool.on_verify = [&](const cognito::Tokens& tokens) {
    stored = world.store->find(id)->refresh_token;
    return verify(tokens);
  };
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  assert_text(stored, "rotated");
}

// The device's key goes along.
void a_device_is_named(void**) {
  KeeperWorld world;
  KeeperWorld::SignIn sign_in;
  sign_in.device_key = "eu-west-1_device";
  const SignInId id = world.keep(sign_in);
  world.drain();
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  assert_text(world.pool.calls.at(1).operation, "refresh");
  assert_text(world.pool.calls.at(1).values.at("device_key"), "eu-west-1_device");
}

// Two sudos at once with a rotating token: the second with the old one would be the end of both.
void two_at_once_make_one_call(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.rotated_token = "rotated";
  world.hold("refresh");
  cognito::CallTrace trace;
  auto first = world.start(world.keeper->revalidate(id, world.call()));
  auto second = world.start(world.keeper->access_token(id, {world.call().deadline, &trace}));
  world.drain();
  assert_false(first.result->has_value());
  world.release("refresh");
  assert_revalidation(first.result->value(), AccountVerdict::good);
  assert_text(second.result->value().value(), "access of alice");
  assert_int_equal(world.calls_of("refresh"), 1);
  assert_text(world.keeper->find(id)->refresh_token, "rotated");
  // Then a new one.
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  assert_int_equal(world.calls_of("refresh"), 2);
}

void a_caller_that_leaves_ends_no_question_of_other_callers(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.rotated_token = "rotated";
  world.hold("refresh");
  auto first = world.start(world.keeper->revalidate(id, world.call()));
  auto second = world.start(world.keeper->revalidate(id, world.call()));
  auto third = world.start(world.keeper->revalidate(id, world.call()));
  first.spawned.cancel();
  third.spawned.cancel();
  world.release("refresh");
  assert_false(first.result->has_value());
  assert_revalidation(second.result->value(), AccountVerdict::good);
  assert_int_equal(world.calls_of("refresh"), 1);
}

void nobody_waits_and_the_token_is_stored(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.rotated_token = "rotated";
  world.hold("refresh");
  auto gone = world.start(world.keeper->revalidate(id, world.call()));
  gone.spawned.cancel();
  world.release("refresh");
  assert_text(world.keeper->find(id)->refresh_token, "rotated");
}

void who_waits_too_long_has_heard_nothing(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.rotated_token = "rotated";
  world.hold("refresh");
  assert_revalidation(world.wait(world.keeper->revalidate(id, {world.clock.now()})),
                      AccountVerdict::undecided);
  auto patient = world.start(world.keeper->revalidate(id, world.call()));
  world.release("refresh");
  assert_revalidation(patient.result->value(), AccountVerdict::good);
  assert_int_equal(world.calls_of("refresh"), 1);
  assert_text(world.keeper->find(id)->refresh_token, "rotated");
}

// The pool has rotated, its answer was lost: within the grace period it takes the old one again.
void a_lost_answer_is_asked_for_again(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  for (const ErrorKind lost : {ErrorKind::timed_out, ErrorKind::connection_cut}) {
    world.pool.fail("refresh", lost);
    assert_revalidation(world.revalidate(id), AccountVerdict::undecided);
  }
  world.pool.rotated_token = "rotated";
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  assert_text(token_of_call(world, 2), "refresh 1");
  assert_text(world.keeper->find(id)->refresh_token, "rotated");
}

// And after it the pool refuses it.
void a_lost_answer_that_came_too_late_ends_it(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.fail("refresh", ErrorKind::timed_out);
  assert_revalidation(world.revalidate(id), AccountVerdict::undecided);
  world.pool.fail("refresh", ErrorKind::refresh_token_reuse);
  assert_revalidation(world.revalidate(id), AccountVerdict::session_over);
  assert_false(world.store->find(id).has_value());
}

void a_revoked_token_ends_one_session(void**) {
  KeeperWorld world;
  world.pin("alice", sub_of("alice"));
  const SignInId id = world.keep();
  const SignInId other = world.keep();
  world.pool.fail("refresh", ErrorKind::not_authorized);
  const auto token = world.wait(world.keeper->access_token(id, world.call()));
  assert_revalidation(token.error(), AccountVerdict::session_over);
  assert_false(world.store->find(id).has_value());
  assert_true(world.keeper->find(other).has_value());
  assert_true(world.known.find("alice")->account_status == sessions::AccountStatus::good);
  assert_revalidation(world.revalidate(id), AccountVerdict::session_over);
  assert_int_equal(world.calls_of("refresh"), 1);
}

void a_disabled_account_ends_all_of_its_sessions(void**) {
  for (const ErrorKind kind : {ErrorKind::user_disabled, ErrorKind::user_not_found}) {
    KeeperWorld world;
    world.pin("alice", sub_of("alice"));
    const SignInId id = world.keep();
    const SignInId other = world.keep();
    const SignInId bobs = world.keep_in_login(3, "bob");
    std::vector<std::string> reported;
    world.keeper->on_disabled([&](const std::string& user) { reported.push_back(user); });
    world.pool.fail("refresh", kind);
    assert_revalidation(world.revalidate(id), AccountVerdict::disabled);
    world.drain();
    assert_true(reported == std::vector<std::string>{"alice"});
    assert_false(world.store->find(id).has_value());
    assert_false(world.store->find(other).has_value());
    assert_true(world.keeper->find(bobs).has_value());
    assert_true(world.known.find("alice")->account_status == sessions::AccountStatus::disabled);
    // Or they would live again with the account.
    assert_true((world.revoked() == Revoked{"refresh 1", "refresh 2"}));
  }
}

void none_counts_of_an_account_that_was_disabled(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.known.set_account_status("alice", sessions::AccountStatus::disabled);
  assert_true(world.keeper->sessions_of("alice").empty());
  assert_revalidation(world.revalidate(id), AccountVerdict::session_over);
  assert_true(world.known.find("alice")->account_status == sessions::AccountStatus::disabled);
  // Nor does a sign-in that was on its way.
  (void)world.keep();
  assert_true(world.keeper->sessions_of("alice").empty());
  assert_int_equal(world.not_taken.size(), 1);
}

void a_demanded_reset_ends_it(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.fail("refresh", ErrorKind::password_reset_required);
  assert_revalidation(world.revalidate(id), AccountVerdict::reset_required);
  assert_false(world.store->find(id).has_value());
}

void every_error_has_its_verdict(void**) {
  const std::map<ErrorKind, AccountVerdict> words = {
      {ErrorKind::user_disabled, AccountVerdict::disabled},
      {ErrorKind::user_not_found, AccountVerdict::disabled},
      {ErrorKind::password_reset_required, AccountVerdict::reset_required},
      {ErrorKind::not_authorized, AccountVerdict::session_over},
      {ErrorKind::refresh_token_reuse, AccountVerdict::session_over},
      {ErrorKind::unsupported_token_type, AccountVerdict::session_over},
      {ErrorKind::user_not_confirmed, AccountVerdict::session_over},
      {ErrorKind::user_lambda_validation, AccountVerdict::session_over},
      {ErrorKind::blocked_by_risk, AccountVerdict::session_over},
      {ErrorKind::temporary_password_expired, AccountVerdict::session_over},
      {ErrorKind::unreachable, AccountVerdict::unreachable}};
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    const auto word = words.find(kind);
    const AccountVerdict expected = word != words.end() ? word->second : AccountVerdict::undecided;
    KeeperWorld world;
    const SignInId id = world.keep();
    const runtime::BootTime verified = world.clock.boot_time();
    world.clock.advance(minutes(10));
    world.pool.fail("refresh", kind);
    assert_revalidation(world.revalidate(id), expected);
    const bool stays =
        expected == AccountVerdict::unreachable || expected == AccountVerdict::undecided;
    assert_int_equal(world.keeper->find(id).has_value(), stays);
    if (stays) assert_true(world.keeper->find(id)->verified == verified);
  }
}

// The pool has handed tokens out, but they prove nothing: the session stays, and the user is
// refused.
void tokens_that_cannot_be_verified(void**) {
  for (const auto& [kind, expected] :
       std::map<ErrorKind, AccountVerdict>{{ErrorKind::tokens_rejected, AccountVerdict::undecided},
                                           {ErrorKind::bad_response, AccountVerdict::undecided},
                                           {ErrorKind::not_authorized, AccountVerdict::undecided},
                                           {ErrorKind::not_connected, AccountVerdict::undecided},
                                           {ErrorKind::unreachable, AccountVerdict::unreachable}}) {
    KeeperWorld world;
    const SignInId id = world.keep();
    const runtime::BootTime verified = world.clock.boot_time();
    world.clock.advance(minutes(10));
    world.pool.rotated_token = "rotated";
    world.pool.verified = std::unexpected(cognito::PoolError(kind));
    const auto token = world.wait(world.keeper->access_token(id, world.call()));
    assert_revalidation(token.error(), expected);
    assert_true(world.keeper->find(id)->verified == verified);
    assert_text(world.keeper->find(id)->refresh_token, "rotated");
  }
}

void another_account_ends_it(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.verified->sub = "another sub";
  assert_revalidation(world.revalidate(id), AccountVerdict::session_over);
  assert_false(world.store->find(id).has_value());
}

void none_counts_that_is_not_the_pinned_one(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  assert_true(world.wait(world.known.pin("alice", "pinned-since", sessions::PinnedBy::root, 1))
                  .has_value());
  assert_revalidation(world.revalidate(id), AccountVerdict::session_over);
  assert_false(world.keeper->find(id).has_value());
  assert_int_equal(world.calls_of("refresh"), 0);
}

void a_lost_group_ends_it(void**) {
  KeeperWorld world;
  world.pin("alice", sub_of("alice"));
  world.config->services["sudo"].allow_groups = {"linux-admins"};
  const SignInId id = world.keep();
  // A group that only one service requires is checked for that service.
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
  world.pool.rotated_token = "rotated";
  world.pool.verified->groups = {"others"};
  assert_revalidation(world.revalidate(id), AccountVerdict::session_over);
  world.drain();
  assert_false(world.store->find(id).has_value());
  assert_true((world.revoked() == Revoked{"rotated"}));
  // The account phase knows it too.
  assert_text(world.known.find("alice")->groups.at(0), "others");
}

void ended_while_the_pool_is_asked(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.pool.rotated_token = "rotated";
  world.hold("refresh");
  auto answer = world.start(world.keeper->revalidate(id, world.call()));
  world.keeper->end(id, "signed-out");
  world.release("refresh");
  assert_revalidation(answer.result->value(), AccountVerdict::session_over);
  assert_false(world.store->find(id).has_value());
  // The new token must not outlive it.
  assert_true((world.revoked() == Revoked{"refresh 1", "rotated"}));
}

void what_changes_meanwhile_is_kept(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.hold("refresh");
  auto answer = world.start(world.keeper->revalidate(id, world.call()));
  assert_true(world.keeper->open_login(id, "alice", login(1)));
  world.release("refresh");
  assert_revalidation(answer.result->value(), AccountVerdict::good);
  assert_true(world.keeper->find(id)->login_open);
}

void a_reload_meanwhile(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.hold("refresh");
  auto answer = world.start(world.keeper->revalidate(id, world.call()));
  ScriptedPool other(world.clock);
  auto config = std::make_shared<policy::Config>(*world.config);
  config->pool.client_id = "another client";
  world.keeper->configure(config, {std::shared_ptr<void>(), &other});
  world.release("refresh");
  assert_revalidation(answer.result->value(), AccountVerdict::session_over);
  assert_true(other.calls.empty());
}

void a_keeper_that_goes_takes_its_calls_along(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.hold("refresh");
  {
    auto answer = world.start(world.keeper->revalidate(id, world.call()));
    answer.spawned.cancel();
  }
  world.keeper.reset();
  world.release("refresh");
  assert_true(world.store->find(id).has_value());
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(yes_renews_it),
      cmocka_unit_test(it_is_as_old_as_the_question),
      cmocka_unit_test(a_rotated_token_takes_over),
      cmocka_unit_test(it_is_stored_before_it_is_verified),
      cmocka_unit_test(a_device_is_named),
      cmocka_unit_test(two_at_once_make_one_call),
      cmocka_unit_test(a_caller_that_leaves_ends_no_question_of_other_callers),
      cmocka_unit_test(nobody_waits_and_the_token_is_stored),
      cmocka_unit_test(who_waits_too_long_has_heard_nothing),
      cmocka_unit_test(a_lost_answer_is_asked_for_again),
      cmocka_unit_test(a_lost_answer_that_came_too_late_ends_it),
      cmocka_unit_test(a_revoked_token_ends_one_session),
      cmocka_unit_test(a_disabled_account_ends_all_of_its_sessions),
      cmocka_unit_test(none_counts_of_an_account_that_was_disabled),
      cmocka_unit_test(a_demanded_reset_ends_it),
      cmocka_unit_test(every_error_has_its_verdict),
      cmocka_unit_test(tokens_that_cannot_be_verified),
      cmocka_unit_test(another_account_ends_it),
      cmocka_unit_test(none_counts_that_is_not_the_pinned_one),
      cmocka_unit_test(a_lost_group_ends_it),
      cmocka_unit_test(ended_while_the_pool_is_asked),
      cmocka_unit_test(what_changes_meanwhile_is_kept),
      cmocka_unit_test(a_reload_meanwhile),
      cmocka_unit_test(a_keeper_that_goes_takes_its_calls_along),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
