#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "daemon/policy/config.h"
#include "daemon/runtime/clock.h"

namespace pamcognito::limits {

// The number of SMS and e-mail codes that this host may cause for a user: at most `messages` in the
// window, and none after `messages_unanswered` in a row without an answer (sshd with
// PasswordAuthentication fails the code prompt only after the SMS was sent). "In a row" ends with
// an answered one, or when the newest is older than the window. In memory, bounded. Ages by boot
// time.
class MessageBudgets {
 public:
  static constexpr std::size_t kMaxUsers = 65536;

  // `kind`: the purpose of the messages, a literal, as runtime::metrics() counts them: sign-in or
  // reset. Empty: another object counts them.
  explicit MessageBudgets(policy::LimitsConfig limits, std::string_view kind = "sign-in",
                          std::size_t max_users = kMaxUsers)
      : max_users_(max_users), limits_(limits), kind_(kind) {}
  MessageBudgets(const MessageBudgets&) = delete;
  MessageBudgets& operator=(const MessageBudgets&) = delete;

  void set_limits(policy::LimitsConfig limits) { limits_ = limits; }

  // May a step that could cause a message be taken now?
  [[nodiscard]] bool permitted(const std::string& user, runtime::BootTime now);
  // The same, of which nothing is counted.
  [[nodiscard]] bool has_room(const std::string& user, runtime::BootTime now);
  // A message was caused.
  void caused(const std::string& user, runtime::BootTime now);
  // The pool accepted a code.
  void answered(const std::string& user);
  [[nodiscard]] std::size_t users() const noexcept { return users_.size(); }

 private:
  struct UserRecord {
    std::deque<runtime::BootTime> caused;
    unsigned unanswered = 0;
  };
  static constexpr std::size_t kMaxCounted = 64;  // above what `messages` can be

  void drop_expired(UserRecord& record, runtime::BootTime now) const;
  bool make_room(runtime::BootTime now);

  const std::size_t max_users_;
  policy::LimitsConfig limits_;
  std::string_view kind_;
  std::map<std::string, UserRecord> users_;
};

}  // namespace pamcognito::limits
