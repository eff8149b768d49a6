#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/stage.h"

// Whole sign-ins: module, bus, daemon, HTTPS, pool. Each test starts a daemon of its own, because
// budgets and verified groups live in it, and resets the pool.
namespace pamcognito::test {
namespace {

Pool* pool = nullptr;
// One at a time; a failed test leaves its daemon here for the next one to replace.
std::unique_ptr<Cognitod> daemon_;

void start(const std::string& configuration) {
  daemon_.reset();
  daemon_ = std::make_unique<Cognitod>(configuration);
}

void stop() {
  assert_int_equal(daemon_->stop(), 0);
}

void assert_code(int actual, int expected) {
  assert_string_equal(code_name(actual), code_name(expected));
}

void assert_code_of(const std::string& what, int actual, int expected) {
  if (actual != expected) print_error("%s:\n", what.c_str());
  assert_code(actual, expected);
}

struct Known {
  const char* name;
  const char* password;
};
constexpr Known kAlice{"alice", "Correct-Horse-1"};  // TOTP, linux-admins
constexpr Known kBob{"bob", "Battery-Staple-2"};     // SMS
constexpr Known kCarol{"carol", "Purple-Monkey-3"};  // e-mail
constexpr Known kDave{"dave", "Dish-Washer-4"};      // SMS and TOTP, none preferred
constexpr Known kErin{"erin", "Garden-Gnome-5"};     // no factor
constexpr Known kFrank{"frank", "Silver-Spoon-6"};   // TOTP, not in linux-users
constexpr Known kOscar{"oscar", "Locked-Door-8"};    // disabled

enum class By { totp, message };

// A person who types the right password, and the right code when it is asked for.
struct Typist {
  Typist(const Known& known_, By by) : known(known_) {
    person.answers = {known.password};
    person.before_answering = [this, by](std::size_t question) {
      if (question == 0) return;
      person.answers.push_back(by == By::totp ? pool->totp_code(known.name)
                                              : pool->message_code(known.name));
    };
  }
  Typist(const Typist&) = delete;
  Typist& operator=(const Typist&) = delete;

  int sign_in(const Stack& stack = {}) {
    Transaction transaction(known.name, &person, stack);
    const int code = transaction.authenticate();
    account = code == PAM_SUCCESS ? transaction.account() : -1;
    tokens = transaction.tokens_handed_over();
    return code;
  }

  Known known;
  Person person;
  int account = -1;
  std::string tokens;
};

int fresh_pool(void**) {
  // Gently, so that no revocation of the last test arrives in this one.
  if (daemon_) (void)daemon_->stop();
  daemon_.reset();
  (void)pool->admin("reset");
  return 0;
}

void totp(void**) {
  start(configuration_for(*pool));
  Typist alice(kAlice, By::totp);
  assert_code(alice.sign_in(), PAM_SUCCESS);
  assert_code(alice.account, PAM_SUCCESS);
  assert_text(alice.tokens, "AUTHTOK=Correct-Horse-1 OLDAUTHTOK=-");
  assert_text(alice.person.seen,
              "hidden(Password: ) | visible(Code from your authenticator app: )");
  // The API's floor: three calls before PAM_SUCCESS.
  assert_int_equal(pool->count("InitiateAuth"), 1);
  assert_int_equal(pool->count("RespondToAuthChallenge"), 2);
  stop();
  // Nothing uses the tokens any more; on its way out the daemon saw to that.
  assert_int_equal(pool->count("RevokeToken"), 1);
}

void messages(void**) {
  start(configuration_for(*pool));
  Typist bob(kBob, By::message);
  assert_code(bob.sign_in(), PAM_SUCCESS);
  assert_true(bob.person.seen.contains("by SMS (Enter = send again): "));
  Typist carol(kCarol, By::message);
  assert_code(carol.sign_in(), PAM_SUCCESS);
  assert_true(carol.person.seen.contains("by e-mail (Enter = send again): "));
}

void a_choice(void**) {
  start(configuration_for(*pool, "ask_method = yes\n"));
  Typist dave(kDave, By::message);
  dave.person.before_answering = [&dave](std::size_t question) {
    if (question == 1) dave.person.answers.push_back("2");
    if (question == 2) dave.person.answers.push_back(pool->message_code("dave"));
  };
  assert_code(dave.sign_in(), PAM_SUCCESS);
}

void wrong_then_right_code(void**) {
  start(configuration_for(*pool));
  Typist alice(kAlice, By::totp);
  alice.person.before_answering = [&alice](std::size_t question) {
    if (question == 1) alice.person.answers.push_back("000000");
    if (question == 2) alice.person.answers.push_back(pool->totp_code("alice"));
  };
  assert_code(alice.sign_in(), PAM_SUCCESS);
  assert_true(alice.person.seen.contains("error(Incorrect code."));
}

void who_is_refused(void**) {
  start(configuration_for(*pool));
  for (const Known& known : {Known{"alice", "wrong"}, kOscar, Known{"nobody-knows", "anything"}}) {
    Typist person(known, By::totp);
    assert_code(person.sign_in(), PAM_AUTH_ERR);
    assert_true(person.person.seen.contains(
        "error(Sign-in failed. Check your user name and password. (Ref "));
  }
  Typist frank(kFrank, By::totp);
  assert_code(frank.sign_in(), PAM_PERM_DENIED);
  Typist erin(kErin, By::totp);
  assert_code(erin.sign_in(), PAM_PERM_DENIED);
  stop();
  assert_int_equal(pool->count("RevokeToken"), 2);  // frank's and erin's tokens
}

void a_self_written_preferred_user_name_is_no_way_in(void**) {
  Json::Value settings;
  settings["alias_before_username"] = true;  // the worst case
  (void)pool->admin("settings/set", settings);
  start(configuration_for(*pool));
  Typist mallory_as_bob(Known{"bob", "Wicked-Witch-7"}, By::totp);
  mallory_as_bob.person.before_answering = [&](std::size_t question) {
    if (question == 1) mallory_as_bob.person.answers.push_back(pool->totp_code("mallory"));
  };
  assert_code(mallory_as_bob.sign_in(), PAM_PERM_DENIED);
  assert_true(Cognitod::log().contains("CAUSE=identity"));
}

void forged_tokens(void**) {
  for (const char* forgery :
       {"alg_none", "hs256", "other_kid", "wrong_key", "bad_signature", "expired", "wrong_client",
        "other_issuer", "other_sub", "other_user", "swapped", "no_expiry"}) {
    (void)pool->admin("reset");
    Json::Value more;
    more["forgery"] = forgery;
    pool->fault("SOFTWARE_TOKEN_MFA", "forged_tokens", more);
    start(configuration_for(*pool));
    Typist alice(kAlice, By::totp);
    // The last step is judged after the password was accepted: never AUTHINFO_UNAVAIL.
    assert_code_of(forgery, alice.sign_in(),
                   std::string_view(forgery) == "other_user" ? PAM_PERM_DENIED : PAM_AUTH_ERR);
  }
}

// Each fault at each call: never a success, and never the code that lets a local password in once
// the password was accepted.
void faults(void**) {
  for (const char* kind : {"cut_after_reading", "lose_answer", "server_error", "throttle", "waf",
                           "wrong_types", "missing_members", "truncated", "endless"}) {
    for (const char* on : {"USER_SRP_AUTH", "PASSWORD_VERIFIER", "SOFTWARE_TOKEN_MFA"}) {
      (void)pool->admin("reset");
      Json::Value more;
      more["times"] = 0;
      pool->fault(on, kind, more);
      start(configuration_for(*pool));
      Typist alice(kAlice, By::totp);
      assert_code_of(std::string(kind) + " at " + on, alice.sign_in(), PAM_AUTH_ERR);
    }
  }
}

void requests_that_are_cut_are_counted(void**) {
  struct Row {
    const char* on;
    const char* operation;
    int requests;  // of the first sign-in, the cut one included
    int code;
  };
  // Only the first SRP call may go out twice; whatever causes a message or spends an attempt may
  // not.
  for (const Row& row :
       {Row{"USER_SRP_AUTH", "InitiateAuth", 2, PAM_SUCCESS},
        Row{"PASSWORD_VERIFIER", "RespondToAuthChallenge/PASSWORD_VERIFIER", 1, PAM_AUTH_ERR},
        Row{"SOFTWARE_TOKEN_MFA", "RespondToAuthChallenge/SOFTWARE_TOKEN_MFA", 1, PAM_AUTH_ERR},
        Row{"RevokeToken", "RevokeToken", 2, PAM_SUCCESS}}) {
    (void)pool->admin("reset");
    pool->fault(row.on, "cut_after_reading");
    start(configuration_for(*pool));
    Typist alice(kAlice, By::totp);
    const int code = alice.sign_in();
    stop();
    assert_code_of(row.on, code, row.code);
    assert_int_equal(pool->count(row.operation), row.requests);
  }
}

void a_password_that_is_cut_goes_out_once(void**) {
  Json::Value client;
  client["client_id"] = pool->ready()["client_id"];
  client["explicit_auth_flows"].append("ALLOW_USER_PASSWORD_AUTH");
  (void)pool->admin("clients/set", client);
  std::string configuration = configuration_for(*pool);
  configuration.insert(configuration.find("[access]"), "auth_flow = password\n");

  start(configuration);
  pool->fault("USER_PASSWORD_AUTH", "cut_after_reading");
  Typist cut(kAlice, By::totp);
  assert_code(cut.sign_in(), PAM_AUTH_ERR);
  assert_int_equal(pool->count("InitiateAuth"), 1);
  Typist alice(kAlice, By::totp);
  assert_code(alice.sign_in(), PAM_SUCCESS);
}

void a_pool_that_is_late(void**) {
  Json::Value more;
  more["delay_ms"] = 60'000;
  pool->fault("PASSWORD_VERIFIER", "delay", more);
  start(configuration_for(*pool));
  Typist alice(kAlice, By::totp);
  assert_code(alice.sign_in(), PAM_AUTH_ERR);
  (void)pool->admin("faults/clear");
}

// One sign-in's failure proves nothing.
void a_pool_that_cannot_be_reached(void**) {
  std::string configuration = configuration_for(*pool);
  const std::string port = std::to_string(pool->ready()["port"].asInt());
  for (std::size_t at = configuration.find(port); at != std::string::npos;
       at = configuration.find(port))
    configuration.replace(at, port.size(), "1");  // tcpmux: nobody listens
  start(configuration);
  Typist alice(kAlice, By::totp);
  assert_code(alice.sign_in(), PAM_AUTH_ERR);
}

void an_expired_session_is_taken_up_again(void**) {
  start(configuration_for(*pool));
  Typist alice(kAlice, By::totp);
  alice.person.before_answering = [&alice](std::size_t question) {
    if (question != 1) return;
    Json::Value by;
    by["life_s"] = 200;
    (void)pool->admin("clock/advance", by);
    alice.person.answers.push_back(pool->totp_code("alice"));
  };
  assert_code(alice.sign_in(), PAM_SUCCESS);
  assert_int_equal(pool->count("InitiateAuth"), 2);
}

void attackers_do_not_lock_the_account(void**) {
  start(configuration_for(*pool));
  for (int i = 0; i < 6; ++i) {
    Typist stranger(Known{"alice", "guess"}, By::totp);
    const int code = stranger.sign_in();
    assert_code(code, i < 3 ? PAM_AUTH_ERR : PAM_MAXTRIES);
  }
  assert_int_equal(pool->count("RespondToAuthChallenge/PASSWORD_VERIFIER"), 3);
}

void without_a_configuration(void**) {
  start("[pool]\nregion = eu-west-1\ncolour = blue\n");
  Typist alice(kAlice, By::totp);
  assert_code(alice.sign_in(), PAM_AUTHINFO_UNAVAIL);
  assert_true(Cognitod::log().contains("/etc/pam-cognito/cognitod.conf:3"));
  stop();
}

void the_account_phase(void**) {
  const std::string narrowed = "[service sudo]\nallow_groups = linux-admins\n";
  {
    start(configuration_for(*pool, narrowed));
    Person nobody;
    {
      Transaction never_seen("bob", &nobody);
      assert_code(never_seen.account(), PAM_PERM_DENIED);
    }
    Typist bob(kBob, By::message);
    assert_code(bob.sign_in(), PAM_SUCCESS);
    assert_code(bob.account, PAM_SUCCESS);
    {
      Transaction by_key("bob", &nobody);
      assert_code(by_key.account(), PAM_SUCCESS);
      Stack sudo;
      sudo.service = "sudo";
      Transaction no_admin("bob", &nobody, sudo);
      assert_code(no_admin.account(), PAM_PERM_DENIED);
    }
    // The daemon goes between the phases: its successor knows nothing of the sign-in.
    (void)pool->admin("reset");
    Typist alice(kAlice, By::totp);
    Transaction transaction("alice", &alice.person);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    stop();
    start(configuration_for(*pool));
    assert_code(transaction.account(), PAM_PERM_DENIED);
  }
}

void a_client_secret(void**) {
  Json::Value client;
  client["client_id"] = pool->ready()["client_id"];
  client["client_secret"] = "a-secret-of-the-app-client";
  (void)pool->admin("clients/set", client);
  {
    start(configuration_for(*pool));
    Typist alice(kAlice, By::totp);
    assert_code(alice.sign_in(), PAM_AUTH_ERR);
  }
  write_file("/run/client_secret", "a-secret-of-the-app-client\n", 0400);
  assert_int_equal(::chown("/run/client_secret", kDaemonUid, kDaemonUid), 0);
  (void)::setenv("CREDENTIALS_DIRECTORY", "/run", 1);
  start(configuration_for(*pool));
  (void)::unsetenv("CREDENTIALS_DIRECTORY");
  Typist alice(kAlice, By::totp);
  assert_code(alice.sign_in(), PAM_SUCCESS);
  Typist bob(kBob, By::message);
  assert_code(bob.sign_in(), PAM_SUCCESS);
}

void a_temporary_password(void**) {
  Json::Value request;
  request["username"] = "alice";
  request["password"] = "Temporary-Pass-1";
  request["permanent"] = false;
  (void)pool->admin("users/set-password", request);
  start(configuration_for(*pool));
  Typist alice(Known{"alice", "Temporary-Pass-1"}, By::totp);
  alice.person.answers = {"Temporary-Pass-1", "short", "short", "Brand-New-Pass-2",
                          "Brand-New-Pass-2"};
  alice.person.before_answering = [&alice](std::size_t question) {
    if (question == 5) alice.person.answers.push_back(pool->totp_code("alice"));
  };
  assert_code(alice.sign_in(), PAM_SUCCESS);
  assert_text(alice.tokens, "AUTHTOK=Brand-New-Pass-2 OLDAUTHTOK=Temporary-Pass-1");
  assert_true(alice.person.seen.contains("error(Password not accepted: "));

  (void)pool->admin("users/unlock", request);
  Typist again(Known{"alice", "Brand-New-Pass-2"}, By::totp);
  assert_code(again.sign_in(), PAM_SUCCESS);
}

// A screen locker's case: the process is the user's own.
int sign_in_as_uid(uid_t uid, const Known& known) {
  Child process([&] {
    Typist typist(known, By::totp);
    // Loaded while root: the checkout may lie where that user may not go.
    Transaction transaction(known.name, &typist.person);
    if (::setgid(uid) != 0 || ::setuid(uid) != 0) return 99;
    const int code = transaction.authenticate();
    return code == PAM_SUCCESS ? transaction.account() : code;
  });
  return process.wait();
}

void an_ordinary_user_may_sign_in_as_itself_only(void**) {
  start(configuration_for(*pool));
  assert_code(sign_in_as_uid(1001, kAlice), PAM_SUCCESS);
  assert_true(Cognitod::log().contains("sign-in of alice by user from uid:1001: success"));
  const int calls = pool->count("InitiateAuth");
  assert_code(sign_in_as_uid(1002, kAlice), PAM_AUTH_ERR);  // bob, as alice
  assert_code(sign_in_as_uid(1900, kAlice), PAM_AUTH_ERR);  // localuser, a local user
  assert_int_equal(pool->count("InitiateAuth"), calls);
}

// i3lock runs as its user and answers every prompt alike: how it is asked goes by its own name.
void a_locker_that_asks_once_takes_password_and_code(void**) {
  start(configuration_for(*pool));
  const std::size_t before = Cognitod::log().size();
  Child locker([] {
    Person person;
    person.answers = {"Correct-Horse-1+" + pool->totp_code("alice")};
    Stack stack;
    stack.service = "i3lock";
    Transaction transaction("alice", &person, stack);
    if (::setgid(1001) != 0 || ::setuid(1001) != 0) return 99;
    return transaction.authenticate();
  });
  assert_code(locker.wait(), PAM_SUCCESS);
  Cognitod::wait_for_log("sign-in of alice by user from uid:1001: success", before);
}

// "method OpenSignIn user:s:in …", one line a member, in the order of the XML.
std::string members_of(const std::string& interface, const std::string& xml) {
  const std::size_t from = xml.find("<interface name=\"" + interface + "\"");
  const std::size_t to = xml.find("</interface>", from);
  assert_true(from != std::string::npos && to != std::string::npos);
  const std::string part = xml.substr(from, to - from);
  const std::regex tag("<(method|arg|property) ([^>]*)>");
  const std::regex attribute("(name|type|direction|access)=\"([^\"]*)\"");
  std::string members;
  for (std::sregex_iterator it(part.begin(), part.end(), tag), end; it != end; ++it) {
    const std::string attributes = (*it)[2];
    std::map<std::string, std::string> values;
    for (std::sregex_iterator a(attributes.begin(), attributes.end(), attribute); a != end; ++a)
      values[(*a)[1]] = (*a)[2];
    members += (*it)[1].str();
    for (const auto& [name, value] : values) members += " " + name + "=" + value;
    members += "\n";
  }
  return members;
}

void the_bus_shows_what_the_contract_says(void**) {
  start(configuration_for(*pool));
  sd_bus* bus = nullptr;
  assert_true(sd_bus_open_system(&bus) >= 0);
  sd_bus_message* reply = nullptr;
  const char* shown = nullptr;
  assert_true(sd_bus_call_method(bus, "org.pamcognito.Auth1", "/org/pamcognito/Auth1",
                                 "org.freedesktop.DBus.Introspectable", "Introspect", nullptr,
                                 &reply, "") >= 0);
  assert_true(sd_bus_message_read(reply, "s", &shown) >= 0);
  std::ostringstream contract;
  contract << std::ifstream(PAM_COGNITO_TEST_CONTRACT).rdbuf();
  for (const char* interface : {"org.pamcognito.Auth1", "org.pamcognito.Host1"})
    assert_text(members_of(interface, shown), members_of(interface, contract.str()));
  sd_bus_message_unref(reply);
  sd_bus_flush_close_unref(bus);
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
      cmocka_unit_test_setup(totp, fresh_pool),
      cmocka_unit_test_setup(messages, fresh_pool),
      cmocka_unit_test_setup(a_choice, fresh_pool),
      cmocka_unit_test_setup(wrong_then_right_code, fresh_pool),
      cmocka_unit_test_setup(who_is_refused, fresh_pool),
      cmocka_unit_test_setup(a_self_written_preferred_user_name_is_no_way_in, fresh_pool),
      cmocka_unit_test_setup(forged_tokens, fresh_pool),
      cmocka_unit_test_setup(faults, fresh_pool),
      cmocka_unit_test_setup(requests_that_are_cut_are_counted, fresh_pool),
      cmocka_unit_test_setup(a_password_that_is_cut_goes_out_once, fresh_pool),
      cmocka_unit_test_setup(a_pool_that_is_late, fresh_pool),
      cmocka_unit_test_setup(a_pool_that_cannot_be_reached, fresh_pool),
      cmocka_unit_test_setup(an_expired_session_is_taken_up_again, fresh_pool),
      cmocka_unit_test_setup(attackers_do_not_lock_the_account, fresh_pool),
      cmocka_unit_test_setup(without_a_configuration, fresh_pool),
      cmocka_unit_test_setup(the_account_phase, fresh_pool),
      cmocka_unit_test_setup(a_client_secret, fresh_pool),
      cmocka_unit_test_setup(a_temporary_password, fresh_pool),
      cmocka_unit_test_setup(an_ordinary_user_may_sign_in_as_itself_only, fresh_pool),
      cmocka_unit_test_setup(a_locker_that_asks_once_takes_password_and_code, fresh_pool),
      cmocka_unit_test_setup(the_bus_shows_what_the_contract_says, fresh_pool),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  daemon_.reset();
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
