#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/bus_client.h"
#include "tests/daemon/stage.h"

// The use of a sign-in afterwards: bus, daemon, HTTPS, pool, and a descriptor store such as
// systemd's. The callers are root's programs by their facts.
namespace pamcognito::test {
namespace {

constexpr std::uint32_t kAlice = 1001;
constexpr std::uint32_t kBob = 1002;
constexpr std::uint32_t kLogin = 7;  // alice's audit session
constexpr char kAlicesPassword[] = "Correct-Horse-1";
constexpr char kPolicy[] =
    "[service sudo]\nreauth = none\n"
    "[service polkit-1]\nreauth = password\n";

Pool* pool = nullptr;
// One at a time; a failed test leaves its daemon here for the next one to replace.
std::unique_ptr<Supervisor> daemon_;

void start(const std::string& more = kPolicy) {
  daemon_.reset();
  daemon_ = std::make_unique<Supervisor>(configuration_for(*pool, more));
}

int fresh_pool(void**) {
  if (daemon_) (void)daemon_->stop();
  daemon_.reset();
  (void)pool->admin("reset");
  return 0;
}

// sshd's, from another host.
FactMap facts_of_sshd() {
  return {{"ruid", 0U}, {"uid", kAlice}, {"rhost", "192.0.2.7"}, {"id", "0123456789abcdef"}};
}

// A code of the authenticator that was not used yet.
std::string new_code(const std::string& user) {
  Json::Value who;
  who["username"] = user;
  (void)pool->admin("users/unlock", who);
  return pool->totp_code(user);
}

std::optional<std::string> types_all(const DaemonFrame& frame) {
  return frame.purpose == Purpose::password ? kAlicesPassword : new_code("alice");
}

std::optional<std::string> types_nothing(const DaemonFrame&) {
  return std::nullopt;
}

// A full login of alice's, joined to its audit session.
SignInId log_in(BusClient& bus, std::uint32_t audit_session = kLogin) {
  const Conversation login = sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all);
  assert_int_equal(static_cast<int>(login.outcome), static_cast<int>(Outcome::success));
  const std::optional<Outcome> account = ask_account(login);
  assert_true(account == Outcome::success);
  assert_text(bus.open_login("alice", login.id, facts_in_login(kAlice, audit_session)).error(), "");
  return login.id;
}

// The number of sudo's questions in that login; the caller hangs up at the first.
std::size_t questions_of(BusClient& bus, const std::string& service, const FactMap& facts) {
  return sign_in(bus, "alice", service, facts, types_nothing).asked.size();
}

bool sudo_asks_nothing(BusClient& bus, std::uint32_t audit_session = kLogin) {
  const Conversation sudo =
      sign_in(bus, "alice", "sudo", facts_in_login(kAlice, audit_session), types_nothing);
  return sudo.outcome == Outcome::success && sudo.asked.empty() &&
         ask_account(sudo) == Outcome::success;
}

void a_session_replaces_a_sign_in(void**) {
  start();
  BusClient bus;
  (void)log_in(bus);
  const int calls = pool->count("InitiateAuth");
  assert_true(sudo_asks_nothing(bus));
  assert_int_equal(pool->count("InitiateAuth"), calls);
  assert_int_equal(pool->count("GetTokensFromRefreshToken"), 0);
  assert_true(Cognitod::log().contains("id=0123456789abcdef"));
  assert_true(Cognitod::log().contains("CALLS=InitiateAuth ok"));
}

// 100 groups, names of 128 characters: the session fills several slots.
void a_user_with_many_groups_has_a_session(void**) {
  Json::Value request;
  request["username"] = "alice";
  request["groups"].append("linux-users");
  for (int i = 101; i < 200; ++i)
    request["groups"].append(std::to_string(i) + std::string(125, 'g'));
  (void)pool->admin("users/update", request);
  start("[service sudo]\nreauth = password\n");
  BusClient bus;
  (void)log_in(bus);
  const auto types_password = [](const DaemonFrame& frame) -> std::optional<std::string> {
    if (frame.purpose != Purpose::password) return std::nullopt;
    return kAlicesPassword;
  };
  const int calls = pool->count("InitiateAuth");
  const Conversation sudo =
      sign_in(bus, "alice", "sudo", facts_in_login(kAlice, kLogin), types_password);
  assert_int_equal(static_cast<int>(sudo.outcome), static_cast<int>(Outcome::success));
  assert_int_equal(sudo.asked.size(), 1);
  assert_int_equal(pool->count("InitiateAuth"), calls);
}

void only_in_its_own_login(void**) {
  start();
  BusClient bus;
  (void)log_in(bus);
  FactMap facts = facts_in_login(kAlice, kLogin);
  assert_int_equal(questions_of(bus, "sudo", facts), 0);
  facts["audit_session"] = kLogin + 1;
  assert_int_equal(questions_of(bus, "sudo", facts), 1);
  facts["audit_session"] = 0xffffffffU;
  assert_int_equal(questions_of(bus, "sudo", facts), 1);
  facts = facts_in_login(kAlice, kLogin);
  facts["ruid"] = 0U;  // su by root in alice's login
  assert_int_equal(questions_of(bus, "sudo", facts), 1);
  facts["ruid"] = kBob;
  assert_int_equal(questions_of(bus, "sudo", facts), 1);
  facts = facts_in_login(kAlice, kLogin);
  facts["loginuid"] = kBob;
  assert_int_equal(questions_of(bus, "sudo", facts), 1);
  facts = facts_in_login(kAlice, kLogin);
  facts.erase("uid");  // an older module
  assert_int_equal(questions_of(bus, "sudo", facts), 1);
}

void a_login_is_joined_once_and_by_its_user_only(void**) {
  start();
  BusClient bus;
  const Conversation login = sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all);
  assert_true(ask_account(login) == Outcome::success);
  assert_text(bus.open_login("bob", login.id, facts_in_login(kBob, kLogin)).error(),
              "NoSuchSession");
  assert_text(bus.open_login("alice", login.id, facts_in_login(kBob, kLogin)).error(), "");
  assert_int_equal(questions_of(bus, "sudo", facts_in_login(kAlice, kLogin)), 1);
}

void a_login_needs_audit_ids_of_the_user(void**) {
  start();
  BusClient bus;
  const Conversation login = sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all);
  assert_true(ask_account(login) == Outcome::success);
  for (const char* broken : {"loginuid", "audit_session", "uid"}) {
    FactMap facts = facts_in_login(kAlice, kLogin);
    facts.erase(broken);
    assert_text(bus.open_login("alice", login.id, facts).error(), "NotPermitted");
  }
  assert_text(bus.open_login("alice", login.id, facts_in_login(kAlice, kLogin)).error(), "");
  assert_text(bus.open_login("alice", login.id, facts_in_login(kAlice, kLogin + 1)).error(),
              "NoSuchSession");
}

// How many tokens were revoked. That is done in the background: the time is spent only in vain.
int revocations() {
  Json::Value request;
  request["operation"] = "RevokeToken";
  request["wait_ms"] = 60'000;
  return pool->admin("log/wait", request)["count"].asInt();
}

void the_last_logout_signs_out(void**) {
  start(std::string("[session]\nend_on_logout = yes\n") + kPolicy);
  BusClient bus;
  (void)log_in(bus);
  assert_text(bus.close_login("alice", facts_in_login(kAlice, kLogin + 1)).error(), "");
  assert_int_equal(bus.count_sessions("alice"), 1);
  assert_text(bus.close_login("alice", facts_in_login(kAlice, kLogin)).error(), "");
  assert_int_equal(bus.count_sessions("alice"), 0);
  assert_int_equal(revocations(), 1);
}

// Waits until policy gives that answer about alice; the test's own time limit bounds it.
void wait_for_policy(BusClient& bus, const char* service, const char* words) {
  constexpr int tries = 6000;
  for (int i = 0; i < tries; ++i) {
    const Reply reply = bus.call("TestPolicy", [&](sd_bus_message* m) {
      (void)sd_bus_message_append(m, "ss", "alice", service);
    });
    if (reply.text().contains(words)) return;
    (void)::usleep(10'000);
  }
  fail_msg("waited in vain for %s", words);
}

void the_password_of_the_session_will_do_where_policy_says_so(void**) {
  start();
  BusClient bus;
  (void)log_in(bus);
  const int calls = pool->count("InitiateAuth");
  const FactMap facts = facts_in_login(kAlice, kLogin);
  // Its verifier is made in the background.
  wait_for_policy(bus, "polkit-1", "[session-by-sshd password   fresh ]");
  const Conversation polkit = sign_in(bus, "alice", "polkit-1", facts, types_all);
  assert_true(polkit.outcome == Outcome::success);
  assert_int_equal(polkit.asked.size(), 1);
  assert_int_equal(pool->count("InitiateAuth"), calls);
  const Conversation wrong = sign_in(bus, "alice", "polkit-1", facts,
                                     [](const DaemonFrame&) { return std::string("wrong"); });
  assert_true(wrong.outcome == Outcome::refused);
  assert_int_equal(pool->count("InitiateAuth"), calls);
}

// The questions of a login by sshd with everything that alice knows.
std::size_t questions_from(BusClient& bus, const std::string& remote_host) {
  FactMap facts = facts_of_sshd();
  facts["rhost"] = remote_host;
  const Conversation login = sign_in(bus, "alice", "sshd", facts, types_all);
  assert_true(login.outcome == Outcome::success);
  assert_true(ask_account(login) == Outcome::success);
  return login.asked.size();
}

void a_second_login_from_the_address_asks_for_the_password(void**) {
  start("[service sshd]\nreauth = password\nreauth_from = origin\n");
  BusClient bus;
  (void)log_in(bus);
  wait_for_policy(bus, "sshd", "[session-by-sshd password   fresh ]");
  const std::string report =
      bus.call("TestPolicy",
               [](sd_bus_message* m) { (void)sd_bus_message_append(m, "ss", "alice", "sshd"); })
          .text();
  assert_true(report.contains("[reauth-from origin "));
  // A machine without a route to that address does not know whose it is: then it never counts.
  const bool has_route = report.contains("[login-from-192.0.2.7 password   fresh ]");
  if (!has_route) assert_true(report.contains("[login-from-host:192.0.2.7/32 full   no-address ]"));
  const std::size_t second = has_route ? 1 : 2;
  const std::string counts_from = has_route ? "counts_from [192.0.2.7 ]" : "counts_from [ ]";
  assert_true(bus.call_text("ListSessions", "alice").text().contains(counts_from));
  assert_int_equal(questions_from(bus, "192.0.2.7"), second);
  // Neither another address nor this machine's counts; each sign-in here is a session of its own,
  // whose login does not open.
  for (const char* other : {"192.0.2.8", "127.0.0.1", "::1", "host.example.com"})
    assert_int_equal(questions_from(bus, other), 2);
  assert_int_equal(questions_from(bus, "192.0.2.7"), second);
  assert_text(bus.close_login("alice", facts_in_login(kAlice, kLogin)).error(), "");
  assert_int_equal(questions_from(bus, "192.0.2.7"), 2);
}

void a_success_that_is_not_taken_over_leaves_nothing(void**) {
  start();
  BusClient bus;
  const Conversation test =
      sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all, Reception::abort);
  assert_true(test.outcome == Outcome::success);
  assert_int_equal(revocations(), 1);
  assert_int_equal(bus.count_sessions("alice"), 0);
  assert_true(Cognitod::log().contains("CAUSE=not-taken-over"));
  // No account phase either, by the sign-in's id; her groups are known by name all the same.
  assert_true(bus.open_login("alice", test.id, facts_in_login(kAlice, kLogin)).error() ==
              "NoSuchSession");
}

// As cognitoctl login-test: nothing is kept, even after an acknowledgement.
void a_test_is_a_success_that_leaves_nothing(void**) {
  for (const Reception reception : {Reception::abort, Reception::ack}) {
    (void)fresh_pool(nullptr);
    start();
    const std::size_t before = Cognitod::log().size();
    BusClient bus;
    FactMap facts = facts_of_sshd();
    facts["test"] = 1U;
    const Conversation test = sign_in(bus, "alice", "sshd", facts, types_all, reception);
    assert_true(test.outcome == Outcome::success);
    assert_int_equal(revocations(), 1);
    assert_int_equal(bus.count_sessions("alice"), 0);
    const std::string log = Cognitod::log().substr(before);
    assert_true(log.contains("OUTCOME=success CAUSE=tested"));
    assert_false(log.contains("conversation-broken"));
    assert_true(bus.open_login("alice", test.id, facts_in_login(kAlice, kLogin)).error() ==
                "NoSuchSession");
  }
}

void a_restart_and_a_kill_keep_sessions(void**) {
  start();
  {
    BusClient bus;
    (void)log_in(bus);
  }
  assert_int_equal(daemon_->kept(), 1);
  daemon_->restart();
  {
    BusClient bus;
    assert_int_equal(bus.count_sessions("alice"), 1);
    assert_true(sudo_asks_nothing(bus));
  }
  assert_int_equal(pool->count("RevokeToken"), 0);
  daemon_->kill_and_start();
  {
    BusClient bus;
    assert_true(sudo_asks_nothing(bus));
    const Reply ended = bus.call_text("SignOut", "alice");
    assert_text(ended.text(), "1 ");
  }
  daemon_->kill_and_start();
  BusClient bus;
  assert_int_equal(bus.count_sessions("alice"), 0);
  assert_int_equal(questions_of(bus, "sudo", facts_in_login(kAlice, kLogin)), 1);
}

std::optional<std::string> types_a_wrong_password(const DaemonFrame&) {
  return "not-the-password";
}

// Nor can an attacker use a restart to lock users out.
void where_a_session_was_begun_is_known_after_a_restart(void**) {
  start();
  {
    BusClient bus;
    (void)log_in(bus);
  }
  daemon_->restart();
  BusClient bus;
  FactMap elsewhere = facts_of_sshd();
  elsewhere["rhost"] = "198.51.100.9";
  const int attempts = pool->count("InitiateAuth");
  for (int i = 0; i < 3; ++i)
    assert_true(sign_in(bus, "alice", "sshd", elsewhere, types_a_wrong_password).outcome ==
                Outcome::refused);
  assert_true(sign_in(bus, "alice", "sshd", elsewhere, types_all).outcome ==
              Outcome::tries_exhausted);
  assert_int_equal(pool->count("InitiateAuth"), attempts + 3);
  assert_true(sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all).outcome ==
              Outcome::success);
}

void disable(const std::string& user) {
  Json::Value who;
  who["username"] = user;
  (void)pool->admin("users/disable", who);
}

void a_disabled_user_is_out_at_the_next_revalidation(void**) {
  start(std::string("[session]\nrevalidate = 0\n") + kPolicy);
  BusClient bus;
  (void)log_in(bus);
  assert_true(sudo_asks_nothing(bus));
  assert_true(pool->count("GetTokensFromRefreshToken") >= 1);
  disable("alice");
  const FactMap by_key{{"ruid", 0U}, {"uid", kAlice}, {"rhost", "192.0.2.7"}};
  assert_int_equal(bus.check_account("alice", "sshd", std::nullopt, by_key),
                   static_cast<int>(Outcome::account_expired));
  assert_int_equal(questions_of(bus, "sudo", facts_in_login(kAlice, kLogin)), 1);
  assert_int_equal(bus.count_sessions("alice"), 0);
  assert_true(bus.call("ListIdentities").text().contains("disabled"));
}

void lifetime_0_keeps_no_session(void**) {
  start(std::string("[session]\nlifetime = 0\n"));
  BusClient bus;
  const Conversation login = sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all);
  assert_true(ask_account(login) == Outcome::success);
  assert_int_equal(bus.count_sessions("alice"), 0);
  assert_int_equal(revocations(), 1);
}

void the_account_is_asked_for_once_on_the_socket(void**) {
  start();
  BusClient bus;
  const Conversation login = sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all);
  assert_true(ask_account(login) == Outcome::success);
  assert_true(ask_account(login) == std::nullopt);
  // A caller that lost the socket may ask on the bus.
  const FactMap facts = facts_of_sshd();
  assert_int_equal(bus.check_account("alice", "sshd", login.id, facts),
                   static_cast<int>(Outcome::success));
  assert_true(bus.call("GetStatus").text().contains("sign_ins_open [0 ]"));
}

void reload_keeps_what_is_open(void**) {
  start();
  BusClient bus;
  std::string said;
  const auto reload_at_the_code = [&](const std::string& configuration) {
    return sign_in(bus, "alice", "sshd", facts_of_sshd(), [&](const DaemonFrame& frame) {
      if (frame.purpose == Purpose::code) said = daemon_->reload(configuration);
      return types_all(frame);
    });
  };
  const std::string strict = "[service sudo]\nreauth = full\n";
  Conversation login = reload_at_the_code(configuration_for(*pool, strict));
  assert_true(login.outcome == Outcome::success);
  assert_true(ask_account(login) == Outcome::success);
  assert_true(said.contains("READY=1\nSTATUS=ready, user pool eu-west-1_CogPool01"));
  assert_text(bus.open_login("alice", login.id, facts_in_login(kAlice, kLogin)).error(), "");
  assert_int_equal(questions_of(bus, "sudo", facts_in_login(kAlice, kLogin)), 1);

  login = reload_at_the_code(configuration_for(*pool, "[mfa]\ncolour = blue\n"));
  assert_true(login.outcome == Outcome::success);
  assert_true(said.contains("not reloaded, the configuration in force stays: "));
  assert_true(said.contains("cognitod.conf:"));
  assert_int_equal(questions_of(bus, "sudo", facts_in_login(kAlice, kLogin)), 1);

  (void)daemon_->reload(configuration_for(*pool, kPolicy));
  assert_true(sudo_asks_nothing(bus));
}

void reload_ends_idleness(void**) {
  daemon_.reset();
  daemon_ = std::make_unique<Supervisor>("[pool]\nregion = eu-west-1\ncolour = blue\n");
  BusClient bus;
  assert_text(sign_in(bus, "alice", "sshd", facts_of_sshd(), types_all).error, "Unconfigured");
  assert_true(daemon_->reload("[pool]\n").contains("still not configured"));
  assert_true(daemon_->reload(configuration_for(*pool, kPolicy)).contains("STATUS=ready, user"));
  (void)log_in(bus);
  assert_true(sudo_asks_nothing(bus));
}

void another_app_client_ends_sessions_and_no_sign_in(void**) {
  start();
  BusClient bus;
  (void)log_in(bus);
  std::string other = configuration_for(*pool, kPolicy);
  const std::string client = pool->ready()["client_id"].asString();
  other.replace(other.find(client), client.size(), "4cognitopool5rotate6id78");
  const Conversation login =
      sign_in(bus, "alice", "sshd", facts_of_sshd(), [&](const DaemonFrame& frame) {
        if (frame.purpose == Purpose::code) (void)daemon_->reload(other);
        return types_all(frame);
      });
  assert_true(login.outcome == Outcome::success);
  assert_true(ask_account(login) == Outcome::success);
  // The tokens of both are the old client's.
  assert_int_equal(bus.count_sessions("alice"), 0);
  (void)log_in(bus);
  assert_true(sudo_asks_nothing(bus));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  set_up_accounts();
  const PrivateBus bus;
  Pool started;
  pool = &started;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_session_replaces_a_sign_in, fresh_pool),
      cmocka_unit_test_setup(a_user_with_many_groups_has_a_session, fresh_pool),
      cmocka_unit_test_setup(only_in_its_own_login, fresh_pool),
      cmocka_unit_test_setup(a_login_is_joined_once_and_by_its_user_only, fresh_pool),
      cmocka_unit_test_setup(a_login_needs_audit_ids_of_the_user, fresh_pool),
      cmocka_unit_test_setup(the_last_logout_signs_out, fresh_pool),
      cmocka_unit_test_setup(the_password_of_the_session_will_do_where_policy_says_so, fresh_pool),
      cmocka_unit_test_setup(a_second_login_from_the_address_asks_for_the_password, fresh_pool),
      cmocka_unit_test_setup(a_success_that_is_not_taken_over_leaves_nothing, fresh_pool),
      cmocka_unit_test_setup(a_test_is_a_success_that_leaves_nothing, fresh_pool),
      cmocka_unit_test_setup(a_restart_and_a_kill_keep_sessions, fresh_pool),
      cmocka_unit_test_setup(where_a_session_was_begun_is_known_after_a_restart, fresh_pool),
      cmocka_unit_test_setup(a_disabled_user_is_out_at_the_next_revalidation, fresh_pool),
      cmocka_unit_test_setup(lifetime_0_keeps_no_session, fresh_pool),
      cmocka_unit_test_setup(the_account_is_asked_for_once_on_the_socket, fresh_pool),
      cmocka_unit_test_setup(reload_keeps_what_is_open, fresh_pool),
      cmocka_unit_test_setup(reload_ends_idleness, fresh_pool),
      cmocka_unit_test_setup(another_app_client_ends_sessions_and_no_sign_in, fresh_pool),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  daemon_.reset();
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
