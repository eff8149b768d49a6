#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "daemon/limits/failure_budgets.h"
#include "daemon/limits/message_budgets.h"
#include "daemon/limits/origin.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/clock.h"

// The limits of first logins: sign-ins of names without an account on this machine. Anybody on the
// network may have one begun for any name, so nothing of them is counted among users with accounts.
namespace pamcognito::limits {

// The first logins that may ask the pool: at most `first_logins` in a minute, and of these at most
// `first_logins_per_source` of one network (Origin::network()). The minute is the last one at each
// moment. Only those that were permitted are counted, so there are never more than `first_logins`
// entries, and each stays until it is a minute old: no number of sources removes another's. In
// memory. Ages by boot time.
class FirstLoginRates {
 public:
  enum class Answer : std::uint8_t { permitted, beyond_source, beyond_machine };

  explicit FirstLoginRates(policy::LimitsConfig limits) : limits_(limits) {}
  FirstLoginRates(const FirstLoginRates&) = delete;
  FirstLoginRates& operator=(const FirstLoginRates&) = delete;

  // A reload keeps what was counted.
  void set_limits(policy::LimitsConfig limits) { limits_ = limits; }

  // Counts the first login if it is permitted.
  [[nodiscard]] Answer take(const Origin& origin, runtime::BootTime now);
  // The log has a line about refusals of this kind once a minute: now?
  [[nodiscard]] bool is_to_be_logged(Answer refusal, runtime::BootTime now);
  [[nodiscard]] std::size_t counted() const noexcept { return permitted_.size(); }

 private:
  struct Permitted {
    std::string source;
    runtime::BootTime when;
  };
  policy::LimitsConfig limits_;
  std::deque<Permitted> permitted_;                         // oldest first
  std::array<std::optional<runtime::BootTime>, 3> logged_;  // by Answer
};

// The tables of names without an account. They have a fixed size of their own: a name that finds no
// place is refused, because the pool's lock is by name, and an entry that went before its time
// would give the name new tries.
struct FirstLogins {
  static constexpr std::size_t kMaxNames = 4096;

  explicit FirstLogins(policy::LimitsConfig limits)
      : rates(limits),
        failures(limits, kMaxNames),
        messages(limits, "sign-in", kMaxNames),
        reset_messages(limits, "reset", kMaxNames),
        reset_messages_by_origin(limits, "", kMaxNames) {}

  // A reload keeps what was counted.
  void set_limits(policy::LimitsConfig of_name, policy::LimitsConfig of_origin) {
    rates.set_limits(of_name);
    failures.set_limits(of_name);
    messages.set_limits(of_name);
    reset_messages.set_limits(of_name);
    reset_messages_by_origin.set_limits(of_origin);
  }

  FirstLoginRates rates;
  FailureBudgets failures;  // no origin ever becomes known
  MessageBudgets messages;
  MessageBudgets reset_messages;
  MessageBudgets reset_messages_by_origin;
};

}  // namespace pamcognito::limits
