// use_first_pass and try_first_pass: what an earlier module asked for answers the password, once.

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
  Transaction transaction(kOurs, &person, stack);
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

void without_an_option_it_is_not_looked_at(void**) {
  assert_played(password_then_code, {.first_password = "earlier", .set_first = true},
                {PAM_SUCCESS, "answer(password)=typed answer(code)=123456 ack",
                 "hidden(Password: ) | hidden(Code: )"});
}

void it_answers_the_password_and_codes_are_asked(void**) {
  for (const Stack& stack : {kUse, kTry})
    assert_played(
        password_then_code, stack,
        {PAM_SUCCESS, "answer(password)=earlier answer(code)=123456 ack", "hidden(Code: )"},
        {"123456"});
}

void it_answers_password_and_code_in_one(void**) {
  assert_played(
      [](Peer& peer) {
        peer.ask(Purpose::password_and_code);
        peer.success();
      },
      kUse, {PAM_SUCCESS, "answer(password_and_code)=earlier ack", ""});
}

void absent_it_is_asked_for_or_refused(void**) {
  assert_played(password_then_code, kUseAbsent, {PAM_AUTH_ERR, "abort", ""});
  assert_played(password_then_code, kTryAbsent,
                {PAM_SUCCESS, "answer(password)=typed answer(code)=123456 ack",
                 "hidden(Password: ) | hidden(Code: )"});
}

void it_answers_once(void**) {
  const auto twice = [](Peer& peer) {
    if (peer.ask(Purpose::password) && peer.ask(Purpose::password)) peer.success();
  };
  assert_played(twice, kUse, {PAM_AUTH_ERR, "answer(password)=earlier abort", ""});
  assert_played(
      twice, kTry,
      {PAM_SUCCESS, "answer(password)=earlier answer(password)=typed ack", "hidden(Password: )"});
}

void it_never_answers_another_question(void**) {
  for (const Purpose purpose : {Purpose::other, Purpose::new_password, Purpose::new_password_again,
                                Purpose::choice, Purpose::code}) {
    FakeDaemon daemon([purpose](Peer& peer) { peer.ask(purpose); });
    Person person{.answers = {}};
    Transaction transaction(kOurs, &person, kUse);
    assert_code(transaction.authenticate(), PAM_CONV_ERR);
    daemon.wait_for_script();
    assert_text(daemon.record().transcript(), "abort");
  }
}

void it_does_not_stand_for_a_code_either(void**) {
  assert_played(password_then_code, kUse,
                {PAM_CONV_ERR, "answer(password)=earlier abort", "hidden(Code: )"}, {"earlier"});
}

void too_long_it_is_not_sent(void**) {
  Stack stack = kUse;
  stack.first_password = std::string(512, 'p');
  assert_played(password_then_code, stack, {PAM_AUTH_ERR, "abort", ""});
  stack.first_password.pop_back();
  const std::string sent = "answer(password)=" + stack.first_password + " answer(code)=123456 ack";
  assert_played(password_then_code, stack, {PAM_SUCCESS, sent.c_str(), "hidden(Code: )"},
                {"123456"});
}

void lost_after_it_was_sent_is_not_unavailable(void**) {
  assert_played([](Peer& peer) { peer.ask(Purpose::password); }, kUse,
                {PAM_AUTH_ERR, "answer(password)=earlier", ""});
}

PrivateBus* bus = nullptr;
int start_bus(void**) {
  bus = new PrivateBus();
  return 0;
}
int stop_bus(void**) {
  delete bus;
  return 0;
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(without_an_option_it_is_not_looked_at),
      cmocka_unit_test(it_answers_the_password_and_codes_are_asked),
      cmocka_unit_test(it_answers_password_and_code_in_one),
      cmocka_unit_test(absent_it_is_asked_for_or_refused),
      cmocka_unit_test(it_answers_once),
      cmocka_unit_test(it_never_answers_another_question),
      cmocka_unit_test(it_does_not_stand_for_a_code_either),
      cmocka_unit_test(too_long_it_is_not_sent),
      cmocka_unit_test(lost_after_it_was_sent_is_not_unavailable),
  };
  return cmocka_run_group_tests(tests, start_bus, stop_bus);
}
