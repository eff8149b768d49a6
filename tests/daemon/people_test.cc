#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/bus_client.h"
#include "tests/daemon/stage.h"

// The calls that users may make for themselves, that root may make, and that neither may: bus,
// daemon, pool.
namespace pamcognito::test {
namespace {

constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;
constexpr uid_t kDave = 1004;
constexpr uid_t kLocalUser = 1900;

Pool* pool = nullptr;
std::unique_ptr<Cognitod> daemon_;

void start(const std::string& more = {}) {
  daemon_.reset();
  daemon_ = std::make_unique<Cognitod>(configuration_for(*pool, more));
}

int fresh_pool(void**) {
  if (daemon_) (void)daemon_->stop();
  daemon_.reset();
  (void)pool->admin("reset");
  return 0;
}

// The result of `work` in a process of that user.
std::string as_user(uid_t uid, const std::function<std::string()>& work) {
  std::array<int, 2> answer{};
  assert_int_equal(::pipe(answer.data()), 0);
  Child process([&] {
    if (::setgid(uid) != 0 || ::setuid(uid) != 0) return 1;
    const std::string text = work();
    return ::write(answer[1], text.data(), text.size()) < 0 ? 1 : 0;
  });
  (void)::close(answer[1]);
  std::string text;
  std::array<char, 4096> part{};
  ssize_t size = 0;
  while ((size = ::read(answer[0], part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(size));
  (void)::close(answer[0]);
  assert_int_equal(process.wait(), 0);
  return text;
}

std::string code_of(const std::string& user) {
  Json::Value who;
  who["username"] = user;
  (void)pool->admin("users/unlock", who);
  return pool->totp_code(user);
}

// Types the password, and a code if one is asked for.
Answering typist(const std::string& user, const std::string& password) {
  return [user, password](const DaemonFrame& frame) -> std::optional<std::string> {
    if (frame.purpose == Purpose::password) return password;
    return frame.text.contains("authenticator") ? code_of(user) : pool->message_code(user);
  };
}

// Signs in as a user's own program does. Returns the questions, or the failure.
std::string signs_in(BusClient& bus, const std::string& user, const std::string& password) {
  const Conversation done = sign_in(bus, user, "cognitoctl", {}, typist(user, password));
  if (!done.error.empty()) return done.error;
  std::string asked(to_string(done.outcome));
  for (const std::string& question : done.asked) asked += " | " + question;
  (void)ask_account(done);  // committed, once this is answered
  return asked;
}

std::string preference(BusClient& bus, bool bypass_cache) {
  const Reply reply = bus.call("FetchMfaPreference", [&](sd_bus_message* m) {
    (void)sd_bus_message_append(m, "b", bypass_cache ? 1 : 0);
  });
  return reply.error().empty() ? reply.text() : reply.error();
}

Reply opens_update(BusClient& bus, const std::map<std::string, std::string>& values) {
  return bus.call("UpdateMfaPreference", [&](sd_bus_message* m) {
    (void)sd_bus_message_open_container(m, 'a', "{ss}");
    for (const auto& [key, value] : values)
      (void)sd_bus_message_append(m, "{ss}", key.c_str(), value.c_str());
    (void)sd_bus_message_close_container(m);
  });
}

constexpr char kDavesPassword[] = "Dish-Washer-4";

// A change of dave's, with all that he knows: how it ended.
std::string changes(const Reply& opened) {
  const Conversation done = converse(opened, typist("dave", kDavesPassword));
  if (!done.error.empty()) return done.error;
  (void)ask_account(done);  // the daemon closes the socket when it has taken the end over
  return std::string(to_string(done.outcome));
}
std::string update(BusClient& bus, const std::map<std::string, std::string>& values) {
  return changes(opens_update(bus, values));
}

void factors_are_a_users_own(void**) {
  start();
  const auto nothing = [] {
    BusClient bus;
    return preference(bus, false) + " " + opens_update(bus, {{"sms", "PREFERRED"}}).error() + " " +
           bus.call_text("SetPreferredMfa", "SMS").error() + " " +
           bus.call("SetUpTotp", [](sd_bus_message* m) { append_facts(m, {}); }).error();
  };
  assert_text(as_user(kDave, nothing), "NotAuthorized   ");
  // Root and a local user have no account in the pool.
  assert_text(nothing(), "NotOurs NotOurs NotOurs NotOurs");
  assert_text(as_user(kLocalUser, nothing), "NotOurs NotOurs NotOurs NotOurs");
}

void what_is_preferred_is_asked_for(void**) {
  start();
  const std::string told = as_user(kDave, [] {
    BusClient bus;
    std::string text = signs_in(bus, "dave", kDavesPassword) + "\n";
    text += preference(bus, false) + "\n";
    text += update(bus, {{"sms", "PREFERRED"}}) + "\n";
    text += preference(bus, false) + "\n";
    text += signs_in(bus, "dave", kDavesPassword) + "\n";
    text += update(bus, {{"sms", "DISABLED"}, {"totp", "DISABLED"}}) + "\n";
    text += update(bus, {{"sms", "PREFERRED"}, {"totp", "PREFERRED"}}) + "\n";
    text += update(bus, {{"colour", "ENABLED"}}) + "\n";
    text += update(bus, {{"sms", "perhaps"}}) + "\n";
    text += bus.call_text("SetPreferredMfa", "NONSENSE").error() + "\n";
    text += changes(bus.call_text("SetPreferredMfa", "TOTP")) + "\n";
    text += signs_in(bus, "dave", kDavesPassword) + "\n";
    return text;
  });
  assert_text(std::regex_replace(told, std::regex("\\+[*0-9]+"), "PHONE"),
              "success | Password:  | Code from your authenticator app (o = other method): \n"
              "[SMS TOTP ]  \n"
              "success\n"
              "[SMS TOTP ] SMS \n"
              "success | Password:  | Code sent to PHONE by SMS (Enter = send again): \n"
              "not-permitted\n"
              "InvalidParameter\n"
              "InvalidParameter\n"
              "InvalidParameter\n"
              "InvalidParameter\n"
              "success\n"
              "success | Password:  | Code from your authenticator app: \n");
}

// The person reads our words; the admin needs the pool's.
void the_pools_text_is_in_the_log(void**) {
  start();
  Json::Value refusal;
  refusal["status"] = 400;
  refusal["name"] = "InvalidParameterException";
  refusal["message"] = "Invalid MFA settings, said the pool";
  pool->fault("SetUserMFAPreference", "error", refusal);
  const std::string told = as_user(kDave, [] {
    BusClient bus;
    const std::string signed_in = signs_in(bus, "dave", kDavesPassword);
    return signed_in.starts_with("success") ? update(bus, {{"sms", "PREFERRED"}}) : signed_in;
  });
  assert_text(told, "failed");
  const std::string log = Cognitod::log();
  if (!log.contains("DETAIL=invalid-parameter: Invalid MFA settings, said the pool"))
    fail_msg("%s", log.c_str());
}

void set_up_options_are_bounded(void**) {
  start();
  const auto with = [](const char* key, const char* value) {
    return as_user(kDave, [&] {
      BusClient bus;
      return bus
          .call("SetUpTotp",
                [&](sd_bus_message* m) { append_facts(m, {{key, std::string(value)}}); })
          .error();
    });
  };
  assert_text(with("qr", "perhaps"), "InvalidParameter");
  assert_text(with("device_name", std::string(65, 'x').c_str()), "InvalidParameter");
  assert_text(with("plain_uri", "yes"), "InvalidParameter");
  assert_text(with("of_a_newer_caller", "x"), "");
}

// The methods of root, as `call` calls them.
std::string root_only(BusClient& bus) {
  const FactMap facts = facts_in_login(kAlice, 7);
  const auto two = [](const char* first, const char* second) {
    return [=](sd_bus_message* m) { (void)sd_bus_message_append(m, "ss", first, second); };
  };
  std::string errors = bus.open_login("alice", SignInId{1}, facts).error();
  errors += " " + bus.close_login("alice", facts).error();
  errors += " " + bus.call("ListIdentities").error();
  errors += " " + bus.call("PinIdentity", two("nobody-knows", "a-sub")).error();
  errors += " " + bus.call_text("ResetIdentity", "nobody-knows").error();
  errors += " " + bus.call("GetStatus").error();
  errors += " " + bus.call("TestPolicy", two("alice", "sudo")).error();
  return errors;
}

void what_is_roots_is_nobody_elses(void**) {
  start();
  BusClient bus;
  assert_text(root_only(bus), "NoSuchSession      ");
  const std::string refused =
      "AccessDenied AccessDenied NotPermitted NotPermitted NotPermitted NotPermitted NotPermitted";
  for (const uid_t uid : {kAlice, kLocalUser})
    assert_text(as_user(uid,
                        [] {
                          BusClient own;
                          return root_only(own);
                        }),
                refused);
}

constexpr char kTextfile[] = "/run/state/counters.prom";

// The first of the lines that the file of counters lacks; empty: it has all. It is written at most
// every 15 s.
std::string missing_in_textfile(const std::vector<std::string>& lines) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    std::ifstream file(kTextfile);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto missing =
        std::ranges::find_if(lines, [&](const std::string& line) { return !text.contains(line); });
    if (missing == lines.end()) return {};
    if (std::chrono::steady_clock::now() > end) return *missing;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void status_metrics_and_policy(void**) {
  start("[service sudo]\nreauth = none\nallow_groups = linux-admins\n[metrics]\ntextfile = " +
        std::string(kTextfile) + "\n");
  (void)as_user(kAlice, [] {
    BusClient bus;
    return signs_in(bus, "alice", "Correct-Horse-1");
  });
  BusClient bus;
  const std::string status = bus.call("GetStatus").text();
  for (const char* part :
       {"configured [1 ]", "user_pool_id [eu-west-1_CogPool01 ]", "sessions [1 ]",
        "identities [1 ]", "sessions_survive [0 ]", "identities_writable [1 ]",
        "pool_state [reachable ]", "pool_addresses [1 ]"})
    if (!status.contains(part)) fail_msg("%s is not in %s", part, status.c_str());
  const std::string missing =
      missing_in_textfile({"pam_cognito_sign_ins_total{outcome=\"success\",service=\"user\"} 1\n",
                           "pam_cognito_accounts_total{outcome=\"success\",service=\"user\"} 1\n",
                           "pam_cognito_calls_total{operation=\"InitiateAuth\",result=\"ok\"} 1\n",
                           "pam_cognito_call_seconds_count{operation=\"InitiateAuth\"} 1\n"});
  if (!missing.empty()) fail_msg("%s is not in %s", missing.c_str(), kTextfile);
  const auto policy = [&](const char* user, const char* service) {
    return bus
        .call("TestPolicy",
              [&](sd_bus_message* m) { (void)sd_bus_message_append(m, "ss", user, service); })
        .text();
  };
  const std::string of_alice = policy("alice", "sudo");
  for (
      const char* part :
      {"[pool-user-name alice   cognito_username = %u of [access] ]", "pinned by the first sign-in",
       "[may-sign-in yes service sudo allow_groups allow_groups of [service sudo] has linux-admins",
       "[reauth none service sudo reauth reauth of [service sudo] ]", "[account-state verified   ",
       "[never-signed-in deny   default: never_signed_in of [service sudo] ]"})
    if (!of_alice.contains(part)) fail_msg("%s is not in %s", part, of_alice.c_str());
  assert_text(policy("alice", "locker"), policy("alice", "user"));
  assert_true(policy("bob", "sshd").contains("[may-sign-in depends-on-groups "));
  assert_true(policy("bob", "sshd").contains("[reauth full   default: "));
}

// The daemon keeps each message until it knows the caller: any user could fill its memory.
void what_is_long_is_refused_before_it_is_kept(void**) {
  start();
  const std::string said = as_user(kLocalUser, [] {
    BusClient bus;
    const auto with_key = [&](std::size_t size) {
      const FactMap facts{{std::string(size, 'k'), std::uint32_t{0}}};
      return bus
          .call("OpenSignIn",
                [&](sd_bus_message* m) {
                  (void)sd_bus_message_append(m, "ss", "alice", "sshd");
                  append_facts(m, facts);
                })
          .error();
    };
    const std::string long_text(std::size_t{1} << 20, 'l');
    return with_key(64) + " " + with_key(65) + " " + with_key(long_text.size()) + " " +
           bus.call_text("ResetIdentity", long_text).error();
  });
  assert_text(said, "NotOurs InvalidArgument System.Error.E2BIG System.Error.E2BIG");
}

void root_pins_and_resets(void**) {
  start();
  BusClient bus;
  const auto as_alice = [] {
    return as_user(kAlice, [] {
      BusClient own;
      return signs_in(own, "alice", "Correct-Horse-1");
    });
  };
  assert_true(as_alice().starts_with("success"));
  assert_int_equal(bus.count_sessions("alice"), 1);
  const auto pin = [&](const char* user, const char* sub) {
    return bus
        .call("PinIdentity",
              [&](sd_bus_message* m) { (void)sd_bus_message_append(m, "ss", user, sub); })
        .error();
  };
  assert_text(pin("alice", "no such sub"), "InvalidArgument");
  assert_text(pin("alice", ""), "InvalidArgument");
  assert_text(pin("al ice", "a-sub"), "InvalidArgument");
  assert_text(pin("alice", "0b0b0000-0000-4000-8000-000000000002"), "");
  assert_int_equal(bus.count_sessions("alice"), 0);
  assert_true(as_alice().starts_with("not-permitted"));
  assert_true(Cognitod::log().contains("CAUSE=identity"));
  assert_true(bus.call("ListIdentities").text().contains("by [root ]"));
  assert_text(bus.call_text("ResetIdentity", "alice").error(), "");
  assert_true(as_alice().starts_with("success"));
  assert_true(bus.call("ListIdentities").text().contains("by [first-sign-in ]"));
}

// Ages go on; nothing else of it may.
std::string state_of_alice(BusClient& bus) {
  const std::string sessions = bus.call_text("ListSessions", "alice").text();
  const std::string identities = bus.call("ListIdentities").text();
  std::smatch hers;
  assert_true(std::regex_search(identities, hers,
                                std::regex("user \\[alice \\][^\n]*?standing \\[[a-z]+ \\]")));
  return std::regex_replace(sessions, std::regex("age_s \\[[0-9]+ \\]"), "") + hers[0].str();
}

// bob makes any calls in any order with any facts: he reads nothing of alice's, and nothing
// changes.
std::string random_calls(unsigned seed, const std::string& alices_session) {
  std::mt19937 random(seed);
  BusClient bus;
  const auto one_of = [&](const std::vector<std::string>& list) {
    return list[random() % list.size()];
  };
  const std::vector<std::string> users{"alice", "alice", "bob", "", "root", "carol", "al\nice"};
  std::string seen;
  SignInId id{};
  for (std::size_t i = 0; i < id.size(); ++i)
    id[i] = static_cast<std::uint8_t>(std::stoul(alices_session.substr(2 * i, 2), nullptr, 16));
  constexpr int rounds = 300;
  for (int i = 0; i < rounds; ++i) {
    const std::string user = one_of(users);
    const std::string service = one_of({"sshd", "sudo", "user", "cognitoctl", "systemd-user"});
    FactMap facts{{"ruid", random() % 2 == 0 ? 0U : unsigned{kAlice}},
                  {"uid", unsigned{kAlice}},
                  {"loginuid", unsigned{kAlice}},
                  {"audit_session", 7U}};
    const auto open = [&](const char* method) {
      return bus.call(method, [&](sd_bus_message* m) {
        (void)sd_bus_message_append(m, "ss", user.c_str(), service.c_str());
        append_facts(m, facts);
      });
    };
    switch (random() % 14) {
      case 0:
        seen += user == "bob" ? "" : open("OpenSignIn").error();
        break;
      case 1:
        seen += user == "bob" ? "" : open("OpenPasswordChange").error();
        break;
      case 2:
        if (user != "bob" && bus.check_account(user, service, id, facts) != 0)
          seen += "account-of-" + user;
        break;
      case 3:
        seen += bus.open_login(user, id, facts).error();
        break;
      case 4:
        seen += bus.close_login(user, facts).error();
        break;
      case 5: {
        const Reply list = bus.call_text("ListSessions", user);
        seen += list.error().empty() ? list.text() : list.error();
        break;
      }
      case 6:
        seen += bus.call_text("EndSession", random() % 2 == 0 ? alices_session : "zz").error();
        break;
      case 7:
        if (user != "bob" && !user.empty()) seen += bus.call_text("SignOut", user).error();
        break;
      case 8:
        seen += opens_update(bus, {{"totp", one_of({"DISABLED", "PREFERRED"})}}).error();
        break;
      case 9:
        seen += preference(bus, true);
        break;
      case 10:
        seen += bus.call_text("SetPreferredMfa", one_of({"TOTP", "NOMFA"})).error();
        break;
      case 11:
        seen += bus.call_text("ResetIdentity", user).error();
        break;
      case 12:
        seen += bus.call("PinIdentity",
                         [&](sd_bus_message* m) {
                           (void)sd_bus_message_append(m, "ss", user.c_str(), "a-sub");
                         })
                    .error();
        break;
      default:
        seen += bus.call(one_of({"ListIdentities", "GetStatus"}).c_str()).error();
    }
    seen += "\n";
  }
  return seen;
}

void no_calls_of_one_user_touch_another(void**) {
  start();
  (void)as_user(kAlice, [] {
    BusClient bus;
    return signs_in(bus, "alice", "Correct-Horse-1");
  });
  assert_true(as_user(kBob, [] {
                BusClient bus;
                return signs_in(bus, "bob", "Battery-Staple-2");
              }).starts_with("success"));
  BusClient bus;
  const std::string before = state_of_alice(bus);
  std::smatch id;
  assert_true(std::regex_search(before, id, std::regex("id \\[([0-9a-f]{32}) \\]")));
  const std::string session = id[1];
  const unsigned first = std::random_device()();
  for (unsigned seed = first; seed != first + 3; ++seed) {
    const std::string seen = as_user(kBob, [&] { return random_calls(seed, session); });
    print_message("seed %u\n", seed);
    assert_text(state_of_alice(bus), before);
    for (const std::string& foreign :
         {std::string("alice"), session, std::string("0a11ce00-0000"), std::string("account-of")})
      if (seen.contains(foreign)) fail_msg("%s is in %s", foreign.c_str(), seen.c_str());
    assert_true(seen.contains("NotPermitted"));
  }
  Json::Value who;
  who["username"] = "alice";
  assert_text(pool->admin("users/get", who)["mfa"]["preferred"].asString(), "SOFTWARE_TOKEN_MFA");
}

std::size_t count_in(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++count;
  return count;
}

// journald bounds the lines of a service together: those of one user's must leave room for others.
void no_user_fills_the_log(void**) {
  start();
  constexpr int kMany = 400;
  const auto gives_up = [](const DaemonFrame&) { return std::nullopt; };
  const std::size_t before = Cognitod::log().size();
  const std::string told = as_user(kAlice, [&] {
    BusClient bus;
    std::string last;
    for (int i = 0; i < kMany; ++i) {
      last = sign_in(bus, "alice", "cognitoctl", {}, gives_up).error;
      (void)bus.call("OpenPasswordChange", [](sd_bus_message* m) {
        (void)sd_bus_message_append(m, "ss", "alice", "passwd");
        append_facts(m, {});
      });
      (void)bus.call("SetUpTotp", [](sd_bus_message* m) { append_facts(m, {}); });
      (void)opens_update(bus, {{"sms", "PREFERRED"}});
      (void)preference(bus, false);
    }
    return last;
  });
  assert_text(told, "TooManySignIns");
  // The same through programs of root's that alice runs: su to another user, and to herself.
  BusClient bus;
  for (const char* user : {"bob", "alice"})
    for (int i = 0; i < kMany; ++i) {
      const Conversation opened = sign_in(bus, user, "su", {{"ruid", kAlice}}, gives_up);
      if (!opened.error.empty()) assert_text(opened.error, "TooManySignIns");
    }
  // Everybody else goes on, and so does alice's own sudo.
  const auto wrong = [](const DaemonFrame&) -> std::optional<std::string> { return "wrong"; };
  const std::string bobs = as_user(kBob, [&] {
    BusClient own;
    return std::string(to_string(sign_in(own, "bob", "cognitoctl", {}, wrong).outcome));
  });
  assert_text(bobs, "refused");
  const Conversation sudo = sign_in(bus, "alice", "sudo", {{"ruid", kAlice}}, wrong);
  assert_text(std::string(to_string(sudo.outcome)), "refused");
  const std::string log = Cognitod::log().substr(before);
  print_message("%zu lines\n", count_in(log, "\n"));
  assert_true(count_in(log, "\n") < 700);
  assert_true(log.contains("sign-in of bob by user from uid:1002: refused"));
  assert_true(log.contains("sign-in of alice by sudo from uid:1001: refused"));
  assert_int_equal(count_in(log, "(too-many-in-a-minute)"), 1);
  assert_int_equal(count_in(log, "lines about second factors of alice"), 1);
}

// xrdp-sesman and polkit's helper run as root and report neither a terminal nor a remote host.
void nothing_known_is_not_this_machine(void**) {
  start();
  struct Case {
    const char* service;
    FactMap facts;
    const char* origin;
  };
  const Case cases[] = {
      {"xrdp-sesman", {{"ruid", 0U}}, "unknown"},
      {"polkit-1", {{"ruid", 0U}, {"tty", "pts/3"}}, "unknown"},
      {"xrdp-sesman", {{"ruid", 0U}, {"tty", "xrdp-sesman"}}, "unknown"},
      {"greetd", {{"ruid", 0U}, {"tty", "/dev/tty1"}}, "local"},
      {"login", {{"ruid", 0U}}, "local"},  // a console, by the table of services
      {"sddm", {{"ruid", 0U}, {"tty", ":0"}}, "local"},
      {"login", {{"ruid", 0U}, {"tty", "tty1"}, {"rhost", "192.0.2.7"}}, "host:192.0.2.7/32"},
      {"su", {{"ruid", kBob}, {"tty", "tty1"}}, "uid:1002"},
  };
  BusClient bus;
  for (const Case& c : cases) {
    const std::size_t before = Cognitod::log().size();
    const auto wrong = [](const DaemonFrame&) -> std::optional<std::string> { return "wrong"; };
    (void)sign_in(bus, "erin", c.service, c.facts, wrong);
    const std::string line =
        std::string("sign-in of erin by ") + c.service + " from " + c.origin + ": ";
    if (!Cognitod::log().substr(before).contains(line)) fail_msg("%s", line.c_str());
  }
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
      cmocka_unit_test_setup(factors_are_a_users_own, fresh_pool),
      cmocka_unit_test_setup(what_is_preferred_is_asked_for, fresh_pool),
      cmocka_unit_test_setup(the_pools_text_is_in_the_log, fresh_pool),
      cmocka_unit_test_setup(set_up_options_are_bounded, fresh_pool),
      cmocka_unit_test_setup(what_is_roots_is_nobody_elses, fresh_pool),
      cmocka_unit_test_setup(status_metrics_and_policy, fresh_pool),
      cmocka_unit_test_setup(what_is_long_is_refused_before_it_is_kept, fresh_pool),
      cmocka_unit_test_setup(root_pins_and_resets, fresh_pool),
      cmocka_unit_test_setup(no_calls_of_one_user_touch_another, fresh_pool),
      cmocka_unit_test_setup(no_user_fills_the_log, fresh_pool),
      cmocka_unit_test_setup(nothing_known_is_not_this_machine, fresh_pool),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  daemon_.reset();
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
