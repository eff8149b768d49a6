#include "daemon/flows/account.h"

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using flows::AccountRequest;
using flows::decide_account;
using runtime::BootTime;

constexpr BootTime kNow{std::chrono::hours(100)};
constexpr SignInId kId{1, 2, 3};
constexpr SignInId kOtherId{9};

policy::Config configured() {
  policy::Config config;
  config.access.allow_groups = {"linux-users"};
  config.services["sudo"].allow_groups = {"linux-admins"};
  return config;
}

void expect(const AccountRequest& request, const policy::Config* config,
            const sessions::VerifiedFactsStore& facts, Outcome outcome, std::string_view reason,
            BootTime now = kNow) {
  const flows::AccountDecision decision = decide_account(request, config, facts, now);
  assert_text(decision.reason, reason);
  assert_outcome(decision.outcome, outcome);
}

void never_seen(void**) {
  const policy::Config config = configured();
  const sessions::VerifiedFactsStore nothing;
  for (const policy::Config* policy : {&config, static_cast<const policy::Config*>(nullptr)}) {
    expect({"alice", "sshd", {}, true}, policy, nothing, Outcome::account_unknown, "unknown");
    expect({"alice", "sudo", {}, true}, policy, nothing, Outcome::account_unknown, "unknown");
    expect({"alice", "cron", {}, true}, policy, nothing, Outcome::success, "unknown-allowed");
    expect({"alice", "systemd-user", {}, true}, policy, nothing, Outcome::success,
           "unknown-allowed");
    expect({"alice", "su", {}, true}, policy, nothing, Outcome::success, "unknown-allowed-to-root");
    expect({"alice", "su", {}, false}, policy, nothing, Outcome::account_unknown, "unknown");
    expect({"alice", "systemd-user2", {}, true}, policy, nothing, Outcome::account_unknown,
           "unknown");
  }
}

void by_groups(void**) {
  const policy::Config config = configured();
  sessions::VerifiedFactsStore facts;
  facts.remember(kId, "alice", "sshd", {"sub", {"linux-users"}, kNow});
  expect({"alice", "sshd", kId, true}, &config, facts, Outcome::success, "groups");
  expect({"alice", "sshd", {}, true}, &config, facts, Outcome::success, "groups");
  expect({"alice", "sudo", {}, true}, &config, facts, Outcome::account_denied, "groups");
  expect({"alice", "cron", {}, true}, &config, facts, Outcome::success, "groups");
  expect({"bob", "sshd", {}, true}, &config, facts, Outcome::account_unknown, "unknown");
  // Without a configuration nobody's groups are allowed.
  expect({"alice", "sshd", {}, true}, nullptr, facts, Outcome::account_denied, "groups");
}

void a_sign_in_counts_for_its_user_and_service_only(void**) {
  const policy::Config config = configured();
  sessions::VerifiedFactsStore facts;
  facts.remember(kId, "alice", "sshd", {"sub", {"linux-users"}, kNow});
  expect({"bob", "sshd", kId, true}, &config, facts, Outcome::account_denied, "sign-in-forgotten");
  expect({"bob", "cron", kId, true}, &config, facts, Outcome::account_denied, "sign-in-forgotten");
}

void a_restart_between_the_phases_denies(void**) {
  const policy::Config config = configured();
  const sessions::VerifiedFactsStore nothing;
  expect({"alice", "sshd", kOtherId, true}, &config, nothing, Outcome::account_denied,
         "sign-in-forgotten");
}

void groups_grow_old(void**) {
  const policy::Config config = configured();
  sessions::VerifiedFactsStore facts;
  facts.remember(kId, "alice", "sshd", {"sub", {"linux-users"}, kNow});
  const BootTime in_a_week = kNow + std::chrono::hours(7 * 24);
  expect({"alice", "sshd", {}, true}, &config, facts, Outcome::success, "groups", in_a_week);
  expect({"alice", "sshd", {}, true}, &config, facts, Outcome::account_unknown, "unknown",
         in_a_week + std::chrono::seconds(1));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(never_seen),
      cmocka_unit_test(by_groups),
      cmocka_unit_test(a_sign_in_counts_for_its_user_and_service_only),
      cmocka_unit_test(a_restart_between_the_phases_denies),
      cmocka_unit_test(groups_grow_old),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
