// passwd(1): the two calls of a password change, by the module in a real libpam.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "common/bus_names.h"
#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

constexpr uid_t kLocalUserUid = 1002;
constexpr char kCurrent[] = "Current password: ";
constexpr char kNew[] = "New password: ";
constexpr char kAgain[] = "Retype new password: ";

struct Played {
  int code = -1;
  std::string transcript;  // the frames that the daemon has received
  std::string first_tokens;
  std::string tokens;
  std::string seen;
  unsigned delay = 0;
};

Played play(const FakeDaemon::Script& script, const std::vector<std::string>& answers,
            Stack stack = {}, int flags = 0) {
  stack.service = "passwd";
  FakeDaemon daemon(script);
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = answers};
  Played played;
  {
    Transaction transaction(kCognitoUser, &person, stack);
    played.code = transaction.change_password(flags);
    played.first_tokens = transaction.tokens_after_first_pass();
    played.tokens = transaction.tokens_handed_over();
  }
  daemon.wait_for_script();
  played.transcript = daemon.record().transcript();
  played.seen = person.seen;
  played.delay = Transaction::last_delay();
  return played;
}

void plain_script(Peer& peer) {
  if (peer.ask(Purpose::password, kCurrent) && peer.ask(Purpose::new_password, kNew) &&
      peer.ask(Purpose::new_password_again, kAgain))
    peer.success();
}

void both_passwords_become_pam_items(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.ask(Purpose::code, "Code: ", FrameType::ask_visible);
        peer.ask(Purpose::new_password, kNew);
        peer.ask(Purpose::new_password_again, kAgain);
        peer.info("Your password has been changed.");
        peer.success();
      },
      {"old", "123456", "new", "new"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.transcript,
              "answer(password)=old answer(code)=123456 answer(new_password)=new "
              "answer(new_password_again)=new ack");
  assert_text(played.seen,
              "hidden(Current password: ) | visible(Code: ) | hidden(New password: ) | "
              "hidden(Retype new password: ) | info(Your password has been changed.)");
  assert_text(played.first_tokens, "AUTHTOK=- OLDAUTHTOK=old");
  assert_text(played.tokens, "AUTHTOK=new OLDAUTHTOK=old");
  assert_int_equal(played.delay, 0);
}

void cognitod_receives_the_caller_context(void**) {
  FakeDaemon daemon(plain_script);
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = {"old", "new", "new"}};
  Transaction transaction(kCognitoUser, &person, {.service = "passwd"});
  assert_code(transaction.change_password(), PAM_SUCCESS);
  daemon.wait_for_script();
  const Record& record = daemon.record();
  assert_int_equal(record.changing, 1);
  assert_int_equal(record.opened, 0);
  assert_string_equal(record.user.data(), kCognitoUser);
  assert_string_equal(record.service.data(), "passwd");
  assert_non_null(std::strstr(record.facts.data(), "ruid=1001 "));
}

void a_refusal_ends_the_change_in_the_first_call(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.error("Sign-in failed.");
        peer.outcome(Outcome::refused);
      },
      {"wrong", "new", "new"});
  assert_code(played.code, PAM_AUTHTOK_RECOVERY_ERR);
  assert_text(played.seen, "hidden(Current password: ) | error(Sign-in failed.)");
  assert_text(played.first_tokens, "");
  assert_text(played.tokens, "");
  assert_true(played.delay >= 1'000'000);
}

void an_unacceptable_new_password_is_asked_for_again(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.ask(Purpose::new_password, kNew);
        peer.ask(Purpose::new_password_again, kAgain);
        peer.error("That password is not allowed: too short");
        peer.ask(Purpose::new_password, kNew);
        peer.ask(Purpose::new_password_again, kAgain);
        peer.success();
      },
      {"old", "x", "x", "better", "better"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(
      played.seen,
      "hidden(Current password: ) | hidden(New password: ) | hidden(Retype new password: ) | "
      "error(That password is not allowed: too short) hidden(New password: ) | "
      "hidden(Retype new password: )");
  assert_text(played.tokens, "AUTHTOK=better OLDAUTHTOK=old");
}

void a_notice_before_the_new_password_comes_with_it(void**) {
  const auto script = [](Peer& peer) {
    peer.ask(Purpose::password, kCurrent);
    peer.info("Hello");
    peer.ask(Purpose::new_password, kNew);
    peer.success();
  };
  const auto played = play(script, {"old", "new"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.seen, "hidden(Current password: ) | info(Hello) hidden(New password: )");
  const auto silent = play(script, {"old", "new"}, {}, static_cast<int>(PAM_SILENT));
  assert_code(silent.code, PAM_SUCCESS);
  assert_text(silent.seen, "hidden(Current password: ) | hidden(New password: )");
}

// With a temporary password the sign-in begins with a new password, and the code comes after it.
void a_forced_change_continues_in_the_second_call(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.ask(Purpose::new_password, kNew);
        peer.ask(Purpose::new_password_again, kAgain);
        peer.ask(Purpose::code, "Code: ");
        peer.success();
      },
      {"temporary", "new", "new", "123456"});
  assert_code(played.code, PAM_SUCCESS);
  assert_text(played.tokens, "AUTHTOK=new OLDAUTHTOK=temporary");
}

void a_success_without_a_new_password_is_a_failure(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.outcome(Outcome::success);
        peer.receive();
      },
      {"old"});
  assert_code(played.code, PAM_SERVICE_ERR);
  assert_text(played.transcript, "answer(password)=old abort");
  assert_text(played.tokens, "");
}

void every_outcome_has_its_code_in_both_calls(void**) {
  struct Row {
    Outcome outcome;
    int check;
    int update;
  };
  const Row rows[] = {
      {Outcome::unforeseen, PAM_SERVICE_ERR, PAM_SERVICE_ERR},
      {Outcome::success, PAM_SERVICE_ERR, PAM_SUCCESS},
      {Outcome::refused, PAM_AUTHTOK_RECOVERY_ERR, PAM_AUTHTOK_ERR},
      {Outcome::not_permitted, PAM_PERM_DENIED, PAM_PERM_DENIED},
      {Outcome::tries_exhausted, PAM_MAXTRIES, PAM_MAXTRIES},
      {Outcome::unavailable, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR},
      {Outcome::failed, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR},
      {Outcome::conversation_broken, PAM_CONV_ERR, PAM_CONV_ERR},
      {Outcome::account_denied, PAM_PERM_DENIED, PAM_PERM_DENIED},
      {Outcome::account_expired, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED},
      {Outcome::new_password_needed, PAM_SERVICE_ERR, PAM_SERVICE_ERR},
      {Outcome::account_unknown, PAM_PERM_DENIED, PAM_PERM_DENIED},
      {static_cast<Outcome>(200), PAM_SERVICE_ERR, PAM_SERVICE_ERR},
  };
  for (const Row& row : rows) {
    const auto after = [&row](std::size_t questions) {
      const auto played = play(
          [&](Peer& peer) {
            if (questions > 0) peer.ask(Purpose::password, kCurrent);
            if (questions > 1) peer.ask(Purpose::new_password, kNew);
            peer.outcome(row.outcome);
            peer.receive();
          },
          {"old", "new"});
      print_message("%s after %zu questions: %s\n", std::string(to_string(row.outcome)).c_str(),
                    questions, code_name(played.code));
      const bool refusal = played.code != PAM_SUCCESS && played.code != PAM_TRY_AGAIN;
      assert_int_equal(played.delay >= 1'000'000, refusal);
      return played.code;
    };
    assert_code(after(0), row.check);
    assert_code(after(1), row.check);
    assert_code(after(2), row.update);
  }
}

// Root changes local passwords, which serve for break glass.
void a_password_that_root_changes_is_local(void**) {
  FakeDaemon daemon(plain_script);
  Person person;
  for (const char* options : {"", "nullok"}) {
    Transaction transaction(kCognitoUser, &person, {.options = options});
    assert_code(transaction.change_password(), kIgnored);
  }
  set_users_conf("malformed\n");
  {
    Transaction transaction(kCognitoUser, &person);
    assert_code(transaction.change_password(), kIgnored);
  }
  set_users_conf(kUsersConf);
  assert_int_equal(daemon.record().changing, 0);
}

// The second call is ignored too; another module makes the change.
void root_is_ignored_in_both_calls(void**) {
  Person person;
  Transaction transaction(kCognitoUser, &person, {.password_control = "[ignore=1 default=die]"});
  assert_code(transaction.change_password(), PAM_SUCCESS);
  assert_text(transaction.tokens_handed_over(), "AUTHTOK=- OLDAUTHTOK=-");
}

void another_users_password_is_denied(void**) {
  FakeDaemon daemon(plain_script);
  for (const uid_t uid : {kCognitoUserUid, kLocalUserUid}) {
    const RealUid somebody(uid);
    Person person;
    Transaction transaction(kPrimaryGroupUser, &person);
    assert_code(transaction.change_password(), PAM_PERM_DENIED);
    assert_true(Transaction::last_delay() >= 1'000'000);
    assert_text(person.seen, "");
  }
  assert_int_equal(daemon.record().changing, 0);
}

void local_users_never_reach_cognitod(void**) {
  FakeDaemon daemon(plain_script);
  const RealUid itself(kLocalUserUid);
  Person person;
  Transaction transaction(kLocalUser, &person);
  assert_code(transaction.change_password(), kIgnored);
  assert_int_equal(Transaction::last_delay(), 0);
  assert_int_equal(daemon.record().changing, 0);
}

constexpr int kExpired = static_cast<int>(PAM_CHANGE_EXPIRED_AUTHTOK);

// After an emergency sign-in pam_unix changes the local password in both calls, in a host that the
// user has started (sudo) or that root has (login). The module returns PAM_AUTHINFO_UNAVAIL.
void an_expired_local_password_is_changed_in_an_emergency(void**) {
  for (const uid_t uid : {kCognitoUserUid, uid_t{0}}) {
    Person person;
    Transaction transaction(
        kCognitoUser, &person,
        {.password_control = "[success=1 ignore=1 authinfo_unavail=ignore default=die]",
         .local_password = true});
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    const RealUid host(uid);
    assert_code(transaction.change_password(kExpired), PAM_CRED_INSUFFICIENT);
    assert_int_equal(person.questions, 0);
  }
}

// Without an emergency nobody uses the expired local password: `passwd -k` changes the Cognito
// password, and a login program that demands a new one is refused.
void without_an_emergency_no_local_password_is_changed(void**) {
  {
    FakeDaemon daemon(plain_script);
    const RealUid itself(kCognitoUserUid);
    Person person{.answers = {"old", "new", "new"}};
    Transaction transaction(kCognitoUser, &person, {.service = "passwd"});
    assert_code(transaction.change_password(kExpired), PAM_SUCCESS);
    assert_int_equal(daemon.record().changing, 1);
  }
  FakeDaemon daemon(plain_script);
  Person person;
  Transaction login(kCognitoUser, &person);
  assert_code(login.change_password(kExpired), PAM_PERM_DENIED);
  assert_int_equal(daemon.record().changing, 0);
}

// The account phase has reported the demand of the pool. The user has started the host (sudo), or
// it runs as root (login).
void a_demand_of_the_pool_changes_the_cognito_password(void**) {
  for (const uid_t uid : {kCognitoUserUid, uid_t{0}}) {
    const FakeDaemon daemon(plain_script, {.account = Outcome::new_password_needed});
    const RealUid host(uid);
    Person person{.answers = {"old", "new", "new"}};
    Transaction transaction(kCognitoUser, &person, {.service = "login"});
    assert_code(transaction.account(), PAM_NEW_AUTHTOK_REQD);
    assert_code(transaction.change_password(kExpired), PAM_SUCCESS);
    assert_int_equal(daemon.record().changing, 1);
    assert_non_null(std::strstr(daemon.record().facts.data(), uid == 0 ? "ruid=0 " : "ruid=1001 "));
    assert_text(transaction.tokens_handed_over(), "AUTHTOK=new OLDAUTHTOK=old");
  }
}

void a_demand_counts_for_one_user_and_one_account_phase(void**) {
  FakeDaemon daemon(plain_script, {.account = Outcome::new_password_needed});
  Person person;
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.account(), PAM_NEW_AUTHTOK_REQD);
  assert_code(transaction.change_password(), kIgnored);  // passwd by root
  transaction.set_item(PAM_USER, kPrimaryGroupUser);
  assert_code(transaction.change_password(kExpired), PAM_PERM_DENIED);
  transaction.set_item(PAM_USER, kCognitoUser);
  {
    // A host that another user has started (su).
    const RealUid somebody(kLocalUserUid);
    assert_code(transaction.change_password(kExpired), PAM_PERM_DENIED);
  }
  const FakeDaemon content(plain_script);
  assert_code(transaction.account(), PAM_SUCCESS);
  assert_code(transaction.change_password(kExpired), PAM_PERM_DENIED);
  assert_int_equal(daemon.record().changing, 0);
  assert_int_equal(content.record().changing, 0);
}

int change_without_a_person() {
  const RealUid itself(kCognitoUserUid);
  Person person;
  Transaction transaction(kCognitoUser, &person);
  const int code = transaction.change_password();
  assert_text(person.seen, "");
  return code;
}

// No code here may be PAM_IGNORE, because pam_unix would silently change a local password.
void without_cognitod_no_password_is_changed(void**) {
  assert_code(change_without_a_person(), PAM_TRY_AGAIN);
  assert_int_equal(Transaction::last_delay(), 0);
  const auto with_error = [](const char* error) {
    const FakeDaemon daemon({}, {.open_error = error});
    return change_without_a_person();
  };
  assert_code(with_error(bus_names::kErrorUnconfigured), PAM_TRY_AGAIN);
  assert_code(with_error(bus_names::kErrorTooManySignIns), PAM_MAXTRIES);
  assert_code(with_error(bus_names::kErrorNotPermitted), PAM_AUTHTOK_RECOVERY_ERR);
  assert_code(with_error(bus_names::kErrorNotOurs), PAM_AUTHTOK_RECOVERY_ERR);
  assert_code(with_error("org.freedesktop.DBus.Error.UnknownMethod"), PAM_SERVICE_ERR);
  const FakeDaemon malformed({}, {.malformed_replies = true});
  assert_code(change_without_a_person(), PAM_SERVICE_ERR);
}

constexpr char kFifo[] = "/run/between";

// A stack that waits between the two calls until open_second_pass() is called.
Stack waits_between_the_passes() {
  (void)::unlink(kFifo);
  assert_int_equal(::mkfifo(kFifo, 0600), 0);
  return {.after_password_check = std::string("await_first=") + kFifo};
}

void open_second_pass() {
  (void)::close(::open(kFifo, O_WRONLY | O_CLOEXEC));
}

void a_cognitod_lost_between_the_calls_is_noticed_before_the_question(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.ask_only(Purpose::new_password, kNew);
        peer.hang_up();
        open_second_pass();
      },
      {"old", "new"}, waits_between_the_passes());
  assert_code(played.code, PAM_AUTHTOK_ERR);
  assert_text(played.seen, "hidden(Current password: )");
  assert_text(played.tokens, "");
}

void a_deadline_between_the_calls_is_reported(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.ask_only(Purpose::new_password, kNew);
        peer.error("Time ran out. Try again.");
        peer.outcome(Outcome::failed);
        peer.hang_up();
        open_second_pass();
      },
      {"old", "new"}, waits_between_the_passes());
  assert_code(played.code, PAM_AUTHTOK_ERR);
  assert_text(played.seen, "hidden(Current password: ) | error(Time ran out. Try again.)");
}

void a_success_between_the_calls_is_a_failure(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.ask_only(Purpose::new_password, kNew);
        peer.outcome(Outcome::success);
        open_second_pass();
        peer.receive();
      },
      {"old", "new"}, waits_between_the_passes());
  assert_code(played.code, PAM_SERVICE_ERR);
  assert_text(played.transcript, "answer(password)=old abort");
}

void a_cognitod_lost_at_the_new_password_is_a_failure(void**) {
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password, kCurrent);
    peer.ask_only(Purpose::new_password, kNew);
  });
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = {"old", "new"}};
  person.before_answering = [&daemon](std::size_t question) {
    if (question == 1) daemon.wait_for_script();
  };
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.change_password(), PAM_AUTHTOK_ERR);
  assert_text(transaction.tokens_handed_over(), "");
}

void a_user_who_cancels_breaks_the_conversation(void**) {
  const auto played = play(plain_script, {"old"});
  assert_code(played.code, PAM_CONV_ERR);
  assert_text(played.transcript, "answer(password)=old abort");
}

void pam_end_between_the_calls_closes_the_socket(void**) {
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password, kCurrent);
    peer.ask_only(Purpose::new_password, kNew);
    peer.receive();
  });
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = {"old", "new"}};
  {
    Transaction transaction(kCognitoUser, &person, {.after_password_check = "fail_first"});
    assert_code(transaction.change_password(), PAM_PERM_DENIED);
  }
  daemon.wait_for_script();
  assert_text(daemon.record().transcript(), "answer(password)=old closed");
  assert_text(person.seen, "hidden(Current password: )");
}

void a_new_first_call_discards_the_last_one(void**) {
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password, kCurrent);
    peer.ask_only(Purpose::new_password, kNew);
    peer.receive();
  });
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = {"one", "two"}};
  Transaction transaction(kCognitoUser, &person, {.after_password_check = "fail_first"});
  assert_code(transaction.change_password(), PAM_PERM_DENIED);
  // The daemon plays one script at a time, so it could not answer while the first one is open.
  assert_code(transaction.change_password(), PAM_PERM_DENIED);
  assert_int_equal(daemon.record().changing, 2);
}

// In a stack that continues after a refusal, as no stack should.
void a_second_call_without_a_first_changes_nothing(void**) {
  Syslog syslog;
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.outcome(Outcome::refused);
      },
      {"wrong", "new", "new"}, {.password_control = "[success=1 default=1]"});
  assert_text(played.seen, "hidden(Current password: )");
  assert_text(played.transcript, "answer(password)=wrong");
  const std::string log = syslog.take();
  assert_true(log.contains("password-change refused cause=outcome user=alice"));
  assert_true(log.contains("password-change unforeseen cause=nothing-begun user=alice"));
}

void a_second_call_for_another_user_changes_nothing(void**) {
  const auto played = play(
      [](Peer& peer) {
        peer.ask(Purpose::password, kCurrent);
        peer.ask_only(Purpose::new_password, kNew);
        peer.receive();
      },
      {"old", "new"}, {.after_password_check = std::string("user_first=") + kPrimaryGroupUser});
  assert_code(played.code, PAM_SERVICE_ERR);
  assert_text(played.transcript, "answer(password)=old closed");
  assert_text(played.seen, "hidden(Current password: )");
}

void the_password_of_an_earlier_module_is_the_current_one(void**) {
  for (const char* options : {"use_first_pass", "try_first_pass"}) {
    const auto played = play(plain_script, {"new", "new"},
                             {.options = options, .first_password = "old", .set_first = true});
    assert_code(played.code, PAM_SUCCESS);
    assert_text(played.transcript,
                "answer(password)=old answer(new_password)=new answer(new_password_again)=new ack");
  }
  const auto asked = play(plain_script, {"old", "new", "new"}, {.options = "try_first_pass"});
  assert_code(asked.code, PAM_SUCCESS);
  const auto none = play(plain_script, {"old", "new", "new"}, {.options = "use_first_pass"});
  assert_code(none.code, PAM_AUTHTOK_RECOVERY_ERR);
  assert_text(none.seen, "");
}

void an_unknown_option_refuses_the_change(void**) {
  FakeDaemon daemon(plain_script);
  const RealUid itself(kCognitoUserUid);
  Person person{.answers = {"old", "new", "new"}};
  Transaction transaction(kCognitoUser, &person, {.options = "use_authtok"});
  assert_code(transaction.change_password(), PAM_SERVICE_ERR);
  assert_int_equal(daemon.record().changing, 0);
}

void both_calls_together_have_sixty_four_steps(void**) {
  const auto steps = [](int questions) {
    return play(
        [questions](Peer& peer) {
          for (int i = 0; i < questions; ++i)
            if (!peer.ask(i == 30 ? Purpose::new_password : Purpose::other)) return;
          peer.success();
        },
        std::vector<std::string>(100, "answer"));
  };
  assert_code(steps(63).code, PAM_SUCCESS);
  const auto more = steps(64);
  assert_code(more.code, PAM_SERVICE_ERR);
  assert_true(more.transcript.ends_with(" abort"));
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(both_passwords_become_pam_items),
      cmocka_unit_test(cognitod_receives_the_caller_context),
      cmocka_unit_test(a_refusal_ends_the_change_in_the_first_call),
      cmocka_unit_test(an_unacceptable_new_password_is_asked_for_again),
      cmocka_unit_test(a_notice_before_the_new_password_comes_with_it),
      cmocka_unit_test(a_forced_change_continues_in_the_second_call),
      cmocka_unit_test(a_success_without_a_new_password_is_a_failure),
      cmocka_unit_test(every_outcome_has_its_code_in_both_calls),
      cmocka_unit_test(a_password_that_root_changes_is_local),
      cmocka_unit_test(root_is_ignored_in_both_calls),
      cmocka_unit_test(another_users_password_is_denied),
      cmocka_unit_test(local_users_never_reach_cognitod),
      cmocka_unit_test(an_expired_local_password_is_changed_in_an_emergency),
      cmocka_unit_test(without_an_emergency_no_local_password_is_changed),
      cmocka_unit_test(a_demand_of_the_pool_changes_the_cognito_password),
      cmocka_unit_test(a_demand_counts_for_one_user_and_one_account_phase),
      cmocka_unit_test(without_cognitod_no_password_is_changed),
      cmocka_unit_test(a_cognitod_lost_between_the_calls_is_noticed_before_the_question),
      cmocka_unit_test(a_deadline_between_the_calls_is_reported),
      cmocka_unit_test(a_success_between_the_calls_is_a_failure),
      cmocka_unit_test(a_cognitod_lost_at_the_new_password_is_a_failure),
      cmocka_unit_test(a_user_who_cancels_breaks_the_conversation),
      cmocka_unit_test(pam_end_between_the_calls_closes_the_socket),
      cmocka_unit_test(a_new_first_call_discards_the_last_one),
      cmocka_unit_test(a_second_call_without_a_first_changes_nothing),
      cmocka_unit_test(a_second_call_for_another_user_changes_nothing),
      cmocka_unit_test(the_password_of_an_earlier_module_is_the_current_one),
      cmocka_unit_test(an_unknown_option_refuses_the_change),
      cmocka_unit_test(both_calls_together_have_sixty_four_steps),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
