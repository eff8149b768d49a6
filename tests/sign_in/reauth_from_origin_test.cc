#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// [service NAME] reauth_from = origin: a second login from the same address asks for the password
// only. The table of addresses is policy's (reauth_origin_test.cc); this is where its facts come
// from.
namespace pamcognito::test {
namespace {

using policy::Reauth;
using policy::ReauthFrom;
using runtime::AddressKind;
using sessions::Binding;
using sessions::Session;
using sign_in::SignInResult;
using namespace std::chrono_literals;

constexpr char kTyped[] = "right password";
constexpr char kAddress[] = "192.0.2.7";

void configure(World& world) {
  policy::ServiceConfig& sshd = world.config->services["sshd"];
  sshd.reauth = Reauth::password;
  sshd.reauth_from = ReauthFrom::origin;
  world.keeper->use_kinds_of_addresses([](const std::string& address) {
    return address == kAddress ? AddressKind::remote : AddressKind::own;
  });
  world.binding = Binding();  // sshd authenticates before there is a login
  (void)world.services();     // configures the keeper
}

// A user has signed in in full, and the session is joined to a login.
SignInId sign_in_before(World& world, const std::string& user = "alice",
                        const std::string& service = "sshd", const std::string& address = kAddress,
                        std::uint32_t audit_session = 40) {
  static std::uint8_t made = 100;
  sessions::NewSession session;
  session.id.back() = ++made;
  session.user = user;
  session.service = service;
  session.origin = "host:" + address + "/32";
  session.address = address;
  session.factor = cognito::Method::totp;
  session.verified = *world.pool.verified;
  if (user != "alice")
    session.verified.sub = user == "bob" ? "5e7b1c2a-0000-4000-8000-000000000002"
                                         : "5e7b1c2a-0000-4000-8000-000000000003";
  const SignInId id = session.id;
  if (world.known.find(user) == nullptr) {
    const auto pinned = world.drive(world.known.pin(
        user, session.verified.sub, sessions::PinnedBy::root, world.clock.wall_time()));
    assert_true(pinned && *pinned);
  }
  cognito::Tokens tokens;
  tokens.refresh_token = "refresh token of " + user;
  world.keeper->keep(std::move(session),
                     sessions::PendingTokens(std::move(tokens), [](std::string) {}));
  const Binding binding{World::kAliceUid, audit_session};
  assert_true(world.keeper->open_login(id, user, binding));
  Session stored = world.session_of(id);
  if (user == "alice") stored.verifier = world.verifier_of(kTyped);
  assert_true(world.store->put(stored));
  return id;
}

void expect_password_only(World& world, const SignInId& id) {
  world.next_sign_in();
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "session-password");
  assert_true(result.reused == id);
  assert_int_equal(world.person->prompts.size(), 1);
}

void expect_full(World& world) {
  world.next_sign_in();
  then_totp(world);
  world.person->answers = {kTyped, "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_text(result.cause, "signed-in");
  assert_false(result.reused.has_value());
  assert_int_equal(world.calls_of("sign_in"), 1);
}

void a_second_login_from_the_address_asks_for_the_password(void**) {
  World world;
  configure(world);
  const SignInId id = sign_in_before(world);
  expect_password_only(world, id);
  expect_password_only(world, id);
  assert_text(world.operations(), "");
}

void it_is_off_by_default(void**) {
  World world;
  configure(world);
  (void)sign_in_before(world);
  world.config->services["sshd"].reauth_from.reset();
  expect_full(world);
}

void a_wrong_password_is_refused_and_counts(void**) {
  World world;
  configure(world);
  (void)sign_in_before(world);
  for (unsigned i = 0; i < world.config->limits.failures_unknown_origin; ++i) {
    world.next_sign_in();
    world.person->answers = {"wrong password"};
    assert_outcome(world.run().outcome, Outcome::refused);
  }
  world.next_sign_in();
  assert_text(world.run().cause, "failure-budget");
  assert_text(world.operations(), "");
}

// Each of these differences makes the sign-in a full one.
void a_full_sign_in(void (*change)(World& world, const SignInId& id)) {
  World world;
  configure(world);
  const SignInId id = sign_in_before(world);
  change(world, id);
  expect_full(world);
}

void the_last_logout_ends_it(void**) {
  a_full_sign_in([](World& world, const SignInId&) {
    world.keeper->close_login("alice", Binding{World::kAliceUid, 40});
  });
}

void signing_out_ends_it(void**) {
  a_full_sign_in([](World& world, const SignInId&) {
    assert_int_equal(world.keeper->end_all("alice", "signed-out"), 1);
  });
}

void mfa_max_age_ends_it(void**) {
  World world;
  configure(world);
  const SignInId id = sign_in_before(world);
  world.config->session.revalidate = 24h;
  // A second login does not extend it.
  world.clock.advance(59min);
  expect_password_only(world, id);
  world.clock.advance(1min);
  expect_full(world);
}

void another_address_is_a_full_sign_in(void**) {
  a_full_sign_in([](World& world, const SignInId&) {
    world.origin = limits::Origin::of_host("192.0.2.8");
    world.remote_host = "192.0.2.8";
  });
}

// limits::Origin folds it into one with the session's.
void another_address_of_the_network_is_a_full_sign_in(void**) {
  World world;
  configure(world);
  world.keeper->use_kinds_of_addresses([](const std::string&) { return AddressKind::remote; });
  (void)sign_in_before(world, "alice", "sshd", "2001:db8::7");
  world.origin = limits::Origin::of_host("2001:db8::8");
  assert_true(world.origin == limits::Origin::of_host("2001:db8::7"));
  world.remote_host = "2001:db8::8";
  expect_full(world);
}

void a_name_is_a_full_sign_in(void**) {
  a_full_sign_in([](World& world, const SignInId&) {
    world.origin = limits::Origin::of_host("host.example.com");
    world.remote_host = "";
  });
}

// A program that a user started may have PAM_RHOST of the user's choice.
void a_users_own_program_has_no_address(void**) {
  a_full_sign_in([](World& world, const SignInId&) {
    world.origin = limits::Origin::of_uid(World::kAliceUid);
    world.remote_host = kAddress;
  });
}

// Only root's programs that root started are believed about it.
void an_address_is_believed_from_root_only(void**) {
  World world;
  sign_in::SignInRequest request = world.request();
  assert_true(request.remote_address() == kAddress);
  request.real_root = false;
  assert_true(request.remote_address().empty());
  request.real_root = true;
  request.caller_is_root = false;
  assert_true(request.remote_address().empty());
  request.caller_is_root = true;
  for (const limits::Origin& origin : {limits::Origin::of_uid(World::kAliceUid),
                                       limits::Origin::local(), limits::Origin::unknown()}) {
    request.origin = origin;
    assert_true(request.remote_address().empty());
  }
}

void another_service_is_a_full_sign_in(void**) {
  World world;
  configure(world);
  world.config->services["cockpit"] = world.config->services["sshd"];
  (void)world.services();
  (void)sign_in_before(world, "alice", "cockpit");
  expect_full(world);
}

void another_users_session_is_none(void**) {
  World world;
  configure(world);
  (void)sign_in_before(world, "bob");
  expect_full(world);
}

void an_address_that_has_become_this_machines_counts_no_more(void**) {
  a_full_sign_in([](World& world, const SignInId&) {
    world.keeper->use_kinds_of_addresses([](const std::string&) { return AddressKind::own; });
  });
}

void an_address_that_was_this_machines_does_not_count_later(void**) {
  for (const AddressKind kind : {AddressKind::own, AddressKind::container, AddressKind::unknown}) {
    World world;
    configure(world);
    world.keeper->use_kinds_of_addresses([kind](const std::string&) { return kind; });
    const SignInId id = sign_in_before(world);
    assert_text(world.session_of(id).address, "");
    world.keeper->use_kinds_of_addresses([](const std::string&) { return AddressKind::remote; });
    expect_full(world);
  }
}

void a_shared_address_counts_no_more(void**) {
  World world;
  configure(world);
  const SignInId id = sign_in_before(world);
  (void)sign_in_before(world, "bob", "sshd", kAddress, 41);
  expect_password_only(world, id);
  // By another service, and signed out since.
  (void)sign_in_before(world, "carol", "cockpit", kAddress, 42);
  assert_int_equal(world.keeper->end_all("carol", "signed-out"), 1);
  expect_full(world);
}

void users_who_signed_in_before_mfa_max_age_do_not_count(void**) {
  World world;
  configure(world);
  world.config->session.revalidate = 24h;
  (void)sign_in_before(world, "bob", "sshd", kAddress, 41);
  (void)sign_in_before(world, "carol", "sshd", kAddress, 42);
  world.clock.advance(1h);
  const SignInId id = sign_in_before(world);
  expect_password_only(world, id);
}

// The sessions of a daemon before this one.
void a_restart_keeps_who_shares_an_address(void**) {
  World world;
  configure(world);
  const SignInId id = sign_in_before(world);
  (void)sign_in_before(world, "bob", "sshd", kAddress, 41);
  const auto keeper_of_the_next_daemon = [&world] {
    auto keeper = std::make_unique<sessions::SessionKeeper>(world.loop, world.clock, *world.store,
                                                            world.known, world.passwords,
                                                            world.machine->revocations);
    keeper->use_kinds_of_addresses([](const std::string&) { return AddressKind::remote; });
    keeper->configure(world.config,
                      std::shared_ptr<cognito::UserPool>(std::shared_ptr<void>(), &world.pool));
    return keeper;
  };
  const auto objection = [&](const sessions::SessionKeeper& keeper) {
    return std::string(policy::origin_objection(
        keeper.origin_question(world.session_of(id), kAddress, "sshd", 1h)));
  };
  assert_text(objection(*keeper_of_the_next_daemon()), "");
  (void)sign_in_before(world, "carol", "sshd", kAddress, 42);
  assert_text(objection(*keeper_of_the_next_daemon()), "shared-address");
}

void a_stale_session_is_asked_for(void**) {
  World world;
  configure(world);
  const SignInId id = sign_in_before(world);
  world.clock.advance(world.config->session.revalidate + 1s);
  world.next_sign_in();
  const SignInResult result = world.run();
  assert_true(result.reused == id);
  assert_text(world.operations(), "refresh, verify");
}

void the_pools_no_ends_it(void**) {
  using cognito::ErrorKind;
  for (const ErrorKind kind : {ErrorKind::user_disabled, ErrorKind::not_authorized,
                               ErrorKind::too_many_requests, ErrorKind::unreachable}) {
    World world;
    configure(world);
    (void)sign_in_before(world);
    world.clock.advance(world.config->session.revalidate + 1s);
    world.next_sign_in();
    world.pool.fail("refresh", kind);
    then_totp(world);
    world.person->answers = {kTyped, "123456"};
    const SignInResult result = world.run();
    assert_false(result.reused.has_value());
  }
}

void a_new_password_ends_it(void**) {
  a_full_sign_in([](World& world, const SignInId&) { world.keeper->forget_passwords("alice"); });
}

// Nothing is remembered where no service goes by addresses.
void without_the_setting_no_address_is_kept(void**) {
  World world;
  configure(world);
  world.config->services.clear();
  (void)world.services();
  assert_text(world.session_of(sign_in_before(world)).address, "");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_second_login_from_the_address_asks_for_the_password),
      cmocka_unit_test(it_is_off_by_default),
      cmocka_unit_test(a_wrong_password_is_refused_and_counts),
      cmocka_unit_test(the_last_logout_ends_it),
      cmocka_unit_test(signing_out_ends_it),
      cmocka_unit_test(mfa_max_age_ends_it),
      cmocka_unit_test(another_address_is_a_full_sign_in),
      cmocka_unit_test(another_address_of_the_network_is_a_full_sign_in),
      cmocka_unit_test(a_name_is_a_full_sign_in),
      cmocka_unit_test(a_users_own_program_has_no_address),
      cmocka_unit_test(an_address_is_believed_from_root_only),
      cmocka_unit_test(another_service_is_a_full_sign_in),
      cmocka_unit_test(another_users_session_is_none),
      cmocka_unit_test(an_address_that_has_become_this_machines_counts_no_more),
      cmocka_unit_test(an_address_that_was_this_machines_does_not_count_later),
      cmocka_unit_test(a_shared_address_counts_no_more),
      cmocka_unit_test(users_who_signed_in_before_mfa_max_age_do_not_count),
      cmocka_unit_test(a_restart_keeps_who_shares_an_address),
      cmocka_unit_test(a_stale_session_is_asked_for),
      cmocka_unit_test(the_pools_no_ends_it),
      cmocka_unit_test(a_new_password_ends_it),
      cmocka_unit_test(without_the_setting_no_address_is_kept),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
