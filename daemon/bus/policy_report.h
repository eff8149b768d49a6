#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/bus/core.h"

namespace pamcognito::bus {

struct PolicyAnswer {
  std::string question;  // stable, such as may-sign-in; the list is in cognitoctl(1), JSON
  std::string answer;    // stable if it is one of a few, such as yes
  std::string rule;      // what decided: a key of the configuration, or what is built in

  PolicyAnswer(std::string question_, std::string answer_, std::string rule_)
      : question(std::move(question_)), answer(std::move(answer_)), rule(std::move(rule_)) {}
};

// The decisions that policy makes now for the user at the service, for the administrator. It asks
// nobody and changes nothing. `service` must be a configured one.
std::vector<PolicyAnswer> policy_report(const Core& core, const std::string& user,
                                        const std::string& service);

// The remote address from which a login of the session's user, to the session's service, goes by
// this session now. Empty: none.
std::string address_that_counts(const Core& core, const sessions::Session& session);

}  // namespace pamcognito::bus
