#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/bus/core.h"

namespace pamcognito::bus {

struct PolicyAnswer {
  std::string question;  // stable, such as may-sign-in; the list is in org.pamcognito.Auth1(5)
  std::string answer;    // stable; several are separated by blanks; empty: there is none
  std::string section;   // with key: the setting of a file that decided; empty: there is none
  std::string key;
  std::string reason;  // for people; for session-by-… and login-from-… a stable word
};

// The decisions that policy makes now for the user at the service, for the administrator. It asks
// nobody and changes nothing. `service` must be a configured one.
std::vector<PolicyAnswer> policy_report(const Core& core, const std::string& user,
                                        const std::string& service);

// The remote address from which a login of the session's user, to the session's service, goes by
// this session now. Empty: none.
std::string address_that_counts(const Core& core, const sessions::Session& session);

}  // namespace pamcognito::bus
