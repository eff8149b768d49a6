#include "pam/result.h"

#include <iterator>
#include <string>

#include "tests/module/check.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::pam;
using pamcognito::test::assert_code;

int code(Phase phase, Outcome outcome, bool may_be_unavailable) {
  return pam_code(
      phase,
      PhaseResult{.outcome = outcome, .cause = "test", .may_be_unavailable = may_be_unavailable});
}

struct Row {
  Outcome outcome;
  int authenticate_first;  // only one password was asked for
  int authenticate_later;
  int account_emergency;  // after an emergency sign-in
  int account;
  int password_check;  // PAM_PRELIM_CHECK
  int password_update;
};

// The codes that docs/architecture.md promises to PAM stacks, written a second time by hand.
constexpr Row kTable[] = {
    {Outcome::unforeseen, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR,
     PAM_SERVICE_ERR, PAM_SERVICE_ERR},
    {Outcome::success, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS,
     PAM_SUCCESS},
    {Outcome::refused, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_PERM_DENIED,
     PAM_AUTHTOK_RECOVERY_ERR, PAM_AUTHTOK_ERR},
    {Outcome::not_permitted, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED,
     PAM_PERM_DENIED, PAM_PERM_DENIED},
    {Outcome::tries_exhausted, PAM_MAXTRIES, PAM_MAXTRIES, PAM_MAXTRIES, PAM_MAXTRIES, PAM_MAXTRIES,
     PAM_MAXTRIES},
    {Outcome::unavailable, PAM_AUTHINFO_UNAVAIL, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL,
     PAM_PERM_DENIED, PAM_TRY_AGAIN, PAM_AUTHTOK_ERR},
    {Outcome::failed, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_TRY_AGAIN,
     PAM_AUTHTOK_ERR},
    {Outcome::conversation_broken, PAM_CONV_ERR, PAM_CONV_ERR, PAM_CONV_ERR, PAM_CONV_ERR,
     PAM_CONV_ERR, PAM_CONV_ERR},
    {Outcome::account_denied, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED,
     PAM_PERM_DENIED, PAM_PERM_DENIED},
    {Outcome::account_expired, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED,
     PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED, PAM_ACCT_EXPIRED},
    {Outcome::new_password_needed, PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_NEW_AUTHTOK_REQD,
     PAM_NEW_AUTHTOK_REQD, PAM_SERVICE_ERR, PAM_SERVICE_ERR},
    {Outcome::account_unknown, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_AUTHINFO_UNAVAIL,
     PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},
};

void every_outcome_has_its_code(void**) {
  assert_int_equal(std::size(kTable), kAllOutcomes.size());
  for (const Row& row : kTable) {
    print_message("%s\n", std::string(to_string(row.outcome)).c_str());
    assert_code(code(Phase::authenticate, row.outcome, true), row.authenticate_first);
    assert_code(code(Phase::authenticate, row.outcome, false), row.authenticate_later);
    assert_code(code(Phase::account, row.outcome, true), row.account_emergency);
    assert_code(code(Phase::account, row.outcome, false), row.account);
    // No result here may be "unavailable", which would leave the change to pam_unix.
    for (const bool may_be_unavailable : {false, true}) {
      assert_code(code(Phase::password_check, row.outcome, may_be_unavailable), row.password_check);
      assert_code(code(Phase::password_update, row.outcome, may_be_unavailable),
                  row.password_update);
    }
  }
}

void unknown_outcomes_are_failures(void**) {
  for (int value = static_cast<int>(kAllOutcomes.size()); value < 256; ++value)
    for (const Phase phase :
         {Phase::authenticate, Phase::account, Phase::password_check, Phase::password_update})
      assert_code(code(phase, static_cast<Outcome>(value), true), PAM_SERVICE_ERR);
}

void a_zeroed_result_is_a_failure(void**) {
  assert_code(pam_code(Phase::authenticate, PhaseResult{}), PAM_SERVICE_ERR);
}

void only_cognito_users_reach_cognitod(void**) {
  assert_true(check_membership(Phase::authenticate, Membership::cognito_user, false).has_value());
  assert_code(check_membership(Phase::authenticate, Membership::not_cognito_user, false).error(),
              PAM_IGNORE);
  assert_code(check_membership(Phase::authenticate, Membership::denied, false).error(),
              PAM_PERM_DENIED);
  assert_code(check_membership(Phase::authenticate, Membership::malformed, false).error(),
              PAM_SERVICE_ERR);
  assert_code(check_membership(Phase::authenticate, Membership::local_fault, false).error(),
              PAM_SERVICE_ERR);
  for (const bool emergency : {false, true})
    assert_code(check_membership(Phase::authenticate, Membership::unknown, emergency).error(),
                PAM_AUTH_ERR);
  assert_code(check_membership(Phase::account, Membership::unknown, false).error(),
              PAM_PERM_DENIED);
  assert_code(check_membership(Phase::account, Membership::unknown, true).error(),
              PAM_AUTHINFO_UNAVAIL);
  for (const bool unavailable : {false, true}) {
    assert_code(check_membership(Phase::password_check, Membership::unknown, unavailable).error(),
                PAM_TRY_AGAIN);
    assert_code(check_membership(Phase::password_update, Membership::unknown, unavailable).error(),
                PAM_AUTHTOK_ERR);
  }
}

// An account that no local file names. Never PAM_USER_UNKNOWN and PAM_AUTHINFO_UNAVAIL, which
// stacks pass on to other modules, and in no case a success.
void a_stored_record_that_refuses_has_its_code(void**) {
  struct Codes {
    Phase phase;
    int no_account;
    int locked;
    int damaged;
  };
  constexpr Codes kCodes[] = {
      {Phase::authenticate, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR},
      {Phase::credentials, PAM_CRED_ERR, PAM_CRED_ERR, PAM_CRED_ERR},
      {Phase::account, PAM_PERM_DENIED, PAM_ACCT_EXPIRED, PAM_PERM_DENIED},
      {Phase::password_check, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_TRY_AGAIN},
      {Phase::password_update, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_AUTHTOK_ERR},
  };
  for (const Codes& codes : kCodes)
    for (const bool emergency : {false, true}) {
      assert_code(check_membership(codes.phase, Membership::no_account, emergency).error(),
                  codes.no_account);
      assert_code(check_membership(codes.phase, Membership::locked, emergency).error(),
                  codes.locked);
      assert_code(check_membership(codes.phase, Membership::damaged, emergency).error(),
                  codes.damaged);
    }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_outcome_has_its_code),
      cmocka_unit_test(unknown_outcomes_are_failures),
      cmocka_unit_test(a_zeroed_result_is_a_failure),
      cmocka_unit_test(only_cognito_users_reach_cognitod),
      cmocka_unit_test(a_stored_record_that_refuses_has_its_code),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
