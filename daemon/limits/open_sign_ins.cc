#include "daemon/limits/open_sign_ins.h"

#include <utility>

#include "daemon/runtime/metrics.h"

namespace pamcognito::limits {
namespace {

template <class Map, class Key>
std::size_t count_of(const Map& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

template <class Map>
void lower(Map& counts, typename Map::iterator counter) noexcept {
  if (--counter->second == 0) counts.erase(counter);
}

std::size_t most_of(const Origin& origin) {
  if (origin.is_uid()) return OpenSignIns::kPerUid;
  return origin.is_remote() ? OpenSignIns::kPerHost : OpenSignIns::kLocal;
}

}  // namespace

SignInPlace::SignInPlace(OpenSignIns* owner, OfOrigin of_origin, OfUser of_user)
    : owner_(owner), of_origin_(of_origin), of_user_(of_user) {}

SignInPlace::SignInPlace(SignInPlace&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      of_origin_(other.of_origin_),
      of_user_(other.of_user_) {}

SignInPlace& SignInPlace::operator=(SignInPlace&& other) noexcept {
  if (this != &other) {
    give_back();
    owner_ = std::exchange(other.owner_, nullptr);
    of_origin_ = other.of_origin_;
    of_user_ = other.of_user_;
  }
  return *this;
}

SignInPlace::~SignInPlace() {
  give_back();
}

void SignInPlace::give_back() noexcept {
  if (owner_ == nullptr) return;
  lower(owner_->by_origin_, of_origin_);
  lower(owner_->by_user_and_origin_, of_user_);
  --owner_->all_;
}

std::optional<SignInPlace> OpenSignIns::take(const std::string& user, const Origin& origin) {
  const std::size_t all = origin.is_shared() ? limit_ - kKeptForLocal : limit_;
  UserAndOrigin key(user, origin);
  if (all_ >= all || count_of(by_origin_, origin) >= most_of(origin) ||
      count_of(by_user_and_origin_, key) >= kPerUserAndOrigin) {
    runtime::metrics().count("pam_cognito_limits_hit_total", {{"limit", "open-sign-ins"}});
    return std::nullopt;
  }
  // Both counters exist before one is raised: without memory, nothing was counted.
  const auto of_origin = by_origin_.try_emplace(origin).first;
  const auto of_user = by_user_and_origin_.try_emplace(std::move(key)).first;
  ++of_origin->second;
  ++of_user->second;
  ++all_;
  return SignInPlace(this, of_origin, of_user);
}

}  // namespace pamcognito::limits
