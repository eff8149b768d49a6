// The account phase, by itself and after an authentication in the same transaction.

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

void sign_in_script(Peer& peer) {
  peer.ask(Purpose::password);
  peer.success();
}

void every_outcome_has_its_code(void**) {
  struct Row {
    Outcome outcome;
    int code;
  };
  const Row rows[] = {
      {Outcome::success, PAM_SUCCESS},
      {Outcome::account_denied, PAM_PERM_DENIED},
      {Outcome::not_permitted, PAM_PERM_DENIED},
      {Outcome::account_expired, PAM_ACCT_EXPIRED},
      {Outcome::new_password_needed, PAM_NEW_AUTHTOK_REQD},
      {Outcome::account_unknown, PAM_PERM_DENIED},
      {Outcome::unavailable, PAM_PERM_DENIED},
      {Outcome::failed, PAM_PERM_DENIED},
      {Outcome::unforeseen, PAM_SERVICE_ERR},
      {static_cast<Outcome>(99), PAM_SERVICE_ERR},
  };
  for (const Row& row : rows) {
    const FakeDaemon daemon({}, {.account = row.outcome});
    Person person;
    Transaction transaction(kCognitoUser, &person, {.service = "systemd-user"});
    assert_code(transaction.account(), row.code);
    assert_int_equal(daemon.record().checked, 1);
    assert_int_equal(daemon.record().id_size, 0);
    assert_string_equal(daemon.record().service.data(), "systemd-user");
    assert_string_equal(daemon.record().user.data(), kCognitoUser);
  }
}

void check_account_names_the_sign_in_of_this_transaction(void**) {
  const FakeDaemon daemon(sign_in_script);
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_SUCCESS);
  assert_int_equal(daemon.record().id_size, kSignInIdSize);
  assert_memory_equal(daemon.record().id.data(), kSignInId.data(), kSignInIdSize);
}

void another_users_sign_in_is_not_named(void**) {
  const FakeDaemon daemon(sign_in_script);
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  transaction.set_item(PAM_USER, kPrimaryGroupUser);
  assert_code(transaction.account(), PAM_SUCCESS);
  assert_string_equal(daemon.record().user.data(), kPrimaryGroupUser);
  assert_int_equal(daemon.record().id_size, 0);
}

void a_failed_second_sign_in_forgets_the_first(void**) {
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  {
    const FakeDaemon daemon(sign_in_script);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
  }
  const FakeDaemon daemon([](Peer& peer) { peer.outcome(Outcome::refused); });
  assert_code(transaction.authenticate(), PAM_AUTH_ERR);
  assert_code(transaction.account(), PAM_SUCCESS);
  assert_int_equal(daemon.record().id_size, 0);
}

void an_absent_cognitod_denies_after_a_key_or_a_sign_in(void**) {
  Person person{.answers = {"secret"}};
  Transaction key_login(kCognitoUser, &person);
  assert_code(key_login.account(), PAM_PERM_DENIED);
  Transaction transaction(kCognitoUser, &person);
  {
    const FakeDaemon daemon(sign_in_script);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
  }
  assert_code(transaction.account(), PAM_PERM_DENIED);
}

// sshd tries a password and then a key in one transaction. A local password that was wrong or was
// not entered must not weaken the account phase.
void an_absent_cognitod_denies_without_the_local_password(void**) {
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_AUTHINFO_UNAVAIL);
  assert_code(transaction.account(), PAM_PERM_DENIED);
}

void an_absent_cognitod_is_unavailable_only_in_an_emergency(void**) {
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person, {.local_password = true});
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_AUTHINFO_UNAVAIL);
  {
    // cognitod has returned, and it alone decides.
    const FakeDaemon daemon({}, {.account = Outcome::account_denied});
    assert_code(transaction.account(), PAM_PERM_DENIED);
    assert_int_equal(daemon.record().id_size, 0);
  }
  transaction.set_item(PAM_USER, kPrimaryGroupUser);
  assert_code(transaction.account(), PAM_PERM_DENIED);
}

void an_unconfigured_cognitod_counts_as_absent(void**) {
  const FakeDaemon daemon({}, {.open_error = "org.pamcognito.Error.Unconfigured",
                               .check_error = "org.pamcognito.Error.Unconfigured"});
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person, {.local_password = true});
  assert_code(transaction.account(), PAM_PERM_DENIED);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_AUTHINFO_UNAVAIL);
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_outcome_has_its_code),
      cmocka_unit_test(check_account_names_the_sign_in_of_this_transaction),
      cmocka_unit_test(another_users_sign_in_is_not_named),
      cmocka_unit_test(a_failed_second_sign_in_forgets_the_first),
      cmocka_unit_test(an_absent_cognitod_denies_after_a_key_or_a_sign_in),
      cmocka_unit_test(an_absent_cognitod_denies_without_the_local_password),
      cmocka_unit_test(an_absent_cognitod_is_unavailable_only_in_an_emergency),
      cmocka_unit_test(an_unconfigured_cognitod_counts_as_absent),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
