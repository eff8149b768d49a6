#include "daemon/sessions/address_users.h"

#include <algorithm>

#include "daemon/policy/freshness.h"

namespace pamcognito::sessions {

void AddressUsers::signed_in(std::string_view address, std::string_view user,
                             runtime::BootTime when, std::chrono::seconds keep,
                             runtime::BootTime now) {
  if (address.empty()) return;
  drop_older(keep, now);
  auto found = addresses_.find(address);
  if (found == addresses_.end()) {
    if (!has_room_for(user)) return;
    found = addresses_.emplace(std::string(address), Users()).first;
  }
  Users& users = found->second;
  const auto same = std::ranges::find(users, user, &SignedIn::user);
  if (same != users.end()) {
    same->when = std::max(same->when, when);
    return;
  }
  users.push_back({std::string(user), when});
  if (users.size() > kMaxUsers) users.erase(std::ranges::min_element(users, {}, &SignedIn::when));
}

std::optional<std::size_t> AddressUsers::users(std::string_view address,
                                               std::chrono::seconds within,
                                               runtime::BootTime now) const {
  const auto found = addresses_.find(address);
  if (found == addresses_.end()) return std::nullopt;
  return static_cast<std::size_t>(std::ranges::count_if(found->second, [&](const SignedIn& each) {
    return policy::is_within(now - each.when, within);
  }));
}

void AddressUsers::drop_older(std::chrono::seconds keep, runtime::BootTime now) {
  for (auto& [address, users] : addresses_)
    std::erase_if(users,
                  [&](const SignedIn& each) { return !policy::is_within(now - each.when, keep); });
  std::erase_if(addresses_, [](const auto& entry) { return entry.second.empty(); });
}

bool AddressUsers::has_room_for(std::string_view user) const {
  if (addresses_.size() >= kMaxAddresses) return false;
  const auto of_user = std::ranges::count_if(addresses_, [user](const auto& entry) {
    return std::ranges::find(entry.second, user, &SignedIn::user) != entry.second.end();
  });
  return static_cast<std::size_t>(of_user) < kMaxOfUser;
}

}  // namespace pamcognito::sessions
