// use_first_pass and try_first_pass: the password that an earlier module has asked for answers the
// first question for a password, once. In a password change PAM_AUTHTOK is the new password.

#include <string>
#include <vector>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

struct Expected {
  int code;
  const char* transcript;
  const char* seen;
};

void assert_played(const FakeDaemon::Script& script, const Stack& stack, const Expected& expected,
                   const std::vector<std::string>& answers = {"typed", "123456"}) {
  FakeDaemon daemon(script);
  Person person{.answers = answers};
  Transaction transaction(kCognitoUser, &person, stack);
  assert_code(transaction.authenticate(), expected.code);
  daemon.wait_for_script();
  assert_text(daemon.record().transcript(), expected.transcript);
  assert_text(person.seen, expected.seen);
}

void password_then_code(Peer& peer) {
  if (peer.ask(Purpose::password) && peer.ask(Purpose::code, "Code: ")) peer.success();
}

const Stack kUse = {.options = "use_first_pass", .first_password = "earlier", .set_first = true};
const Stack kUseAbsent = {.options = "use_first_pass"};
const Stack kTry = {.options = "try_first_pass", .first_password = "earlier", .set_first = true};
const Stack kTryAbsent = {.options = "try_first_pass"};

void without_an_option_the_earlier_password_is_not_used(void**) {
  assert_played(password_then_code, {.first_password = "earlier", .set_first = true},
                {PAM_SUCCESS, "answer(password)=typed answer(code)=123456 ack",
                 "hidden(Password: ) | hidden(Code: )"});
}

void the_earlier_password_answers_the_password_but_no_code(void**) {
  for (const Stack& stack : {kUse, kTry})
    assert_played(
        password_then_code, stack,
        {PAM_SUCCESS, "answer(password)=earlier answer(code)=123456 ack", "hidden(Code: )"},
        {"123456"});
}

void the_earlier_password_may_contain_the_code(void**) {
  assert_played(
      [](Peer& peer) {
        peer.ask(Purpose::password_and_code);
        peer.success();
      },
      kUse, {PAM_SUCCESS, "answer(password_and_code)=earlier ack", ""});
}

void a_missing_earlier_password_is_asked_for_or_refused(void**) {
  assert_played(password_then_code, kUseAbsent, {PAM_AUTH_ERR, "abort", ""});
  assert_played(password_then_code, kTryAbsent,
                {PAM_SUCCESS, "answer(password)=typed answer(code)=123456 ack",
                 "hidden(Password: ) | hidden(Code: )"});
}

void the_earlier_password_is_used_once(void**) {
  const auto twice = [](Peer& peer) {
    if (peer.ask(Purpose::password) && peer.ask(Purpose::password)) peer.success();
  };
  assert_played(twice, kUse, {PAM_AUTH_ERR, "answer(password)=earlier abort", ""});
  assert_played(
      twice, kTry,
      {PAM_SUCCESS, "answer(password)=earlier answer(password)=typed ack", "hidden(Password: )"});
}

void the_earlier_password_answers_no_other_question(void**) {
  for (const Purpose purpose : {Purpose::other, Purpose::new_password, Purpose::new_password_again,
                                Purpose::choice, Purpose::code}) {
    FakeDaemon daemon([purpose](Peer& peer) { peer.ask(purpose); });
    Person person{.answers = {}};
    Transaction transaction(kCognitoUser, &person, kUse);
    assert_code(transaction.authenticate(), PAM_CONV_ERR);
    daemon.wait_for_script();
    assert_text(daemon.record().transcript(), "abort");
  }
}

void the_earlier_password_is_refused_as_a_code(void**) {
  assert_played(password_then_code, kUse,
                {PAM_CONV_ERR, "answer(password)=earlier abort", "hidden(Code: )"}, {"earlier"});
}

void an_earlier_password_that_is_too_long_is_not_sent(void**) {
  Stack stack = kUse;
  stack.first_password = std::string(512, 'p');
  assert_played(password_then_code, stack, {PAM_AUTH_ERR, "abort", ""});
  stack.first_password.pop_back();
  const std::string sent = "answer(password)=" + stack.first_password + " answer(code)=123456 ack";
  assert_played(password_then_code, stack, {PAM_SUCCESS, sent.c_str(), "hidden(Code: )"},
                {"123456"});
}

void a_cognitod_lost_after_the_password_was_sent_is_not_unavailable(void**) {
  assert_played([](Peer& peer) { peer.ask(Purpose::password); }, kUse,
                {PAM_AUTH_ERR, "answer(password)=earlier", ""});
}

// A password change in which pam_pwquality has asked for the new password, has checked it and has
// left it in PAM_AUTHTOK.
const Stack kChecked = {.service = "passwd", .before_password = "new=checked"};

void ask_for_new(Peer& peer) {
  peer.ask(Purpose::new_password, "New: ");
  peer.ask(Purpose::new_password_again, "Again: ");
}

void assert_changed(const FakeDaemon::Script& script, const std::vector<std::string>& answers,
                    const char* transcript, const char* seen, const char* tokens) {
  FakeDaemon daemon(script);
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = answers};
  Transaction transaction(kCognitoUser, &person, kChecked);
  assert_code(transaction.change_password(), PAM_SUCCESS);
  daemon.wait_for_script();
  assert_text(daemon.record().transcript(), transcript);
  assert_text(person.seen, seen);
  assert_text(transaction.tokens_handed_over(), tokens);
}

void the_new_password_of_an_earlier_module_is_used(void**) {
  assert_changed(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        ask_for_new(peer);
        peer.success();
      },
      {"old"},
      "answer(password)=old answer(new_password)=checked answer(new_password_again)=checked ack",
      "hidden(Password: )", "AUTHTOK=checked OLDAUTHTOK=old");
}

void the_new_password_of_an_earlier_module_is_used_once(void**) {
  assert_changed(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.info("Hello");
        ask_for_new(peer);
        peer.error("Too short");
        ask_for_new(peer);
        peer.success();
      },
      {"old", "better", "better"},
      "answer(password)=old answer(new_password)=checked answer(new_password_again)=checked "
      "answer(new_password)=better answer(new_password_again)=better ack",
      "hidden(Password: ) | info(Hello) | error(Too short) hidden(New: ) | hidden(Again: )",
      "AUTHTOK=better OLDAUTHTOK=old");
}

// libpam wipes PAM_AUTHTOK before the change.
void the_password_of_a_sign_in_is_not_used_as_a_new_one(void**) {
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = {"old", "old", "new", "new"}};
  Transaction transaction(kCognitoUser, &person, {.service = "passwd"});
  {
    FakeDaemon daemon([](Peer& peer) {
      peer.ask(Purpose::password);
      peer.success();
    });
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    assert_text(transaction.tokens_handed_over(), "AUTHTOK=old OLDAUTHTOK=-");
  }
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    ask_for_new(peer);
    peer.success();
  });
  assert_code(transaction.change_password(), PAM_SUCCESS);
  daemon.wait_for_script();
  assert_text(daemon.record().transcript(),
              "answer(password)=old answer(new_password)=new answer(new_password_again)=new ack");
}

// A sign-in asks the user for a new password, whatever an earlier module has left.
void a_sign_in_asks_for_its_new_password(void**) {
  assert_played(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        ask_for_new(peer);
        peer.success();
      },
      kUse,
      {PAM_SUCCESS,
       "answer(password)=earlier answer(new_password)=new answer(new_password_again)=new ack",
       "hidden(New: ) | hidden(Again: )"},
      {"new", "new"});
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(without_an_option_the_earlier_password_is_not_used),
      cmocka_unit_test(the_earlier_password_answers_the_password_but_no_code),
      cmocka_unit_test(the_earlier_password_may_contain_the_code),
      cmocka_unit_test(a_missing_earlier_password_is_asked_for_or_refused),
      cmocka_unit_test(the_earlier_password_is_used_once),
      cmocka_unit_test(the_earlier_password_answers_no_other_question),
      cmocka_unit_test(the_earlier_password_is_refused_as_a_code),
      cmocka_unit_test(an_earlier_password_that_is_too_long_is_not_sent),
      cmocka_unit_test(a_cognitod_lost_after_the_password_was_sent_is_not_unavailable),
      cmocka_unit_test(the_new_password_of_an_earlier_module_is_used),
      cmocka_unit_test(the_new_password_of_an_earlier_module_is_used_once),
      cmocka_unit_test(the_password_of_a_sign_in_is_not_used_as_a_new_one),
      cmocka_unit_test(a_sign_in_asks_for_its_new_password),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
