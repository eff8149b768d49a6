#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "daemon/limits/origin.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/clock.h"

namespace pamcognito::limits {

class FailureBudgets;

// One password or code that may reach the pool. It counts as failed from the moment it is taken
// until give_back(); so a crash of the flow, a cancelled task or an unknown result counts. Must not
// outlive its FailureBudgets.
class Attempt {
 public:
  Attempt(Attempt&& other) noexcept;
  Attempt& operator=(Attempt&& other) noexcept;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() = default;
  // It was right, or it did not count: nothing was sent, or what it answered had expired.
  void give_back() noexcept;

 private:
  friend class FailureBudgets;
  Attempt(FailureBudgets* budgets, std::string user, std::uint64_t id);
  FailureBudgets* budgets_;
  std::string user_;
  std::uint64_t id_;
};

// The number of a user's failed passwords and codes that may reach the pool from this host, so that
// an attacker cannot use up the five after which Cognito locks the account. At most `failures` in
// the window: a known origin may use all of them, all other origins together
// `failures_unknown_origin`. In memory, bounded, needs no disk. Ages by boot time.
//
// Known: the user's own real uid, and an origin from which the user completed a full sign-in since
// the daemon started, or for a session that it found (the newest 16 are remembered).
class FailureBudgets {
 public:
  static constexpr std::size_t kMaxUsers = 65536;  // all of them accounts of Cognito users

  explicit FailureBudgets(policy::LimitsConfig limits, std::size_t max_users = kMaxUsers)
      : max_users_(max_users), limits_(limits) {}
  FailureBudgets(const FailureBudgets&) = delete;
  FailureBudgets& operator=(const FailureBudgets&) = delete;

  // A reload keeps what was counted.
  void set_limits(policy::LimitsConfig limits) { limits_ = limits; }

  // nullopt: spent; nothing may be sent. `user_uid`: the user's own uid.
  [[nodiscard]] std::optional<Attempt> take(const std::string& user, uid_t user_uid,
                                            const Origin& origin, runtime::BootTime now);
  // The attempts that take() would give now, and when the next one is free if there is none: at
  // once if there is one. Nothing is counted.
  struct Room {
    unsigned left;
    std::chrono::seconds free_in;
  };
  [[nodiscard]] Room room(const std::string& user, uid_t user_uid, const Origin& origin,
                          runtime::BootTime now);
  // Could take() record a failure of the user? False: too many users have failures in the window.
  [[nodiscard]] bool has_place(const std::string& user, runtime::BootTime now) const;
  [[nodiscard]] std::size_t users() const noexcept { return users_.size(); }
  // A full sign-in: the origin is known from now on. Its failures are forgotten, unless other
  // people may have caused them: a guesser behind the user's own NAT must not get new tries by each
  // of the user's sign-ins.
  void signed_in(const std::string& user, const Origin& origin);
  // Is the origin known for the user?
  [[nodiscard]] bool knows(const std::string& user, uid_t user_uid, const Origin& origin) const;
  // The origin is known: the user signed in from there, with a daemon before this one.
  void remember(const std::string& user, const Origin& origin);

 private:
  friend class Attempt;
  struct Failure {
    std::uint64_t id;
    Origin origin;
    runtime::BootTime when;
  };
  struct UserRecord {
    std::deque<Failure> failures;
    std::deque<Origin> known_origins;
  };
  static constexpr std::size_t kMaxKnownOrigins = 16;

  std::optional<Attempt> take_if_left(const std::string& user, uid_t user_uid, const Origin& origin,
                                      runtime::BootTime now);
  static void add_known(UserRecord& record, const Origin& origin);
  // nullptr: too many users have failures in the window.
  UserRecord* record_of(const std::string& user, runtime::BootTime now);
  bool make_room(runtime::BootTime now);
  void drop_expired(UserRecord& record, runtime::BootTime now) const;
  void forget(const std::string& user, std::uint64_t id) noexcept;

  const std::size_t max_users_;
  policy::LimitsConfig limits_;
  std::uint64_t next_id_ = 1;
  std::map<std::string, UserRecord> users_;
};

}  // namespace pamcognito::limits
