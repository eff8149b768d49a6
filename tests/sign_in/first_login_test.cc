#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// First logins: sign-ins of names without an account here. Scanners name any number of them, so the
// pool is asked within rates only, and nothing of them is kept among users with accounts.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using sign_in::SignInResult;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Answer = limits::FirstLoginRates::Answer;

constexpr char kBeyond[] = "first-login-limit";

// A sign-in of that name begins next, with a wrong password.
void first_login(World& world, const std::string& user, const std::string& address) {
  world.next_sign_in();
  world.user = user;
  world.origin = limits::Origin::of_host(address);
  world.remote_host = address;
  world.has_stored_account = world.is_first_login = true;
  world.person->answers = {"wrong password"};
  world.pool.reply_error(ErrorKind::not_authorized);
}

void sign_in_of_alice(World& world) {
  world.next_sign_in();
  world.user = "alice";
  world.origin = limits::Origin::of_host("192.0.2.7");
  world.remote_host = "192.0.2.7";
  world.has_stored_account = true;
  world.is_first_login = false;
  then_totp(world);
  world.person->answers = {"right password", "123456"};
}

std::string name(std::size_t i) {
  return "scan." + std::to_string(i);
}

// So many first logins of one network have asked the pool.
void spend(World& world, std::size_t count, const std::string& address = "192.0.2.1") {
  for (std::size_t i = 0; i < count; ++i) {
    first_login(world, "spent." + std::to_string(world.first_logins.failures.users()), address);
    assert_text(world.run().cause, "not-authorized");
  }
}

void assert_nothing_among_accounts(const World& world) {
  assert_int_equal(world.failures.users(), 0);
  assert_int_equal(world.messages.users(), 0);
  assert_int_equal(world.reset_messages.users(), 0);
  assert_int_equal(world.reset_messages_by_origin.users(), 0);
}

void beyond_the_rate_of_a_source_the_pool_is_not_asked(void**) {
  World world;
  first_login(world, name(0), "192.0.2.1");
  const SignInResult wrong = world.run();
  assert_int_equal(world.calls_of("sign_in"), 1);
  spend(world, 19);
  for (int i = 0; i < 100; ++i) {
    first_login(world, name(1), "192.0.2.200");
    world.refusal_time = milliseconds(321);
    world.clock.slept = {};
    const SignInResult refused = world.run();
    assert_true(world.pool.calls.empty());
    assert_text(refused.cause, kBeyond);
    // As after a wrong password.
    assert_outcome(refused.outcome, wrong.outcome);
    assert_text(refused.notice.text, wrong.notice.text);
    assert_true(refused.notice.kind == wrong.notice.kind);
    assert_true(world.clock.slept == world.refusal_time);
  }
  // A line in the log, and no other one within the minute.
  assert_false(
      world.first_logins.rates.is_to_be_logged(Answer::beyond_source, world.clock.boot_time()));
  // A name that is refused so leaves nothing.
  assert_int_equal(world.first_logins.failures.users(), 20);
  assert_nothing_among_accounts(world);
}

void another_source_and_a_later_minute_are_free(void**) {
  World world;
  spend(world, 20);
  first_login(world, name(0), "192.0.3.1");
  assert_text(world.run().cause, "not-authorized");
  first_login(world, name(1), "192.0.2.1");
  assert_text(world.run().cause, kBeyond);
  world.clock.advance(seconds(60));
  first_login(world, name(1), "192.0.2.1");
  assert_text(world.run().cause, "not-authorized");
}

void beyond_the_rate_of_the_machine_users_with_accounts_sign_in(void**) {
  World world;
  for (const char* address : {"192.0.2.1", "198.51.100.1", "2001:db8::1"})
    spend(world, 20, address);
  first_login(world, name(0), "203.0.113.1");
  assert_text(world.run().cause, kBeyond);
  assert_true(world.pool.calls.empty());
  assert_false(
      world.first_logins.rates.is_to_be_logged(Answer::beyond_machine, world.clock.boot_time()));
  sign_in_of_alice(world);
  assert_outcome(world.run().outcome, Outcome::success);
}

// One first login is counted once, however many calls it needs.
void a_first_login_is_counted_once(void**) {
  World world;
  world.config->limits.first_logins = 1;
  world.first_logins.set_limits(world.config->limits, world.config->limits);
  first_login(world, "alice", "192.0.2.7");
  world.pool.replies.clear();
  world.pool.reply_error(ErrorKind::password_reset_required);
  then_totp(world);
  world.person->answers = {"old password", "4711", "new password", "new password", "123456"};
  assert_outcome(world.run().outcome, Outcome::success);
  assert_int_equal(world.calls_of("sign_in"), 2);
  assert_int_equal(world.first_logins.rates.counted(), 1);
  assert_int_equal(world.stored.size(), 1);
}

void three_failures_of_a_name_are_its_own(void**) {
  World world;
  for (int i = 0; i < 3; ++i) {
    first_login(world, name(0), "192.0.2.1");
    assert_text(world.run().cause, "not-authorized");
  }
  first_login(world, name(0), "198.51.100.1");
  const SignInResult refused = world.run();
  assert_outcome(refused.outcome, Outcome::tries_exhausted);
  assert_text(refused.cause, "failure-budget");
  assert_true(world.pool.calls.empty());
  assert_int_equal(world.first_logins.failures.users(), 1);
  assert_nothing_among_accounts(world);
}

// A name that finds no place is told what a wrong password is told.
void a_full_table_of_names_refuses(void**) {
  World world;
  for (std::size_t i = 0; i < limits::FirstLogins::kMaxNames; ++i)
    (void)world.first_logins.failures.take(name(i), World::kAliceUid, world.origin,
                                           world.clock.boot_time());
  first_login(world, "late.user", "192.0.2.1");
  const SignInResult refused = world.run();
  assert_text(refused.cause, kBeyond);
  assert_text(refused.notice.text, prompts::refused());
  assert_true(world.pool.calls.empty());
  assert_int_equal(world.first_logins.failures.users(), limits::FirstLogins::kMaxNames);
  // A name that is in the table has its other tries.
  first_login(world, name(7), "192.0.2.1");
  assert_text(world.run().cause, "not-authorized");
}

// A right password has a code sent: the budget of messages holds, in a table of its own.
void two_unanswered_codes_and_no_third(void**) {
  World world;
  for (int i = 0; i < 3; ++i) {
    first_login(world, name(0), "192.0.2.1");
    world.pool.replies.clear();
    world.pool.reply_challenge(ChallengeName::sms_mfa);
    world.person->answers = {"right password"};
    const SignInResult result = world.run();
    assert_text(result.cause, i < 2 ? "caller-gone" : "message-budget");
    assert_int_equal(world.calls_of("sign_in"), i < 2 ? 1 : 0);
  }
  assert_int_equal(world.first_logins.messages.users(), 1);
  assert_nothing_among_accounts(world);
}

// Nobody can have codes sent to all people of the pool, and the questions are the same.
void a_reset_beyond_the_rate_sends_nothing(void**) {
  const auto reset = [](World& world) {
    first_login(world, name(0), "192.0.2.1");
    world.config->password.self_service = true;
    for (int i = 0; i < 3; ++i)
      world.pool.fail("confirm_forgot_password", ErrorKind::code_mismatch);
    world.person->answers = {"", "yes", "1111", "new", "new", "2222", "3333"};
  };
  World within;
  reset(within);
  const SignInResult sent = within.run();
  assert_int_equal(within.calls_of("forgot_password"), 1);
  assert_nothing_among_accounts(within);

  World beyond;
  spend(beyond, 20);
  reset(beyond);
  const SignInResult refused = beyond.run();
  assert_true(beyond.pool.calls.empty());
  assert_text(refused.cause, sent.cause);
  assert_text(refused.notice.text, sent.notice.text);
  assert_text(refused.detail, "code-mismatch: first-login-limit");
  assert_true(beyond.person->prompts == within.person->prompts);
  assert_true(beyond.person->notices == within.person->notices);
  assert_int_equal(beyond.first_logins.reset_messages.users(), 0);
  assert_nothing_among_accounts(beyond);
}

// Nothing is there to be locked: a scanner must not have cognitod-accounts started.
void a_disabled_user_without_an_account_is_not_reported(void**) {
  World world;
  first_login(world, "alice", "192.0.2.7");
  world.pool.replies.clear();
  world.pool.reply_error(ErrorKind::user_disabled);
  assert_outcome(world.run().outcome, Outcome::refused);
  assert_true(world.disabled.empty());
}

void no_session_makes_an_account(void**) {
  World world;
  world.config->services["sshd"].reauth = policy::Reauth::none;
  world.put(world.new_session());
  first_login(world, "alice", "192.0.2.7");
  world.pool.replies.clear();
  then_totp(world);
  world.person->answers = {"right password", "123456"};
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_false(result.reused.has_value());
  assert_int_equal(world.stored.size(), 1);
}

// 111 names a second from 5,000 networks for 15 minutes, and alice every half minute.
void a_scan_of_100_000_names_leaves_nothing_and_harms_nobody(void**) {
  World world;
  world.refusal_time = {};  // sign-ins of many connections sleep at once
  world.failures.remember("alice", limits::Origin::of_host("192.0.2.7"));
  const policy::LimitsConfig limits;
  std::size_t scanned = 0;
  std::size_t asked = 0;
  std::vector<std::size_t> asked_in_second;
  for (int second = 0; second < 900; ++second) {
    std::size_t now = 0;
    for (; scanned < static_cast<std::size_t>(second + 1) * 1000 / 9; ++scanned) {
      const std::size_t net = scanned % 5000;
      first_login(world, name(scanned),
                  "10." + std::to_string(net / 250) + "." + std::to_string(net % 250) + ".1");
      assert_outcome(world.run().outcome, Outcome::refused);
      now += world.pool.calls.size();
    }
    asked += now;
    asked_in_second.push_back(now);
    std::size_t in_the_minute = 0;
    for (std::size_t i = asked_in_second.size(); i > 0 && asked_in_second.size() - i < 60; --i)
      in_the_minute += asked_in_second[i - 1];
    assert_true(in_the_minute <= limits.first_logins);
    assert_true(world.first_logins.rates.counted() <= limits.first_logins);
    if (second % 30 == 0) {
      sign_in_of_alice(world);
      assert_outcome(world.run().outcome, Outcome::success);
    }
    world.clock.advance(seconds(1));
  }
  assert_int_equal(scanned, 100'000);
  assert_int_equal(asked, 15 * limits.first_logins);
  assert_int_equal(world.first_logins.failures.users(), asked);
  assert_int_equal(world.first_logins.messages.users(), 0);
  // Only alice, and where she comes from.
  assert_int_equal(world.failures.users(), 1);
  assert_true(
      world.failures.knows("alice", World::kAliceUid, limits::Origin::of_host("192.0.2.7")));
  assert_int_equal(world.messages.users(), 0);
  assert_int_equal(world.stored.size(), 30);
  for (const std::size_t i : {std::size_t{0}, std::size_t{99'999}})
    assert_null(world.known.find(name(i)));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(beyond_the_rate_of_a_source_the_pool_is_not_asked),
      cmocka_unit_test(another_source_and_a_later_minute_are_free),
      cmocka_unit_test(beyond_the_rate_of_the_machine_users_with_accounts_sign_in),
      cmocka_unit_test(a_first_login_is_counted_once),
      cmocka_unit_test(three_failures_of_a_name_are_its_own),
      cmocka_unit_test(a_full_table_of_names_refuses),
      cmocka_unit_test(two_unanswered_codes_and_no_third),
      cmocka_unit_test(a_reset_beyond_the_rate_sends_nothing),
      cmocka_unit_test(a_disabled_user_without_an_account_is_not_reported),
      cmocka_unit_test(no_session_makes_an_account),
      cmocka_unit_test(a_scan_of_100_000_names_leaves_nothing_and_harms_nobody),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
