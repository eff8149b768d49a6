#include "daemon/limits/failure_budgets.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/runtime/metrics.h"

namespace pamcognito::limits {

Attempt::Attempt(FailureBudgets* budgets, std::string user, std::uint64_t id)
    : budgets_(budgets), user_(std::move(user)), id_(id) {}

Attempt::Attempt(Attempt&& other) noexcept
    : budgets_(std::exchange(other.budgets_, nullptr)),
      user_(std::move(other.user_)),
      id_(other.id_) {}

Attempt& Attempt::operator=(Attempt&& other) noexcept {
  if (this != &other) {
    budgets_ = std::exchange(other.budgets_, nullptr);
    user_ = std::move(other.user_);
    id_ = other.id_;
  }
  return *this;
}

void Attempt::give_back() noexcept {
  if (budgets_ != nullptr) std::exchange(budgets_, nullptr)->forget(user_, id_);
}

std::optional<Attempt> FailureBudgets::take(const std::string& user, uid_t user_uid,
                                            const Origin& origin, runtime::BootTime now) {
  std::optional<Attempt> attempt = take_if_left(user, user_uid, origin, now);
  if (!attempt) runtime::metrics().count("pam_cognito_limits_hit_total", {{"limit", "failures"}});
  return attempt;
}

std::optional<Attempt> FailureBudgets::take_if_left(const std::string& user, uid_t user_uid,
                                                    const Origin& origin, runtime::BootTime now) {
  UserRecord* const record = record_of(user, now);
  if (record == nullptr) return std::nullopt;
  drop_expired(*record, now);
  auto& failures = record->failures;
  if (failures.size() >= limits_.failures) return std::nullopt;

  const auto known = [&](const Origin& each) { return knows(user, user_uid, each); };
  const auto from_unknown = std::ranges::count_if(
      failures, [&](const Failure& failure) { return !known(failure.origin); });
  if (!known(origin) && std::cmp_greater_equal(from_unknown, limits_.failures_unknown_origin)) {
    return std::nullopt;
  }
  failures.push_back({next_id_, origin, now});
  return Attempt(this, user, next_id_++);
}

FailureBudgets::Room FailureBudgets::room(const std::string& user, uid_t user_uid,
                                          const Origin& origin, runtime::BootTime now) {
  const bool is_known = knows(user, user_uid, origin);
  const std::size_t all = limits_.failures;
  const std::size_t unknown = is_known ? all : limits_.failures_unknown_origin;
  const auto found = users_.find(user);
  if (found == users_.end()) {
    if (!has_place(user, now)) return {.left = 0, .free_in = limits_.failure_window};
    return {.left = static_cast<unsigned>(std::min(all, unknown)), .free_in = {}};
  }
  drop_expired(found->second, now);

  // The oldest come first. A limit has room again when all but `limit - 1` of them have expired.
  std::vector<runtime::BootTime> counted;
  std::vector<runtime::BootTime> from_unknown;
  for (const Failure& failure : found->second.failures) {
    counted.push_back(failure.when);
    if (!is_known && !knows(user, user_uid, failure.origin)) from_unknown.push_back(failure.when);
  }
  Room room{.left = static_cast<unsigned>(all), .free_in = {}};
  const auto bound = [&](const std::vector<runtime::BootTime>& times, std::size_t limit) {
    const std::size_t left = limit > times.size() ? limit - times.size() : 0;
    room.left = std::min(room.left, static_cast<unsigned>(left));
    if (left > 0) return;
    const runtime::BootTime free = limit == 0
                                       ? now + limits_.failure_window
                                       : times[times.size() - limit] + limits_.failure_window;
    room.free_in = std::max(room.free_in, std::chrono::ceil<std::chrono::seconds>(free - now));
  };
  bound(counted, all);
  bound(from_unknown, unknown);
  return room;
}

// Unlike make_room(), this forgets no known origin.
bool FailureBudgets::has_place(const std::string& user, runtime::BootTime now) const {
  if (users_.size() < max_users_ || users_.contains(user)) return true;
  return !std::ranges::all_of(users_, [&](const auto& entry) {
    return std::ranges::any_of(entry.second.failures, [&](const Failure& failure) {
      return now - failure.when < limits_.failure_window;
    });
  });
}

bool FailureBudgets::knows(const std::string& user, uid_t user_uid, const Origin& origin) const {
  if (origin == Origin::of_uid(user_uid)) return true;
  const auto found = users_.find(user);
  return found != users_.end() && std::ranges::find(found->second.known_origins, origin) !=
                                      found->second.known_origins.end();
}

void FailureBudgets::signed_in(const std::string& user, const Origin& origin) {
  const auto found = users_.find(user);
  // A user who signed in has taken an attempt. The record is missing only if it was evicted
  // meanwhile.
  if (found == users_.end()) return;
  UserRecord& record = found->second;
  if (!origin.is_shared())
    std::erase_if(record.failures,
                  [&](const Failure& failure) { return failure.origin == origin; });
  add_known(record, origin);
}

void FailureBudgets::remember(const std::string& user, const Origin& origin) {
  if (users_.contains(user) || users_.size() < max_users_) add_known(users_[user], origin);
}

void FailureBudgets::add_known(UserRecord& record, const Origin& origin) {
  if (!origin.may_become_known()) return;
  std::erase(record.known_origins, origin);
  record.known_origins.push_back(origin);
  if (record.known_origins.size() > kMaxKnownOrigins) record.known_origins.pop_front();
}

void FailureBudgets::forget(const std::string& user, std::uint64_t id) noexcept {
  const auto found = users_.find(user);
  if (found == users_.end()) return;
  std::erase_if(found->second.failures, [&](const Failure& failure) { return failure.id == id; });
}

FailureBudgets::UserRecord* FailureBudgets::record_of(const std::string& user,
                                                      runtime::BootTime now) {
  const auto found = users_.find(user);
  if (found != users_.end()) return &found->second;
  if (users_.size() >= max_users_ && !make_room(now)) return nullptr;
  return &users_[user];
}

bool FailureBudgets::make_room(runtime::BootTime now) {
  // A record without failures holds known origins at most: losing those makes the budget smaller.
  for (auto& [user, record] : users_) drop_expired(record, now);
  return std::erase_if(users_, [](const auto& entry) { return entry.second.failures.empty(); }) !=
         0;
}

void FailureBudgets::drop_expired(UserRecord& record, runtime::BootTime now) const {
  std::erase_if(record.failures, [&](const Failure& failure) {
    return now - failure.when >= limits_.failure_window;
  });
}

}  // namespace pamcognito::limits
