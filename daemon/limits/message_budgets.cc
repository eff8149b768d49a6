#include "daemon/limits/message_budgets.h"

#include <algorithm>

#include "daemon/runtime/metrics.h"

namespace pamcognito::limits {

bool MessageBudgets::permitted(const std::string& user, runtime::BootTime now) {
  const bool is_permitted = has_room(user, now);
  if (!is_permitted)
    runtime::metrics().count("pam_cognito_limits_hit_total", {{"limit", "messages"}});
  return is_permitted;
}

bool MessageBudgets::has_room(const std::string& user, runtime::BootTime now) {
  const auto found = users_.find(user);
  if (found == users_.end()) return users_.size() < max_users_ || make_room(now);
  UserRecord& record = found->second;
  drop_expired(record, now);
  return record.caused.size() < limits_.messages && record.unanswered < limits_.messages_unanswered;
}

void MessageBudgets::caused(const std::string& user, runtime::BootTime now) {
  UserRecord& record = users_[user];
  drop_expired(record, now);
  record.caused.push_back(now);
  // A pool that sends without being asked must not grow this.
  if (record.caused.size() > kMaxCounted) record.caused.pop_front();
  ++record.unanswered;
  if (!kind_.empty()) runtime::metrics().count("pam_cognito_messages_total", {{"kind", kind_}});
}

void MessageBudgets::answered(const std::string& user) {
  const auto found = users_.find(user);
  if (found != users_.end()) found->second.unanswered = 0;
}

void MessageBudgets::drop_expired(UserRecord& record, runtime::BootTime now) const {
  std::erase_if(record.caused,
                [&](runtime::BootTime when) { return now - when >= limits_.message_window; });
  if (record.caused.empty()) record.unanswered = 0;
}

bool MessageBudgets::make_room(runtime::BootTime now) {
  for (auto& [user, record] : users_) drop_expired(record, now);
  return std::erase_if(users_, [](const auto& entry) { return entry.second.caused.empty(); }) != 0;
}

}  // namespace pamcognito::limits
