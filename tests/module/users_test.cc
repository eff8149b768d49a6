// Codes for Cognito users and local users in every phase, without cognitod, and with wrong options.

#include <unistd.h>

#include <string>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

struct Codes {
  int authenticate;
  int account;
  int set_credentials;
};

void assert_codes(const char* user, const Codes& expected, const char* options = "") {
  Person person{.answers = {"secret"}};
  const Stack stack{.options = options};
  print_message("%s\n", user);
  Transaction for_credentials(user, &person, stack);
  assert_code(for_credentials.set_credentials(), expected.set_credentials);
  Transaction transaction(user, &person, stack);
  assert_code(transaction.authenticate(), expected.authenticate);
  Transaction for_account(user, &person, stack);
  assert_code(for_account.account(), expected.account);
  assert_int_equal(person.questions, 0);
}

constexpr Codes kIgnoredEverywhere = {kIgnored, kIgnored, kIgnored};
// There is no bus, so a user whom cognitod would be asked about is recognized by the failure.
constexpr Codes kAsked = {PAM_AUTHINFO_UNAVAIL, PAM_PERM_DENIED, PAM_SUCCESS};

void cognito_users_and_local_users_get_their_codes(void**) {
  assert_codes(kCognitoUser, kAsked);
  assert_codes(kPrimaryGroupUser, kAsked);
  for (const char* user : {kLocalUser, "root", "daemon", "nobody", "admin", "nosuchuser"})
    assert_codes(user, kIgnoredEverywhere);
}

void a_name_outside_the_grammar_is_denied(void**) {
  assert_codes("dave$", {PAM_PERM_DENIED, PAM_PERM_DENIED, kIgnored});
}

void a_malformed_file_denies_all_but_exempt_users(void**) {
  set_users_conf("exclude=admin\nusrs=bob\n");
  assert_codes(kCognitoUser, {PAM_SERVICE_ERR, PAM_SERVICE_ERR, kIgnored});
  assert_codes(kLocalUser, {PAM_SERVICE_ERR, PAM_SERVICE_ERR, kIgnored});
  for (const char* user : {"root", "daemon", "nobody", "admin"})
    assert_codes(user, kIgnoredEverywhere);
  set_users_conf(kUsersConf);
}

void without_users_conf_everybody_is_ignored(void**) {
  set_users_conf("");
  for (const char* user : {kCognitoUser, kLocalUser, "root"})
    assert_codes(user, kIgnoredEverywhere);
  set_users_conf(kUsersConf);
}

void an_unknown_option_refuses_cognito_users_only(void**) {
  for (const char* options : {"nullok", "debug use_firstpass", "try_first_pass x=y"}) {
    assert_codes(kCognitoUser, {PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR}, options);
    assert_codes("root", kIgnoredEverywhere, options);
  }
}

// A screen locker runs as the user; the module works there too.
void an_ordinary_process_signs_itself_in(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  Child child([] {
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person, {.service = "xsecurelock"});
    if (::setresgid(kCognitoUserUid, kCognitoUserUid, kCognitoUserUid) != 0 ||
        ::setresuid(kCognitoUserUid, kCognitoUserUid, kCognitoUserUid) != 0)
      return 100;
    return transaction.authenticate() == PAM_SUCCESS && transaction.account() == PAM_SUCCESS ? 0
                                                                                             : 1;
  });
  assert_int_equal(child.wait(), 0);
  assert_string_equal(daemon.record().service.data(), "xsecurelock");
  assert_true(std::string(daemon.record().facts.data()).starts_with("ruid=1001 "));
}

void libpam_asks_for_a_missing_user_name(void**) {
  const PrivateBus bus;
  FakeDaemon daemon([](Peer& peer) {
    peer.ask(Purpose::password);
    peer.success();
  });
  Person person{.answers = {kCognitoUser, "secret"}};
  Transaction transaction(nullptr, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_string_equal(daemon.record().user.data(), kCognitoUser);

  Person nobody_there;
  Transaction without(nullptr, &nobody_there);
  assert_code(without.authenticate(), PAM_CONV_ERR);
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(cognito_users_and_local_users_get_their_codes),
      cmocka_unit_test(a_name_outside_the_grammar_is_denied),
      cmocka_unit_test(a_malformed_file_denies_all_but_exempt_users),
      cmocka_unit_test(without_users_conf_everybody_is_ignored),
      cmocka_unit_test(an_unknown_option_refuses_cognito_users_only),
      cmocka_unit_test(an_ordinary_process_signs_itself_in),
      cmocka_unit_test(libpam_asks_for_a_missing_user_name),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
