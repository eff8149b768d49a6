#include "daemon/flows/account.h"

namespace pamcognito::flows {
namespace {

AccountDecision of_groups(const AccountRequest& request, const policy::Config* config,
                          const sessions::VerifiedFacts& facts) {
  const bool permitted =
      config != nullptr &&
      policy::access_permitted(*config, request.user, request.service, facts.groups);
  return permitted ? AccountDecision{Outcome::success, "groups"}
                   : AccountDecision{Outcome::account_denied, "groups"};
}

AccountDecision of_unknown(const AccountRequest& request, const policy::Config* config) {
  switch (policy::unknown_account(config, request.service)) {
    case policy::UnknownAccount::allow:
      return {Outcome::success, "unknown-allowed"};
    case policy::UnknownAccount::allow_root:
      return request.caller_is_root ? AccountDecision{Outcome::success, "unknown-allowed-to-root"}
                                    : AccountDecision{Outcome::account_unknown, "unknown"};
    case policy::UnknownAccount::deny:
      return {Outcome::account_unknown, "unknown"};
  }
  return {Outcome::account_unknown, "unknown"};
}

}  // namespace

AccountDecision decide_account(const AccountRequest& request, const policy::Config* config,
                               const sessions::VerifiedFactsStore& facts, runtime::BootTime now) {
  if (request.sign_in_id) {
    if (const auto known =
            facts.of_sign_in(*request.sign_in_id, request.user, request.service, now))
      return of_groups(request, config, *known);
  }
  const auto max_age =
      config != nullptr ? config->account.facts_max_age : policy::AccountConfig{}.facts_max_age;
  if (const auto known = facts.of_user(request.user, max_age, now))
    return of_groups(request, config, *known);
  // A sign-in that this daemon does not remember: it was restarted between the phases.
  if (request.sign_in_id) return {Outcome::account_denied, "sign-in-forgotten"};
  return of_unknown(request, config);
}

}  // namespace pamcognito::flows
