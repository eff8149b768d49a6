#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/sessions/keeper_world.h"

namespace pamcognito::test {
namespace {

using sessions::Session;
using sessions::SessionStore;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Revoked = std::vector<std::string>;

KeeperWorld::SignIn by(const std::string& service, std::optional<sessions::Binding> binding = {}) {
  KeeperWorld::SignIn sign_in;
  sign_in.service = service;
  sign_in.binding = binding;
  return sign_in;
}

void a_sign_in_is_kept(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  const std::optional<Session> session = world.keeper->find(id);
  assert_text(session->user, "alice");
  assert_text(session->sub, sub_of("alice"));
  assert_text(session->cognito_name, "alice");
  assert_text(session->service, "sshd");
  assert_text(session->origin, "192.0.2.7");
  assert_text(session->refresh_token, "refresh 1");
  assert_true(session->factor == cognito::Method::totp);
  assert_true(session->signed_in == world.clock.boot_time());
  assert_true(session->verified == world.clock.boot_time());
  assert_false(session->login_open);
  assert_false(session->verifier.has_value());
  assert_true(world.not_taken.empty());
  assert_true(world.pool.calls.empty());
  assert_int_equal(world.keeper->sessions_of("alice").size(), 1);
  assert_int_equal(world.keeper->sessions_of("bob").size(), 0);
  assert_int_equal(world.keeper->all().size(), 1);
}

void what_is_not_kept_is_revoked(void**) {
  KeeperWorld world;
  world.config->session.lifetime = seconds(0);
  world.configure();
  world.keep();
  world.config->session.lifetime = hours(12);
  world.keeper->configure(nullptr, nullptr);
  world.keep();
  world.configure();
  KeeperWorld::SignIn of_another_pool;
  of_another_pool.pool = 12345;
  world.keep(of_another_pool);
  KeeperWorld::SignIn too_large;
  too_large.refresh_token = std::string(70000, 'r');
  world.keep(too_large);
  assert_true(
      (world.not_taken == Revoked{"refresh 1", "refresh 2", "refresh 3", std::string(70000, 'r')}));
  assert_int_equal(world.store->size(), 0);
}

void a_session_is_over_with_its_lifetime(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.clock.advance(hours(12) - seconds(1));
  assert_true(world.keeper->find(id).has_value());
  world.clock.advance(seconds(1));
  // Before any timer has gone off.
  assert_false(world.keeper->find(id).has_value());
  assert_true(world.keeper->sessions_of("alice").empty());
  assert_true(world.keeper->all().empty());
  assert_false(world.keeper->open_login(id, "alice", login(1)));
  assert_revalidation(world.revalidate(id), cognito::AccountVerdict::session_over);
  assert_int_equal(world.calls_of("refresh"), 0);
}

void the_timer_wipes_what_is_over(void**) {
  KeeperWorld world;
  world.keep();
  world.clock.advance(hours(6));
  const SignInId later = world.keep();
  world.clock.advance(hours(6));
  world.configure();  // as every look at the clock: it is armed anew
  world.run_until([&world] { return world.store->size() == 1; });
  world.drain();
  assert_true(world.store->find(later).has_value());
  assert_true((world.revoked() == Revoked{"refresh 1"}));
}

void the_timer_goes_off_at_the_end(void**) {
  KeeperWorld world;
  world.config->session.lifetime = seconds(1);
  world.configure();
  world.keep();
  world.clock.advance(seconds(1));
  world.run_until([&world] { return world.store->size() == 0; });
  assert_true((world.revoked() == Revoked{"refresh 1"}));
}

void the_session_of_the_same_login_is_replaced(void**) {
  KeeperWorld world;
  const SignInId first = world.keep_in_login(7);
  const SignInId elsewhere = world.keep_in_login(8);
  KeeperWorld::SignIn of_bob = by("sudo", login(7));
  of_bob.user = "bob";
  const SignInId bobs = world.keep(of_bob);
  const SignInId second = world.keep(by("sudo", login(7)));
  world.drain();

  assert_false(world.keeper->find(first).has_value());
  assert_true(world.keeper->find(elsewhere).has_value());
  assert_true(world.keeper->find(bobs).has_value());
  const std::optional<Session> session = world.keeper->find(second);
  assert_true(session->login_open);
  assert_true(session->binding.is_same_login(login(7)));
  assert_true((world.revoked() == Revoked{"refresh 1"}));
}

// Groups for which no session is large enough (SessionStore::kMaxSlotsOfOne).
std::vector<std::string> too_many_groups() {
  return std::vector<std::string>(2000, std::string(128, 'g'));
}

void a_user_whose_sign_in_finds_no_room_is_noted(void**) {
  KeeperWorld world;
  world.keep();
  assert_int_equal(world.keeper->users_not_kept(), 0);
  assert_false(world.keeper->was_not_kept("alice"));

  KeeperWorld::SignIn large;
  large.groups = too_many_groups();
  world.keep(std::move(large));
  assert_int_equal(world.keeper->users_not_kept(), 1);
  assert_true(world.keeper->was_not_kept("alice"));
  assert_false(world.keeper->was_not_kept("bob"));

  world.keep();
  assert_int_equal(world.keeper->users_not_kept(), 0);
  assert_false(world.keeper->was_not_kept("alice"));

  KeeperWorld::SignIn again;
  again.groups = too_many_groups();
  world.keep(std::move(again));
  assert_true(world.keeper->was_not_kept("alice"));
  world.config->session.lifetime = seconds(0);  // a sign-in of which no session is wanted
  world.configure();
  world.keep();
  assert_false(world.keeper->was_not_kept("alice"));
}

void the_users_own_process_has_one(void**) {
  KeeperWorld world;
  const SignInId first = world.keep(by("user"));
  const SignInId of_sshd = world.keep(by("sshd"));
  const SignInId another_of_sshd = world.keep(by("sshd"));
  const SignInId second = world.keep(by("user"));
  assert_false(world.keeper->find(first).has_value());
  for (const SignInId& id : {of_sshd, another_of_sshd, second})
    assert_true(world.keeper->find(id).has_value());
}

void the_oldest_of_a_user_goes(void**) {
  KeeperWorld world;
  KeeperWorld::SignIn of_bob;
  of_bob.user = "bob";
  const SignInId bobs = world.keep(of_bob);
  std::vector<SignInId> ids;
  for (std::size_t i = 0; i <= SessionStore::kMaxOfUser; ++i) {
    world.clock.advance(seconds(1));
    ids.push_back(world.keep());
  }
  world.drain();
  assert_false(world.keeper->find(ids[0]).has_value());
  assert_true(world.keeper->find(ids[1]).has_value());
  assert_true(world.keeper->find(bobs).has_value());
  assert_int_equal(world.keeper->sessions_of("alice").size(), SessionStore::kMaxOfUser);
  assert_true((world.revoked() == Revoked{"refresh 2"}));
  // Replacing needs no room.
  assert_true(world.keeper->open_login(ids[1], "alice", login(5)));
  world.keep(by("sudo", login(5)));
  assert_int_equal(world.keeper->sessions_of("alice").size(), SessionStore::kMaxOfUser);
  assert_true(world.keeper->find(ids[2]).has_value());
}

void an_open_login_outlives_many_unlocks(void**) {
  KeeperWorld world;
  const SignInId of_login = world.keep_in_login(1);
  for (std::size_t i = 0; i < 2 * SessionStore::kMaxOfUser; ++i) {
    world.clock.advance(seconds(1));
    world.keep(by("lightdm"));
  }
  assert_true(world.keeper->find(of_login).has_value());
  assert_int_equal(world.keeper->sessions_of("alice").size(), SessionStore::kMaxOfUser);
}

void the_oldest_of_all_goes(void**) {
  KeeperWorld world;
  const SignInId oldest = world.keep_in_login(1);
  Session filler = *world.store->find(oldest);
  filler.signed_in += seconds(1);
  for (std::size_t i = 1; i < SessionStore::kMaxSessions; ++i) {
    filler.id = {9, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    filler.user = "user" + std::to_string(i);
    assert_true(world.store->put(filler));
  }
  world.clock.advance(seconds(2));
  const SignInId replacing = world.keep(by("sudo", login(1)));
  world.drain();
  assert_int_equal(world.store->size(), SessionStore::kMaxSessions);
  assert_true(world.keeper->find(replacing)->login_open);
  assert_true((world.revoked() == Revoked{"refresh 1"}));

  KeeperWorld::SignIn of_bob;
  of_bob.user = "bob";
  const SignInId last = world.keep(of_bob);
  assert_int_equal(world.store->size(), SessionStore::kMaxSessions);
  assert_true(world.keeper->find(last).has_value());
  assert_true(world.keeper->find(replacing).has_value());
}

// 100 groups with names of 128 characters, beside the one that is allowed. They fill the room of
// several sessions.
void a_sign_in_with_as_many_groups_as_the_quotas_allow_is_kept(void**) {
  KeeperWorld world;
  KeeperWorld::SignIn sign_in;
  for (int i = 0; i < 100; ++i)
    sign_in.groups.push_back(std::to_string(i + 100) + std::string(125, 'g'));
  const SignInId id = world.keep(sign_in);
  const auto found = world.keeper->find(id);
  assert_true(found.has_value());
  assert_true(found->groups == sign_in.groups);
  // The same at each refresh.
  world.pool.verified->groups = sign_in.groups;
  assert_revalidation(world.wait(world.keeper->revalidate(id, world.clock.now() + seconds(5))),
                      cognito::AccountVerdict::good);
  assert_int_equal(world.keeper->find(id)->groups.size(), 101);
}

void as_many_go_as_a_large_session_needs(void**) {
  KeeperWorld world;
  Session filler = *world.store->find(world.keep_in_login(1));
  for (std::size_t i = 1; i < SessionStore::kMaxSessions; ++i) {
    filler.id = {9, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    filler.user = "user" + std::to_string(i);
    filler.signed_in += seconds(1);
    assert_true(world.store->put(filler));
  }
  KeeperWorld::SignIn sign_in;
  sign_in.user = "bob";
  for (int i = 0; i < 100; ++i)
    sign_in.groups.push_back(std::to_string(i + 100) + std::string(125, 'g'));
  const SignInId id = world.keep(sign_in);
  assert_true(world.store->find(id).has_value());
  assert_in_range(world.store->size(), SessionStore::kMaxSessions - 5,
                  SessionStore::kMaxSessions - 2);
  assert_true(world.store->find(filler.id).has_value());  // the youngest
}

void a_login_is_opened_once(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  assert_false(world.keeper->open_login(id, "bob", login(1)));
  assert_false(world.keeper->open_login(id, "alice", sessions::Binding()));
  assert_false(world.keeper->open_login(SignInId{}, "alice", login(1)));
  assert_true(world.keeper->open_login(id, "alice", login(1)));
  assert_true(world.keeper->find(id)->login_open);
  assert_true(world.keeper->find(id)->binding.is_same_login(login(1)));
  assert_false(world.keeper->open_login(id, "alice", login(2)));
  assert_false(world.keeper->open_login(id, "alice", login(1)));
  assert_true(world.keeper->find(id)->binding.is_same_login(login(1)));
  // Nor one that was bound from the start, as sudo's.
  const SignInId bound = world.keep(by("sudo", login(3)));
  assert_false(world.keeper->open_login(bound, "alice", login(4)));
  // Closed is not opened again.
  world.keeper->close_login("alice", login(1));
  assert_false(world.keeper->open_login(id, "alice", login(1)));
}

void not_by_the_users_own_sign_in(void**) {
  KeeperWorld world;
  const SignInId id = world.keep(by("user"));
  assert_false(world.keeper->open_login(id, "alice", login(1)));
  assert_false(world.keeper->find(id)->binding.is_set());
}

void a_ticket_ages(void**) {
  KeeperWorld world;
  const SignInId used = world.keep();
  const SignInId unused = world.keep();
  world.clock.advance(minutes(10));
  assert_true(world.keeper->open_login(used, "alice", login(1)));
  world.clock.advance(seconds(1));
  assert_false(world.keeper->open_login(unused, "alice", login(2)));
}

void one_login_has_one_session(void**) {
  KeeperWorld world;
  const SignInId of_sudo = world.keep(by("sudo", login(1)));
  const SignInId of_login = world.keep();
  assert_true(world.keeper->open_login(of_login, "alice", login(1)));
  assert_false(world.keeper->find(of_sudo).has_value());
  assert_true(world.keeper->find(of_login)->login_open);
}

void closing_is_no_end(void**) {
  KeeperWorld world;
  const SignInId id = world.keep_in_login(1);
  world.keeper->close_login("alice", login(1));
  assert_false(world.keeper->find(id)->login_open);
  assert_true(world.keeper->find(id)->binding.is_same_login(login(1)));
}

void the_last_logout_ends_all(void**) {
  KeeperWorld world;
  world.config->session.end_on_logout = true;
  const SignInId first = world.keep_in_login(1);
  const SignInId second = world.keep_in_login(2);
  const SignInId never_opened = world.keep();
  const SignInId bobs = world.keep_in_login(1, "bob");
  // A close of what nobody opened: sudo's, su's, cron's.
  world.keeper->close_login("alice", login(3));
  world.keeper->close_login("alice", sessions::Binding());
  world.keeper->close_login("carol", login(1));
  assert_int_equal(world.store->size(), 4);

  world.keeper->close_login("alice", login(1));
  world.keeper->close_login("alice", login(1));
  assert_int_equal(world.store->size(), 4);
  assert_false(world.keeper->find(first)->login_open);
  world.keeper->close_login("alice", login(2));
  world.drain();
  for (const SignInId& id : {first, second, never_opened})
    assert_false(world.keeper->find(id).has_value());
  assert_true(world.keeper->find(bobs).has_value());
  assert_int_equal(world.revoked().size(), 3);
}

void ending_wipes_revokes_and_counts(void**) {
  KeeperWorld world;
  const SignInId first = world.keep();
  const SignInId second = world.keep();
  KeeperWorld::SignIn of_bob;
  of_bob.user = "bob";
  const SignInId bobs = world.keep(of_bob);
  const double before = KeeperWorld::ended_by("signed-out");
  assert_int_equal(world.keeper->end(first, "signed-out"), 1);
  assert_int_equal(world.keeper->end(first, "signed-out"), 0);
  assert_false(world.store->find(first).has_value());
  assert_int_equal(world.keeper->end_all("alice", "signed-out"), 1);
  assert_false(world.store->find(second).has_value());
  assert_true(world.keeper->find(bobs).has_value());
  world.drain();
  assert_true((world.revoked() == Revoked{"refresh 1", "refresh 2"}));
  assert_true(KeeperWorld::ended_by("signed-out") == before + 2);
}

void another_pool_ends_them(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  ScriptedPool other(world.clock);
  auto config = std::make_shared<policy::Config>(*world.config);
  config->pool.client_id = "another client";
  world.keeper->configure(config, {std::shared_ptr<void>(), &other});
  world.drain();
  assert_false(world.store->find(id).has_value());
  // By the client of their own pool.
  assert_true((world.revoked() == Revoked{"refresh 1"}));
  assert_true(other.calls.empty());
}

void sessions_of_an_unknown_pool_are_only_wiped(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  Session session = *world.store->find(id);
  session.pool ^= 1;
  assert_true(world.store->put(session));
  world.configure();
  world.drain();
  assert_false(world.store->find(id).has_value());
  assert_true(world.pool.calls.empty());
}

void unconfigured_they_stay_and_count_nothing(void**) {
  KeeperWorld world;
  const SignInId id = world.keep();
  world.keeper->configure(nullptr, nullptr);
  assert_false(world.keeper->find(id).has_value());
  assert_true(world.keeper->sessions_of("alice").empty());
  assert_revalidation(world.revalidate(id), cognito::AccountVerdict::session_over);
  world.configure();
  assert_true(world.keeper->find(id).has_value());
  assert_true(world.pool.calls.empty());
}

void a_shorter_lifetime_counts_at_once(void**) {
  KeeperWorld world;
  const SignInId old = world.keep();
  world.clock.advance(hours(2));
  const SignInId fresh = world.keep();
  auto config = std::make_shared<policy::Config>(*world.config);
  config->session.lifetime = hours(1);
  world.keeper->configure(config, world.pool_pointer());
  assert_false(world.store->find(old).has_value());
  assert_true(world.keeper->find(fresh).has_value());
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_sign_in_is_kept),
      cmocka_unit_test(what_is_not_kept_is_revoked),
      cmocka_unit_test(a_session_is_over_with_its_lifetime),
      cmocka_unit_test(the_timer_wipes_what_is_over),
      cmocka_unit_test(the_timer_goes_off_at_the_end),
      cmocka_unit_test(the_session_of_the_same_login_is_replaced),
      cmocka_unit_test(a_user_whose_sign_in_finds_no_room_is_noted),
      cmocka_unit_test(the_users_own_process_has_one),
      cmocka_unit_test(the_oldest_of_a_user_goes),
      cmocka_unit_test(an_open_login_outlives_many_unlocks),
      cmocka_unit_test(the_oldest_of_all_goes),
      cmocka_unit_test(a_sign_in_with_as_many_groups_as_the_quotas_allow_is_kept),
      cmocka_unit_test(as_many_go_as_a_large_session_needs),
      cmocka_unit_test(a_login_is_opened_once),
      cmocka_unit_test(not_by_the_users_own_sign_in),
      cmocka_unit_test(a_ticket_ages),
      cmocka_unit_test(one_login_has_one_session),
      cmocka_unit_test(closing_is_no_end),
      cmocka_unit_test(the_last_logout_ends_all),
      cmocka_unit_test(ending_wipes_revokes_and_counts),
      cmocka_unit_test(another_pool_ends_them),
      cmocka_unit_test(sessions_of_an_unknown_pool_are_only_wiped),
      cmocka_unit_test(unconfigured_they_stay_and_count_nothing),
      cmocka_unit_test(a_shorter_lifetime_counts_at_once),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
