#pragma once

#include <optional>
#include <string_view>

#include "common/frame.h"
#include "common/outcome.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/clock.h"
#include "daemon/sessions/verified_facts.h"

namespace pamcognito::flows {

struct AccountRequest {
  std::string_view user;
  std::string_view service;
  // Of this transaction's authentication; none for key logins, cron, su by root and the like.
  std::optional<SignInId> sign_in_id;
  bool caller_is_root;  // the real uid behind the PAM transaction is 0
};

struct AccountDecision {
  Outcome outcome;          // success, account_denied, account_unknown
  std::string_view reason;  // stable word for the log
};

// May this user's account go on? From what is known here and now, never from the network: the
// sign-in of this transaction, else the user's last verified groups, else what the configuration
// says of users that were never seen. `config` may be null: an unconfigured daemon.
AccountDecision decide_account(const AccountRequest& request, const policy::Config* config,
                               const sessions::VerifiedFactsStore& facts, runtime::BootTime now);

}  // namespace pamcognito::flows
