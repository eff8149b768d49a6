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

template <class Map, class Key>
void lower(Map& counts, const Key& key) noexcept {
  const auto found = counts.find(key);
  if (found != counts.end() && --found->second == 0) counts.erase(found);
}

std::size_t most_of(const Origin& origin) {
  if (origin.is_uid()) return OpenSignIns::kPerUid;
  return origin.is_remote() ? OpenSignIns::kPerHost : OpenSignIns::kLocal;
}

}  // namespace

SignInPlace::SignInPlace(OpenSignIns* owner, UserAndOrigin key)
    : owner_(owner), key_(std::move(key)) {}

SignInPlace::SignInPlace(SignInPlace&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}

SignInPlace& SignInPlace::operator=(SignInPlace&& other) noexcept {
  if (this != &other) {
    if (owner_ != nullptr) owner_->give_back(key_);
    owner_ = std::exchange(other.owner_, nullptr);
    key_ = std::move(other.key_);
  }
  return *this;
}

SignInPlace::~SignInPlace() {
  if (owner_ != nullptr) owner_->give_back(key_);
}

std::optional<SignInPlace> OpenSignIns::take(const std::string& user, const Origin& origin) {
  const std::size_t all = origin.is_remote() ? limit_ - kKeptForLocal : limit_;
  UserAndOrigin key(user, origin);
  if (all_ >= all || count_of(by_origin_, origin) >= most_of(origin) ||
      count_of(by_user_and_origin_, key) >= kPerUserAndOrigin) {
    runtime::metrics().count("pam_cognito_limits_hit_total", {{"limit", "open-sign-ins"}});
    return std::nullopt;
  }
  // Both counters exist before one is raised: without memory, nothing was counted.
  std::size_t& of_origin = by_origin_[origin];
  std::size_t& of_user = by_user_and_origin_[key];
  ++of_origin;
  ++of_user;
  ++all_;
  return SignInPlace(this, std::move(key));
}

void OpenSignIns::give_back(const UserAndOrigin& key) noexcept {
  lower(by_origin_, key.second);
  lower(by_user_and_origin_, key);
  --all_;
}

}  // namespace pamcognito::limits
