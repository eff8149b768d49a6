#include "daemon/limits/open_sign_ins.h"

#include <utility>

#include "daemon/runtime/metrics.h"

namespace pamcognito::limits {
namespace {

// First logins have this part of all places, and of an origin's.
constexpr std::size_t kPartOfAll = 4;
constexpr std::size_t kPartOfOrigin = 2;

template <class Map>
auto count_of(const Map& counts, const typename Map::key_type& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? typename Map::mapped_type() : found->second;
}

std::size_t most_of(const Origin& origin) {
  if (origin.is_uid()) return OpenSignIns::kPerUid;
  return origin.is_remote() ? OpenSignIns::kPerHost : OpenSignIns::kLocal;
}

}  // namespace

SignInPlace::SignInPlace(OpenSignIns* owner, OfOrigin of_origin, OfUser of_user,
                         bool is_first_login)
    : owner_(owner), of_origin_(of_origin), of_user_(of_user), is_first_login_(is_first_login) {}

SignInPlace::SignInPlace(SignInPlace&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      of_origin_(other.of_origin_),
      of_user_(other.of_user_),
      is_first_login_(other.is_first_login_) {}

SignInPlace& SignInPlace::operator=(SignInPlace&& other) noexcept {
  if (this != &other) {
    give_back();
    owner_ = std::exchange(other.owner_, nullptr);
    of_origin_ = other.of_origin_;
    of_user_ = other.of_user_;
    is_first_login_ = other.is_first_login_;
  }
  return *this;
}

SignInPlace::~SignInPlace() {
  give_back();
}

void SignInPlace::give_back() noexcept {
  if (owner_ == nullptr) return;
  const std::size_t first_login = is_first_login_ ? 1 : 0;
  of_origin_->second.first_logins -= first_login;
  owner_->first_logins_ -= first_login;
  if (--of_origin_->second.all == 0) owner_->by_origin_.erase(of_origin_);
  if (--of_user_->second == 0) owner_->by_user_and_origin_.erase(of_user_);
  --owner_->all_;
}

bool OpenSignIns::has_place(const UserAndOrigin& key, bool is_first_login) const {
  const Origin& origin = key.second;
  const std::size_t all = origin.is_shared() ? limit_ - kKeptForLocal : limit_;
  const SignInPlace::Count of_origin = count_of(by_origin_, origin);
  if (is_first_login && (first_logins_ >= limit_ / kPartOfAll ||
                         of_origin.first_logins >= most_of(origin) / kPartOfOrigin))
    return false;
  return all_ < all && of_origin.all < most_of(origin) &&
         count_of(by_user_and_origin_, key) < kPerUserAndOrigin;
}

std::optional<SignInPlace> OpenSignIns::take(const std::string& user, const Origin& origin,
                                             bool is_first_login) {
  UserAndOrigin key(user, origin);
  if (!has_place(key, is_first_login)) {
    runtime::metrics().count("pam_cognito_limits_hit_total", {{"limit", "open-sign-ins"}});
    return std::nullopt;
  }
  // Both counters exist before one is raised: without memory, nothing was counted.
  const auto of_origin = by_origin_.try_emplace(origin).first;
  const auto of_user = by_user_and_origin_.try_emplace(std::move(key)).first;
  const std::size_t first_login = is_first_login ? 1 : 0;
  of_origin->second.first_logins += first_login;
  first_logins_ += first_login;
  ++of_origin->second.all;
  ++of_user->second;
  ++all_;
  return SignInPlace(this, of_origin, of_user, is_first_login);
}

}  // namespace pamcognito::limits
