#include "daemon/sessions/decisions.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/sessions/keeper_world.h"

namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using sessions::AccountDecision;
using sessions::AccountRequest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr SignInId kForgotten{9};

struct AccountWorld : KeeperWorld {
  AccountWorld() { config->services["sudo"].allow_groups = {"linux-admins"}; }

  AccountDecision ask(std::string user, std::string service, std::optional<SignInId> id = {},
                      bool caller_is_root = true) {
    sessions::AccountServices services;
    services.config = is_configured ? config : nullptr;
    services.clock = &clock;
    services.recent_sign_ins = &recent_sign_ins;
    services.sessions = keeper.get();
    services.known = is_readable ? &known : &unreadable;
    AccountRequest request(std::move(user), std::move(service), id, caller_is_root);
    return wait(sessions::decide_account(std::move(services), std::move(request), call()));
  }
  // alice was here before, by now without a session.
  void know_alice(const std::vector<std::string>& groups = {"linux-users"}) {
    pin("alice", sub_of("alice"));
    known.verified("alice", groups, clock.wall_time());
  }
  SignInId stale_session() {
    const SignInId id = keep();
    clock.advance(minutes(10));
    return id;
  }
  void make_stale() { clock.advance(minutes(10)); }

  sessions::RecentSignIns recent_sign_ins;
  bool is_configured = true;
  bool is_readable = true;
  // Its file was never read.
  sessions::KnownUsers unreadable{loop, worker, directory.file("unreadable.db")};
};

void expect(const AccountDecision& decision, Outcome outcome, std::string_view reason) {
  assert_text(decision.reason, reason);
  assert_outcome(decision.outcome, outcome);
}

void never_seen(void**) {
  AccountWorld world;
  for (const bool configured : {true, false}) {
    world.is_configured = configured;
    expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
    expect(world.ask("alice", "sudo"), Outcome::account_unknown, "unknown");
    expect(world.ask("alice", "cron"), Outcome::success, "unknown-allowed");
    expect(world.ask("alice", "systemd-user"), Outcome::success, "unknown-allowed");
    expect(world.ask("alice", "su"), Outcome::success, "unknown-allowed-to-root");
    expect(world.ask("alice", "su", {}, false), Outcome::account_unknown, "unknown");
    expect(world.ask("alice", "systemd-user2"), Outcome::account_unknown, "unknown");
    expect(world.ask("alice", "sshd", kForgotten), Outcome::account_denied, "sign-in-forgotten");
  }
}

void of_the_sign_in(void**) {
  AccountWorld world;
  const SignInId id{1, 2, 3};
  world.recent_sign_ins.remember(id, "alice", "sshd",
                                 {"sub", {"linux-users"}, world.clock.boot_time()});
  world.recent_sign_ins.remember(kForgotten, "alice", "sudo",
                                 {"sub", {"linux-users"}, world.clock.boot_time()});
  expect(world.ask("alice", "sshd", id), Outcome::success, "signed-in");
  expect(world.ask("alice", "sudo", kForgotten), Outcome::account_denied, "signed-in");
  // It counts for its user and service only, and only with its id.
  expect(world.ask("bob", "sshd", id), Outcome::account_denied, "sign-in-forgotten");
  expect(world.ask("bob", "cron", id), Outcome::account_denied, "sign-in-forgotten");
  expect(world.ask("alice", "login", id), Outcome::account_denied, "sign-in-forgotten");
  expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
  // Without a configuration no groups are allowed.
  world.is_configured = false;
  expect(world.ask("alice", "sshd", id), Outcome::account_denied, "signed-in");
}

void of_a_fresh_session(void**) {
  AccountWorld world;
  world.keep();
  world.clock.advance(minutes(5) - seconds(1));
  expect(world.ask("alice", "sshd"), Outcome::success, "session");
  expect(world.ask("alice", "login"), Outcome::success, "session");
  expect(world.ask("alice", "sudo"), Outcome::account_denied, "session");
  expect(world.ask("alice", "cron"), Outcome::success, "session");
  expect(world.ask("bob", "sshd"), Outcome::account_unknown, "unknown");
  assert_int_equal(world.calls_of("refresh"), 0);
  // As in re-authentication, an age that equals revalidate is beyond it.
  world.clock.advance(seconds(1));
  expect(world.ask("alice", "sshd"), Outcome::success, "session-asked");
  assert_int_equal(world.calls_of("refresh"), 1);
}

void a_session_verified_in_the_future_is_asked_about(void**) {
  AccountWorld world;
  const SignInId id = world.keep();
  sessions::Session session = *world.store->find(id);
  session.verified += seconds(1);
  assert_true(world.store->put(session));
  expect(world.ask("alice", "sshd"), Outcome::success, "session-asked");
  assert_int_equal(world.calls_of("refresh"), 1);
}

// The outcomes of a stale session by the pool's answer: alone, and with groups that were verified
// before.
struct Row {
  std::optional<ErrorKind> error;
  Outcome alone;
  std::string_view alone_reason;
  Outcome known;  // where the user's last verified groups allow it
  std::string_view known_reason;
};

constexpr Row kRows[] = {
    {{}, Outcome::success, "session-asked", Outcome::success, "session-asked"},
    {ErrorKind::user_disabled, Outcome::account_expired, "disabled", Outcome::account_expired,
     "disabled"},
    {ErrorKind::user_not_found, Outcome::account_expired, "disabled", Outcome::account_expired,
     "disabled"},
    {ErrorKind::password_reset_required, Outcome::new_password_needed, "reset-required",
     Outcome::new_password_needed, "reset-required"},
    // The pool refused, so its earlier answers no longer count either.
    {ErrorKind::not_authorized, Outcome::account_unknown, "unknown", Outcome::account_unknown,
     "unknown"},
    {ErrorKind::refresh_token_reuse, Outcome::account_unknown, "unknown", Outcome::account_unknown,
     "unknown"},
    {ErrorKind::not_connected, Outcome::account_unknown, "unknown", Outcome::success,
     "last-verified"},
    {ErrorKind::unreachable, Outcome::account_unknown, "unknown", Outcome::success,
     "last-verified"},
    {ErrorKind::timed_out, Outcome::account_unknown, "unknown", Outcome::success, "last-verified"},
    {ErrorKind::too_many_requests, Outcome::account_unknown, "unknown", Outcome::success,
     "last-verified"},
    {ErrorKind::bad_response, Outcome::account_unknown, "unknown", Outcome::success,
     "last-verified"},
};

void of_a_stale_session(void**) {
  for (const Row& row : kRows) {
    for (const bool is_known : {false, true}) {
      for (const char* service : {"sshd", "su", "user", "login"}) {
        AccountWorld world;
        world.config->services["su"].never_signed_in = policy::NeverSignedIn::deny;
        if (is_known) world.know_alice();
        world.stale_session();
        if (row.error) world.pool.fail("refresh", *row.error);
        expect(world.ask("alice", service), is_known ? row.known : row.alone,
               is_known ? row.known_reason : row.alone_reason);
        assert_int_equal(world.calls_of("refresh"), 1);
      }
      // The network is not used, so the pool's answer does not matter.
      for (const char* service : {"systemd-user", "cron", "atd"}) {
        AccountWorld world;
        if (is_known) world.know_alice();
        world.stale_session();
        if (row.error) world.pool.fail("refresh", *row.error);
        expect(world.ask("alice", service), Outcome::success, "session-not-asked");
        assert_int_equal(world.calls_of("refresh"), 0);
      }
      // A narrower service.
      AccountWorld world;
      if (is_known) world.know_alice();
      world.stale_session();
      if (row.error) world.pool.fail("refresh", *row.error);
      const AccountDecision decision = world.ask("alice", "sudo");
      assert_true(decision.outcome != Outcome::success);
    }
  }
}

void grace_is_for_a_pool_that_is_proved_unreachable(void**) {
  {
    const ErrorKind kind = ErrorKind::unreachable;
    AccountWorld world;
    world.config->session.unreachable_grace = hours(1);
    world.keep();
    world.clock.advance(hours(1) + minutes(5) - seconds(1));
    world.pool.fail("refresh", kind);
    expect(world.ask("alice", "sshd"), Outcome::success, "session-in-grace");
    world.pool.fail("refresh", kind);
    expect(world.ask("alice", "sudo"), Outcome::account_denied, "session-in-grace");
    world.clock.advance(seconds(1));
    world.pool.fail("refresh", kind);
    expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
  }
  for (const ErrorKind kind :
       {ErrorKind::not_authorized, ErrorKind::refresh_token_reuse, ErrorKind::too_many_requests,
        ErrorKind::internal_error, ErrorKind::not_connected, ErrorKind::timed_out,
        ErrorKind::connection_cut}) {
    AccountWorld world;
    world.config->session.unreachable_grace = hours(1);
    world.stale_session();
    world.pool.fail("refresh", kind);
    expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
    // Nor on the second try.
    world.pool.fail("refresh", kind);
    expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
  }
}

// Silence is no proof, so it gets no grace.
void a_pool_that_hangs(void**) {
  AccountWorld world;
  world.config->session.unreachable_grace = hours(1);
  world.stale_session();
  world.hold("refresh");
  sessions::AccountServices services;
  services.config = world.config;
  services.clock = &world.clock;
  services.recent_sign_ins = &world.recent_sign_ins;
  services.sessions = world.keeper.get();
  services.known = &world.known;
  const AccountDecision decision = world.wait(sessions::decide_account(
      std::move(services), AccountRequest("alice", "sshd", {}, true), world.clock.now()));
  expect(decision, Outcome::account_unknown, "unknown");
}

void the_next_session_counts_where_one_has_ended(void**) {
  AccountWorld world;
  const SignInId first = world.keep();
  const SignInId second = world.stale_session();
  world.pool.fail("refresh", ErrorKind::not_authorized);
  expect(world.ask("alice", "sshd"), Outcome::success, "session-asked");
  assert_int_equal(world.store->size(), 1);
  assert_true(world.store->find(first).has_value() != world.store->find(second).has_value());
  // A pool that is away is asked once.
  world.keep();
  world.make_stale();
  for (int i = 0; i < 2; ++i) world.pool.fail("refresh", ErrorKind::not_connected);
  const std::size_t before = world.calls_of("refresh");
  expect(world.ask("alice", "sshd"), Outcome::success, "last-verified");
  assert_int_equal(world.calls_of("refresh"), before + 1);
}

void the_one_verified_last_counts(void**) {
  AccountWorld world;
  world.keep();
  world.make_stale();
  const SignInId id = world.keep();
  sessions::Session session = *world.store->find(id);
  session.groups = {"linux-admins", "linux-users"};
  assert_true(world.store->put(session));
  expect(world.ask("alice", "sudo"), Outcome::success, "session");
  assert_int_equal(world.calls_of("refresh"), 0);
}

// The daemon was restarted between authentication and account phase.
void a_sign_in_that_only_the_sessions_know(void**) {
  AccountWorld world;
  const SignInId id = world.keep();
  expect(world.ask("alice", "sshd", id), Outcome::success, "session");
  expect(world.ask("bob", "sshd", id), Outcome::account_denied, "sign-in-forgotten");
  // Its groups, and not those of a session verified later.
  const SignInId later = world.keep();
  sessions::Session session = *world.store->find(later);
  session.groups = {"linux-admins"};
  session.verified += seconds(1);
  assert_true(world.store->put(session));
  world.clock.advance(seconds(1));
  expect(world.ask("alice", "sshd", id), Outcome::success, "session");
  expect(world.ask("alice", "sshd", later), Outcome::account_denied, "session");
  expect(world.ask("alice", "sshd"), Outcome::account_denied, "session");
  // Another service's is none of this transaction's.
  expect(world.ask("alice", "login", id), Outcome::account_denied, "session");
}

void of_what_was_last_verified(void**) {
  AccountWorld world;
  world.know_alice();
  expect(world.ask("alice", "sshd"), Outcome::success, "last-verified");
  expect(world.ask("alice", "cron"), Outcome::success, "last-verified");
  expect(world.ask("alice", "sudo"), Outcome::account_denied, "last-verified");
  expect(world.ask("bob", "sshd"), Outcome::account_unknown, "unknown");
  world.clock.advance(hours(7 * 24) - seconds(1));
  expect(world.ask("alice", "sshd"), Outcome::success, "last-verified");
  world.clock.advance(seconds(1));
  expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
  expect(world.ask("alice", "cron"), Outcome::success, "unknown-allowed");
}

void a_clock_that_was_set_back_says_no_age(void**) {
  AccountWorld world;
  world.know_alice();
  world.known.verified("alice", {"linux-users"}, world.clock.wall_time() + 5);
  expect(world.ask("alice", "sshd"), Outcome::success, "last-verified");
  world.known.verified("alice", {"linux-users"}, world.clock.wall_time() + 6);
  expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
}

void pinned_by_root_and_never_verified(void**) {
  AccountWorld world;
  world.pin("alice", sub_of("alice"));
  expect(world.ask("alice", "sshd"), Outcome::account_unknown, "unknown");
}

void disabled_stays_disabled(void**) {
  AccountWorld world;
  world.know_alice();
  world.stale_session();
  world.pool.fail("refresh", ErrorKind::user_disabled);
  expect(world.ask("alice", "sshd"), Outcome::account_expired, "disabled");
  // Without a session and without the pool, for every service.
  for (const char* service : {"sshd", "sudo", "cron", "systemd-user", "su"})
    expect(world.ask("alice", service), Outcome::account_expired, "disabled");
  world.clock.advance(hours(30 * 24));
  expect(world.ask("alice", "cron"), Outcome::account_expired, "disabled");
  assert_int_equal(world.calls_of("refresh"), 1);
}

void a_lost_group_closes_the_account(void**) {
  AccountWorld world;
  world.know_alice();
  world.stale_session();
  world.pool.verified->groups = {"others"};
  expect(world.ask("alice", "sshd"), Outcome::account_denied, "last-verified");
  assert_int_equal(world.store->size(), 0);
}

void unreadable_identities_deny(void**) {
  AccountWorld world;
  world.is_readable = false;
  for (const char* service : {"sshd", "cron", "su"})
    expect(world.ask("alice", service), Outcome::account_denied, "identities-unreadable");
  // Also where there is a session: whose it is cannot be told.
  world.keep();
  expect(world.ask("alice", "sshd"), Outcome::account_denied, "identities-unreadable");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(never_seen),
      cmocka_unit_test(of_the_sign_in),
      cmocka_unit_test(of_a_fresh_session),
      cmocka_unit_test(a_session_verified_in_the_future_is_asked_about),
      cmocka_unit_test(of_a_stale_session),
      cmocka_unit_test(grace_is_for_a_pool_that_is_proved_unreachable),
      cmocka_unit_test(a_pool_that_hangs),
      cmocka_unit_test(the_next_session_counts_where_one_has_ended),
      cmocka_unit_test(the_one_verified_last_counts),
      cmocka_unit_test(a_sign_in_that_only_the_sessions_know),
      cmocka_unit_test(of_what_was_last_verified),
      cmocka_unit_test(a_clock_that_was_set_back_says_no_age),
      cmocka_unit_test(pinned_by_root_and_never_verified),
      cmocka_unit_test(disabled_stays_disabled),
      cmocka_unit_test(a_lost_group_closes_the_account),
      cmocka_unit_test(unreadable_identities_deny),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
