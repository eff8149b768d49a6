#include "daemon/sessions/recent_sign_ins.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace pamcognito::sessions {
namespace {

bool is_over(const VerifiedIdentity& identity, runtime::BootTime now) {
  return now - identity.verified > RecentSignIns::kSignInLife;
}

}  // namespace

void RecentSignIns::remember(const SignInId& id, std::string user, std::string service,
                             VerifiedIdentity identity) {
  while (!sign_ins_.empty() && (sign_ins_.size() >= kMaxSignIns ||
                                is_over(sign_ins_.front().identity, identity.verified)))
    sign_ins_.pop_front();
  sign_ins_.push_back({id, std::move(user), std::move(service), std::move(identity)});
}

std::optional<VerifiedIdentity> RecentSignIns::find(const SignInId& id, std::string_view user,
                                                    std::string_view service,
                                                    runtime::BootTime now) const {
  // The sign-in that is asked for has just been remembered.
  const auto newest_first = std::views::reverse(sign_ins_);
  const auto found = std::ranges::find(newest_first, id, &SignIn::id);
  if (found == newest_first.end() || found->user != user || found->service != service ||
      is_over(found->identity, now))
    return std::nullopt;
  return found->identity;
}

}  // namespace pamcognito::sessions
