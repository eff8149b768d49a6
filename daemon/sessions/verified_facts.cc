#include "daemon/sessions/verified_facts.h"

#include <algorithm>
#include <utility>

namespace pamcognito::sessions {
namespace {

bool is_older(const VerifiedFacts& facts, std::chrono::seconds age, runtime::BootTime now) {
  return now - facts.verified > age;
}

}  // namespace

void VerifiedFactsStore::remember(const SignInId& id, std::string user, std::string service,
                                  VerifiedFacts facts) {
  while (!sign_ins_.empty() && (sign_ins_.size() >= kMaxSignIns ||
                                is_older(sign_ins_.front().facts, kSignInLife, facts.verified))) {
    sign_ins_.pop_front();
  }
  if (!users_.contains(user) && users_.size() >= kMaxUsers) drop_oldest_user();
  users_.insert_or_assign(user, facts);
  sign_ins_.push_back({id, std::move(user), std::move(service), std::move(facts)});
}

std::optional<VerifiedFacts> VerifiedFactsStore::of_sign_in(const SignInId& id,
                                                            std::string_view user,
                                                            std::string_view service,
                                                            runtime::BootTime now) const {
  const auto found = std::ranges::find(sign_ins_, id, &SignIn::id);
  if (found == sign_ins_.end() || found->user != user || found->service != service ||
      is_older(found->facts, kSignInLife, now)) {
    return std::nullopt;
  }
  return found->facts;
}

std::optional<VerifiedFacts> VerifiedFactsStore::of_user(std::string_view user,
                                                         std::chrono::seconds max_age,
                                                         runtime::BootTime now) const {
  const auto found = users_.find(user);
  if (found == users_.end() || is_older(found->second, max_age, now)) return std::nullopt;
  return found->second;
}

void VerifiedFactsStore::drop_oldest_user() {
  const auto oldest =
      std::ranges::min_element(users_, {}, [](const auto& entry) { return entry.second.verified; });
  users_.erase(oldest);
}

}  // namespace pamcognito::sessions
