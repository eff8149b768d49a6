// Sign-ins from the first prompt to the outcome, by the module in a real libpam.

#include <cstddef>
#include <string>
#include <vector>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

struct Played {
  int code = -1;
  std::string transcript;  // the frames that the daemon has received
  std::string tokens;
  std::string seen;
  unsigned delay = 0;
};

Played play(const FakeDaemon::Script& script, const std::vector<std::string>& answers,
            const Stack& stack = {}, int flags = 0) {
  FakeDaemon daemon(script);
  Person person{.answers = answers};
  Transaction transaction(kCognitoUser, &person, stack);
  Played played;
  played.code = transaction.authenticate(flags);
  daemon.wait_for_script();
  played.transcript = daemon.record().transcript();
  played.tokens = transaction.tokens_handed_over();
  played.seen = person.seen;
  played.delay = Transaction::last_delay();
  return played;
}

void password_and_code_sign_in(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.ask(Purpose::code, "Code sent to +*******4567 by SMS: ", FrameType::ask_visible);
        peer.success();
      },
      {"secret", "123456"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.transcript, "answer(password)=secret answer(code)=123456 ack");
  assert_text(played.seen, "hidden(Password: ) | visible(Code sent to +*******4567 by SMS: )");
  assert_text(played.tokens, "AUTHTOK=secret OLDAUTHTOK=-");
}

void cognitod_receives_the_caller_context(void**) {
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person, {.service = "login"});
  transaction.set_item(PAM_TTY, "/dev/pts/7");
  transaction.set_item(PAM_RHOST, "192.0.2.1");
  transaction.set_item(PAM_RUSER,
                       "bo\x1b"
                       "b");
  assert_code(transaction.authenticate(PAM_DISALLOW_NULL_AUTHTOK), PAM_SUCCESS);
  daemon.wait_for_script();
  const Record& record = daemon.record();
  assert_string_equal(record.user.data(), kCognitoUser);
  assert_string_equal(record.service.data(), "login");
  const std::string facts = record.facts.data();
  for (const char* fact :
       {"ruid=0 ", "tty=/dev/pts/7 ", "rhost=192.0.2.1 ", "ruser=bo?b ", "flags=1 ", "uid=1001 "})
    if (facts.find(fact) == std::string::npos) fail_msg("no %sin %s", fact, facts.c_str());
}

void a_notice_comes_with_its_question_in_one_call(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.error("That code is wrong.");
        peer.ask(Purpose::code, "Code: ");
        peer.info("Welcome");
        peer.success();
      },
      {"secret", "123456"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.seen,
              "hidden(Password: ) | error(That code is wrong.) hidden(Code: ) | info(Welcome)");
}

void pam_silent_suppresses_notices(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.info("Hello");
        peer.ask(Purpose::password);
        peer.info("Welcome");
        peer.success();
      },
      {"secret"}, {}, static_cast<int>(PAM_SILENT));
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.seen, "hidden(Password: )");
}

void foreign_text_is_made_printable(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.raw("\x03\x01\x1b[2JPassword\x07: ");
        peer.receive();
        peer.success();
      },
      {"secret"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.seen, "hidden(?[2JPassword?: )");
}

void a_long_text_such_as_a_qr_code_arrives_whole(void**) {
  const std::string text(kMaxText, 'q');
  const auto played = play(
      [&](Peer& peer) {
        peer.ask(Purpose::password, text);
        peer.success();
      },
      {"secret"});
  assert_code(played.code, PAM_SUCCESS);
  assert_true(played.seen == "hidden(" + text + ")");
}

void the_password_that_sshd_substitutes_is_sent_unchanged(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.outcome(Outcome::refused);
      },
      {"\x08\x0a\x0d\x7fINCORRECT"});
  assert_code(played.code, PAM_AUTH_ERR);
  assert_text(played.transcript, "answer(password)=\x08\x0a\x0d\x7fINCORRECT");
  assert_true(played.delay >= 1'000'000);  // the same as for a wrong password
}

void an_answer_that_is_too_long_is_not_sent(void**) {
  const std::string longest(511, 'p');
  const auto one = [](Peer& peer) {
    if (peer.ask(Purpose::password)) peer.success();
  };
  const auto fits = play(one, {longest});
  assert_code(fits.code, PAM_SUCCESS);
  assert_text(fits.transcript, "answer(password)=" + longest + " ack");
  const auto too_long = play(one, {longest + "p"});
  assert_code(too_long.code, PAM_AUTH_ERR);
  assert_text(too_long.transcript, "abort");
}

void the_password_is_refused_as_a_code(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.ask(Purpose::code, "Code: ");
      },
      {"secret", "secret"});
  assert_code(played.code, PAM_CONV_ERR);
  assert_text(played.transcript, "answer(password)=secret abort");
}

void password_and_code_in_one_answer_store_the_password(void**) {
  const auto one = [](Peer& peer) {
    peer.ask(Purpose::password_and_code);
    peer.success();
  };
  const auto split = play(one, {"se+cret+123456"});
  assert_code(split.code, PAM_SUCCESS);
  assert_text(split.transcript, "answer(password_and_code)=se+cret+123456 ack");
  assert_text(split.tokens, "AUTHTOK=se+cret OLDAUTHTOK=-");
  assert_text(play(one, {"secret"}).tokens, "AUTHTOK=- OLDAUTHTOK=-");
}

void a_changed_password_stores_both_passwords(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.ask(Purpose::new_password, "New password: ");
        peer.ask(Purpose::new_password_again, "Retype new password: ");
        peer.ask(Purpose::code, "Code: ");
        peer.success();
      },
      {"old", "new", "new", "123456"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.tokens, "AUTHTOK=new OLDAUTHTOK=old");
}

void a_failure_stores_no_password(void**) {
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.outcome(Outcome::refused);
  });
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_AUTH_ERR);
  assert_text(transaction.tokens_handed_over(), "");
}

void a_host_that_cannot_answer_breaks_the_conversation(void**) {
  using Manner = Person::Manner;
  for (const Manner manner :
       {Manner::fails, Manner::gives_no_responses, Manner::gives_a_null_answer}) {
    FakeDaemon daemon([](Peer& peer) { peer.ask(Purpose::password); });
    Person person{.answers = {"secret"}, .manner = manner};
    Transaction transaction(kCognitoUser, &person);
    assert_code(transaction.authenticate(), PAM_CONV_ERR);
    daemon.wait_for_script();
    assert_text(daemon.record().transcript(), "abort");
  }
  const auto none =
      play([](Peer& peer) { peer.ask(Purpose::password); }, {}, {.with_conversation = false});
  assert_code(none.code, PAM_CONV_ERR);
  assert_text(none.transcript, "abort");
}

void every_outcome_has_its_code_at_every_step(void**) {
  struct Row {
    Outcome outcome;
    int before;  // before any question
    int first;   // after the first password
    int later;   // after the code
  };
  const Row rows[] = {
      {Outcome::unforeseen, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR},
      {Outcome::success, PAM_SERVICE_ERR, PAM_SUCCESS, PAM_SUCCESS},
      {Outcome::refused, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR},
      {Outcome::not_permitted, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},
      {Outcome::tries_exhausted, PAM_MAXTRIES, PAM_MAXTRIES, PAM_MAXTRIES},
      {Outcome::unavailable, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL, PAM_AUTH_ERR},
      {Outcome::failed, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR},
      {Outcome::conversation_broken, PAM_CONV_ERR, PAM_CONV_ERR, PAM_CONV_ERR},
      {Outcome::account_denied, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},
      {Outcome::account_expired, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED},
      {Outcome::new_password_needed, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR},
      {Outcome::account_unknown, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},
      {static_cast<Outcome>(200), PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR},
  };
  for (const Row& row : rows) {
    const auto after = [&row](std::size_t questions) {
      const auto played = play(
          [&](Peer& peer) {
            if (questions > 0) peer.ask(Purpose::password);
            if (questions > 1) peer.ask(Purpose::code, "Code: ");
            peer.outcome(row.outcome);
            peer.receive();
          },
          {"secret", "123456"});
      print_message("%s after %zu questions: %s\n", std::string(to_string(row.outcome)).c_str(),
                    questions, code_name(played.code));
      const bool refusal = played.code != PAM_SUCCESS && played.code != PAM_AUTHINFO_UNAVAIL;
      assert_int_equal(played.delay >= 1'000'000, refusal);
      return played.code;
    };
    assert_code(after(0), row.before);
    assert_code(after(1), row.first);
    assert_code(after(2), row.later);
  }
}

void unavailable_is_accepted_only_after_one_password(void**) {
  const auto asked = [](std::vector<Purpose> purposes) {
    return play(
               [purposes](Peer& peer) {
                 for (const Purpose purpose : purposes) peer.ask(purpose);
                 peer.outcome(Outcome::unavailable);
               },
               {"one", "two"})
        .code;
  };
  assert_code(asked({Purpose::password_and_code}), PAM_AUTHINFO_UNAVAIL);
  assert_code(asked({Purpose::password, Purpose::password}), PAM_AUTH_ERR);
  assert_code(asked({Purpose::choice}), PAM_AUTH_ERR);
  assert_code(asked({Purpose::code}), PAM_AUTH_ERR);
  assert_code(asked({Purpose::other}), PAM_AUTH_ERR);
  assert_code(asked({Purpose::new_password}), PAM_AUTH_ERR);
}

void an_unacknowledged_success_is_a_failure(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password);
        peer.outcome(Outcome::success);
        peer.hang_up();
      },
      {"secret"});
  // The acknowledgement may or may not reach the daemon. Both are safe, because the daemon commits
  // only on it. Neither may be "unavailable".
  assert_true(played.code == PAM_AUTH_ERR || played.code == PAM_SUCCESS);

  FakeDaemon daemon([](Peer& peer) {
    peer.ask_only(Purpose::password);
    peer.outcome(Outcome::success);  // before the answer arrives
    peer.hang_up();
  });
  Person person{.answers = {"secret"}};
  person.before_answering = [&daemon](std::size_t) { daemon.wait_for_script(); };
  Transaction transaction(kCognitoUser, &person);
  assert_true(transaction.authenticate() != PAM_SUCCESS);
}

void a_sign_in_has_at_most_sixty_four_steps(void**) {
  const auto steps = [](int questions) {
    return play(
        [questions](Peer& peer) {
          for (int i = 0; i < questions; ++i)
            if (!peer.ask(Purpose::other)) return;
          peer.success();
        },
        std::vector<std::string>(100, "answer"));
  };
  assert_code(steps(63).code, PAM_SUCCESS);
  const auto more = steps(64);
  assert_code(more.code, PAM_SERVICE_ERR);
  assert_true(more.transcript.ends_with(" abort"));
}

void a_local_user_never_reaches_cognitod(void**) {
  FakeDaemon daemon([](Peer& peer) { peer.success(); });
  Person person;
  Transaction transaction(kLocalUser, &person);
  assert_code(transaction.authenticate(), kIgnored);
  assert_code(transaction.account(), kIgnored);
  assert_int_equal(daemon.record().opened + daemon.record().checked, 0);
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(password_and_code_sign_in),
      cmocka_unit_test(cognitod_receives_the_caller_context),
      cmocka_unit_test(a_notice_comes_with_its_question_in_one_call),
      cmocka_unit_test(pam_silent_suppresses_notices),
      cmocka_unit_test(foreign_text_is_made_printable),
      cmocka_unit_test(a_long_text_such_as_a_qr_code_arrives_whole),
      cmocka_unit_test(the_password_that_sshd_substitutes_is_sent_unchanged),
      cmocka_unit_test(an_answer_that_is_too_long_is_not_sent),
      cmocka_unit_test(the_password_is_refused_as_a_code),
      cmocka_unit_test(password_and_code_in_one_answer_store_the_password),
      cmocka_unit_test(a_changed_password_stores_both_passwords),
      cmocka_unit_test(a_failure_stores_no_password),
      cmocka_unit_test(a_host_that_cannot_answer_breaks_the_conversation),
      cmocka_unit_test(every_outcome_has_its_code_at_every_step),
      cmocka_unit_test(unavailable_is_accepted_only_after_one_password),
      cmocka_unit_test(an_unacknowledged_success_is_a_failure),
      cmocka_unit_test(a_sign_in_has_at_most_sixty_four_steps),
      cmocka_unit_test(a_local_user_never_reaches_cognitod),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
