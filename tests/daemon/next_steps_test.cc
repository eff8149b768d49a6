#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/stage.h"

// The steps that a pool can ask for beside password and code, through libpam, the bus, cognitod and
// HTTPS: set-up of a factor, reset, confirmation, custom challenges, a changed password. Daemon,
// module and pool end between the steps.
namespace pamcognito::test {
namespace {

Pool* pool = nullptr;
std::unique_ptr<Cognitod> daemon_;

constexpr char kErin[] = "erin";  // no factor
constexpr char kErinsPassword[] = "Garden-Gnome-5";
constexpr char kNewPassword[] = "Brand-New-Pass-2";

void assert_code(int actual, int expected) {
  assert_string_equal(code_name(actual), code_name(expected));
}

std::string configuration(const std::string& enroll, const std::string& more = {}) {
  std::string text = configuration_for(*pool, more);
  const std::string no = "enroll = never";
  return text.replace(text.find(no), no.size(), "enroll = " + enroll);
}

void start(const std::string& text) {
  daemon_.reset();
  daemon_ = std::make_unique<Cognitod>(text);
}

void setting(const char* name, const Json::Value& value) {
  Json::Value settings;
  settings[name] = value;
  (void)pool->admin("settings/set", settings);
}

Json::Value user(const char* name) {
  Json::Value request;
  request["username"] = name;
  return pool->admin("users/get", request);
}

void update(const char* name, const char* member, const Json::Value& value) {
  Json::Value request;
  request["username"] = name;
  request[member] = value;
  (void)pool->admin("users/update", request);
}

int fresh_pool(void**) {
  if (daemon_) (void)daemon_->stop();
  daemon_.reset();
  (void)pool->admin("reset");
  return 0;
}

// The code of an authenticator app, computed by oathtool. It has the pool's time: the half minute
// may end while a slow machine types the code, or a test may turn the clock.
std::string code_of(const std::string& secret) {
  const Json::Value clock = pool->admin("clock/advance");
  const std::string now = std::to_string(clock["totp_s"].asInt64());
  const std::string command = "oathtool --totp --now=@" + now + " -b " + secret;
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
  std::array<char, 32> line{};
  assert_non_null(pipe.get());
  assert_non_null(std::fgets(line.data(), line.size(), pipe.get()));
  return std::string(line.data()).substr(0, 6);
}

// The secret that the last prompt showed, without its blanks.
std::string shown_secret(const Person& person) {
  constexpr std::string_view label = "Enter this key:\n     ";
  const std::size_t at = person.seen.rfind(label);
  assert_true(at != std::string::npos);
  const std::size_t from = at + label.size();
  std::string secret = person.seen.substr(from, person.seen.find('\n', from) - from);
  std::erase(secret, ' ');
  return secret;
}

// One sign-in whose answers are made while it runs: `answer(question)` for each question.
struct SignIn {
  SignIn(const char* name, std::function<std::string(const Person&, std::size_t)> answer,
         Stack stack = {})
      : stack_(std::move(stack)), name_(name) {
    person.before_answering = [this, answer](std::size_t question) {
      person.answers.push_back(answer(person, question));
    };
  }
  int run() {
    Transaction transaction(name_, &person, stack_);
    const int code = transaction.authenticate();
    account = code == PAM_SUCCESS ? transaction.account() : -1;
    tokens = transaction.tokens_handed_over();
    return code;
  }
  Person person;
  std::string tokens;
  int account = -1;

 private:
  Stack stack_;
  const char* name_;
};

std::string enrols(const Person& person, std::size_t question) {
  return question == 0 ? kErinsPassword : code_of(shown_secret(person));
}

bool totp_is_preferred(const char* name) {
  const Json::Value mfa = user(name)["mfa"];
  return mfa["preferred"].asString() == "SOFTWARE_TOKEN_MFA";
}

// The code of an app that was just set up is used up: the next one is half a minute away.
void next_totp_step() {
  Json::Value by;
  by["totp_s"] = 30;
  (void)pool->admin("clock/advance", by);
}

void mfa_setup_by_the_pools_demand(void**) {
  setting("mfa_configuration", "ON");
  start(configuration("when-required"));
  SignIn erin(kErin, enrols);
  assert_code(erin.run(), PAM_SUCCESS);
  assert_code(erin.account, PAM_SUCCESS);
  assert_text(erin.tokens, std::string("AUTHTOK=") + kErinsPassword + " OLDAUTHTOK=-");
  assert_true(totp_is_preferred(kErin));
  // The app works.
  next_totp_step();
  SignIn again(kErin, [](const Person&, std::size_t question) {
    return question == 0 ? std::string(kErinsPassword) : pool->totp_code(kErin);
  });
  assert_code(again.run(), PAM_SUCCESS);
  assert_true(again.person.seen.contains("Code from your authenticator app (erin@"));
}

void setup_by_access_token(void**) {
  start(configuration("anywhere"));
  SignIn erin(kErin, enrols);
  assert_code(erin.run(), PAM_SUCCESS);
  assert_true(totp_is_preferred(kErin));
}

void no_setup_without_leave(void**) {
  start(configuration("when-required"));
  SignIn erin(kErin, enrols);
  assert_code(erin.run(), PAM_PERM_DENIED);
  assert_int_equal(pool->count("AssociateSoftwareToken"), 0);
  setting("mfa_configuration", "ON");
  start(configuration("never"));
  SignIn refused(kErin, enrols);
  assert_code(refused.run(), PAM_PERM_DENIED);
  assert_int_equal(pool->count("AssociateSoftwareToken"), 0);
}

void a_wrong_code_by_each_of_the_pools_words(void**) {
  for (const bool answers_error : {false, true}) {
    (void)pool->admin("reset");
    setting("mfa_configuration", "ON");
    setting("verify_answers_error", answers_error);
    start(configuration("when-required"));
    SignIn erin(kErin, [](const Person& person, std::size_t question) {
      return question == 1 ? std::string("000000") : enrols(person, question);
    });
    assert_code(erin.run(), PAM_SUCCESS);
    assert_true(erin.person.seen.contains("error(Incorrect code."));
  }
}

// After an end between two steps the next sign-in succeeds.
void an_end_between_the_steps(void**) {
  struct Row {
    const char* what;
    const char* enroll;
    bool on;
    const char* fault_at;  // an operation whose answer is lost, or null: the daemon is killed
  };
  for (const Row& row :
       {Row{"daemon killed while the secret is shown, by session", "when-required", true, nullptr},
        Row{"daemon killed while the secret is shown, by token", "anywhere", false, nullptr},
        Row{"secret made, answer lost", "when-required", true, "AssociateSoftwareToken"},
        Row{"secret made, answer lost, by token", "anywhere", false, "AssociateSoftwareToken"},
        Row{"code verified, answer lost", "when-required", true, "VerifySoftwareToken"},
        Row{"code verified, answer lost, by token", "anywhere", false, "VerifySoftwareToken"},
        Row{"set-up ended, answer lost", "when-required", true, "MFA_SETUP"},
        Row{"preference asked for, answer lost", "anywhere", false, "GetUser"},
        Row{"preference set, answer lost", "anywhere", false, "SetUserMFAPreference"}}) {
    (void)pool->admin("reset");
    if (row.on) setting("mfa_configuration", "ON");
    start(configuration(row.enroll));
    Json::Value always;
    always["times"] = 0;
    if (row.fault_at != nullptr) pool->fault(row.fault_at, "lose_answer", always);
    std::string secret;
    SignIn broken(kErin, [&](const Person& person, std::size_t question) {
      if (question == 0) return std::string(kErinsPassword);
      secret = shown_secret(person);
      if (row.fault_at == nullptr) daemon_->kill();
      return code_of(secret);
    });
    const int code = broken.run();
    if (code == PAM_SUCCESS) print_error("%s: a success\n", row.what);
    assert_true(code != PAM_SUCCESS && code != PAM_AUTHINFO_UNAVAIL);

    (void)pool->admin("faults/clear");
    next_totp_step();
    start(configuration(row.enroll));
    // Either the app of the first try counts already, or a new one is set up.
    SignIn next(kErin, [&](const Person& person, std::size_t question) {
      if (question == 0) return std::string(kErinsPassword);
      if (person.seen.contains("Code from your authenticator app")) return pool->totp_code(kErin);
      return code_of(shown_secret(person));
    });
    const int then = next.run();
    if (then != PAM_SUCCESS)
      print_error("%s: the next sign-in: %s\n%s\n", row.what, code_name(then),
                  next.person.seen.c_str());
    assert_code(then, PAM_SUCCESS);
    assert_text(user(kErin)["mfa"]["enabled"][0].asString(), "SOFTWARE_TOKEN_MFA");
  }
}

void email_by_the_pools_demand(void**) {
  setting("mfa_configuration", "ON");
  Json::Value only_email;
  only_email.append("EMAIL_OTP");
  setting("mfas_can_setup", only_email);
  start(configuration("when-required"));
  SignIn erin(kErin, [](const Person&, std::size_t question) {
    if (question == 0) return std::string(kErinsPassword);
    return question == 1 ? std::string("erin@example.com") : pool->message_code(kErin);
  });
  assert_code(erin.run(), PAM_SUCCESS);
}

void reset_by_an_admin(void**) {
  Json::Value request;
  request["username"] = "alice";
  (void)pool->admin("users/reset-password", request);
  start(configuration("never"));
  SignIn alice("alice", [](const Person& person, std::size_t question) {
    if (question == 0) return std::string("Correct-Horse-1");
    if (question == 1) return pool->message_code("alice");
    return question < 4 ? std::string(kNewPassword)
                        : (assert_true(person.seen.contains("Your password has been changed.")),
                           pool->totp_code("alice"));
  });
  assert_code(alice.run(), PAM_SUCCESS);
  assert_text(alice.tokens, std::string("AUTHTOK=") + kNewPassword + " OLDAUTHTOK=Correct-Horse-1");
}

void a_forgotten_password(void**) {
  start(configuration("never", "[password]\nself_service = yes\n"));
  SignIn alice("alice", [](const Person&, std::size_t question) {
    if (question == 0) return std::string();
    if (question == 1) return std::string("yes");
    if (question == 2) return pool->message_code("alice");
    return question < 5 ? std::string(kNewPassword) : pool->totp_code("alice");
  });
  assert_code(alice.run(), PAM_SUCCESS);
  assert_text(alice.tokens, std::string("AUTHTOK=") + kNewPassword + " OLDAUTHTOK=-");
}

// An account that does not exist: every word is the same.
void a_forgotten_password_tells_nothing(void**) {
  std::vector<std::string> seen;
  for (const char* name : {"alice", "nobody-knows"}) {
    (void)pool->admin("reset");
    start(configuration("never", "[password]\nself_service = yes\n"));
    SignIn stranger(name, [](const Person&, std::size_t question) {
      if (question == 0) return std::string();
      if (question == 1) return std::string("yes");
      return question == 3 || question == 4 ? std::string(kNewPassword) : std::string("000000");
    });
    assert_code(stranger.run(), PAM_MAXTRIES);
    seen.push_back(stranger.person.seen);
  }
  assert_text(seen[0], seen[1]);
}

void a_new_account_is_confirmed(void**) {
  update("alice", "status", "UNCONFIRMED");
  start(configuration("never", "[password]\nself_service = yes\n"));
  SignIn alice("alice", [](const Person&, std::size_t question) {
    if (question == 0) return std::string("Correct-Horse-1");
    if (question == 1) return std::string();  // a new code, please
    // As an app or a phone shows it.
    const std::string code = question == 2 ? pool->message_code("alice") : pool->totp_code("alice");
    return code.substr(0, 3) + (question == 2 ? " " : "\xC2\xA0") + code.substr(3);
  });
  assert_code(alice.run(), PAM_SUCCESS);
  assert_true(alice.person.seen.contains("A new code was sent."));
  assert_false(alice.person.seen.contains("a***@e***"));
}

// Cognito reports an unconfirmed account for every password.
void an_unconfirmed_account_gives_nothing_away(void**) {
  update("alice", "status", "UNCONFIRMED");
  start(configuration("never"));
  int refusals = 0;
  for (; refusals < 10; ++refusals) {
    SignIn stranger("alice", [](const Person&, std::size_t question) {
      return std::string(question == 0 ? "Correct-Horse-1" : "");
    });
    (void)stranger.run();
    assert_false(stranger.person.seen.contains("a***@e***"));
    if (!stranger.person.seen.contains("not confirmed yet")) break;
  }
  assert_in_range(refusals, 1, 5);
  assert_int_equal(pool->count("ResendConfirmationCode"), 0);
}

Json::Value badge_question() {
  Json::Value round;
  round["parameters"]["prompt"] = "Badge number:";
  round["answer"] = "4711";
  Json::Value custom;
  custom["rounds"].append(round);
  return custom;
}

std::string with_flow(std::string text, const std::string& flow) {
  return text.insert(text.find("[access]"), "auth_flow = " + flow + "\n");
}

void a_custom_challenge_after_srp(void**) {
  update(kErin, "custom", badge_question());
  const auto answers = [](const Person&, std::size_t question) {
    return std::string(question == 0 ? kErinsPassword : "4711");
  };
  start(with_flow(configuration("never", "methods = custom\n"), "custom-srp"));
  SignIn erin(kErin, answers);
  assert_code(erin.run(), PAM_SUCCESS);
  assert_true(erin.person.seen.contains("Badge number: "));
  // It counts only if policy accepts it.
  start(with_flow(configuration("never"), "custom-srp"));
  SignIn refused(kErin, answers);
  assert_code(refused.run(), PAM_PERM_DENIED);
}

void a_custom_challenge_instead_of_a_password(void**) {
  Json::Value custom = badge_question();
  custom["then"] = "mfa";
  update("alice", "custom", custom);
  start(with_flow(configuration("never"), "custom"));
  SignIn alice("alice", [](const Person&, std::size_t question) {
    return question == 0 ? std::string("4711") : pool->totp_code("alice");
  });
  assert_code(alice.run(), PAM_SUCCESS);
  // Without another factor it is one, and not two.
  update(kErin, "custom", badge_question());
  start(with_flow(configuration("never", "methods = custom\n"), "custom"));
  SignIn erin(kErin, [](const Person&, std::size_t) { return std::string("4711"); });
  assert_code(erin.run(), PAM_PERM_DENIED);
}

void what_goes_with_the_calls(void**) {
  std::string text = configuration("never", "[client_metadata]\nsend = service\nsite = lab 3\n");
  text.insert(text.find("[access]"), "user_context = remote-host\n");
  start(text);
  SignIn alice("alice", [](const Person&, std::size_t question) {
    return question == 0 ? std::string("Correct-Horse-1") : pool->totp_code("alice");
  });
  {
    Transaction transaction("alice", &alice.person);
    transaction.set_item(PAM_RHOST, "192.0.2.44");
    assert_code(transaction.authenticate(), PAM_SUCCESS);
  }
  int seen = 0;
  const Json::Value requests = pool->admin("log/list")["requests"];
  for (const Json::Value& request : requests) {
    const std::string operation = request["operation"].asString();
    if (operation != "InitiateAuth" && operation != "RespondToAuthChallenge") continue;
    ++seen;
    assert_text(request["metadata"]["site"].asString(), "lab 3");
    assert_text(request["metadata"]["service"].asString(), "sshd");
    assert_text(request["ip"].asString(), "192.0.2.44");
  }
  assert_int_equal(seen, 3);
}

// Without cognitod a local password would be enough, so a catalogue that is gone must not stop it.
void a_missing_catalogue_is_no_way_around(void**) {
  start(configuration("never", "[texts]\nlanguage = xx\n"));
  SignIn alice("alice", [](const Person&, std::size_t question) {
    return question == 0 ? std::string("Correct-Horse-1") : pool->totp_code("alice");
  });
  assert_code(alice.run(), PAM_SUCCESS);
  assert_true(Cognitod::log().contains("texts are in English"));
}

// passwd(1): alice's process is root's, with her real uid.
void a_changed_password(void**) {
  start(configuration("never"));
  Person person;
  person.before_answering = [&person](std::size_t question) {
    const std::vector<std::string> answers = {"Correct-Horse-1", "",           "short",
                                              "short",           kNewPassword, kNewPassword};
    person.answers.push_back(question == 1 ? pool->totp_code("alice") : answers.at(question));
  };
  Stack stack;
  stack.service = "passwd";
  {
    const RealUid alice(1001);
    Transaction transaction("alice", &person, stack);
    assert_code(transaction.change_password(), PAM_SUCCESS);
    assert_text(transaction.tokens_handed_over(),
                std::string("AUTHTOK=") + kNewPassword + " OLDAUTHTOK=Correct-Horse-1");
  }
  assert_true(person.seen.contains("error(Password not accepted: "));
  assert_int_equal(pool->count("ChangePassword"), 2);
  (void)pool->admin("users/unlock", user("alice"));
  SignIn again("alice", [](const Person&, std::size_t question) {
    return question == 0 ? std::string(kNewPassword) : pool->totp_code("alice");
  });
  assert_code(again.run(), PAM_SUCCESS);
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
      cmocka_unit_test_setup(mfa_setup_by_the_pools_demand, fresh_pool),
      cmocka_unit_test_setup(setup_by_access_token, fresh_pool),
      cmocka_unit_test_setup(no_setup_without_leave, fresh_pool),
      cmocka_unit_test_setup(a_wrong_code_by_each_of_the_pools_words, fresh_pool),
      cmocka_unit_test_setup(an_end_between_the_steps, fresh_pool),
      cmocka_unit_test_setup(email_by_the_pools_demand, fresh_pool),
      cmocka_unit_test_setup(reset_by_an_admin, fresh_pool),
      cmocka_unit_test_setup(a_forgotten_password, fresh_pool),
      cmocka_unit_test_setup(a_forgotten_password_tells_nothing, fresh_pool),
      cmocka_unit_test_setup(a_new_account_is_confirmed, fresh_pool),
      cmocka_unit_test_setup(an_unconfirmed_account_gives_nothing_away, fresh_pool),
      cmocka_unit_test_setup(a_custom_challenge_after_srp, fresh_pool),
      cmocka_unit_test_setup(a_custom_challenge_instead_of_a_password, fresh_pool),
      cmocka_unit_test_setup(what_goes_with_the_calls, fresh_pool),
      cmocka_unit_test_setup(a_missing_catalogue_is_no_way_around, fresh_pool),
      cmocka_unit_test_setup(a_changed_password, fresh_pool),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  daemon_.reset();
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
