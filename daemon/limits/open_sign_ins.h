#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "daemon/limits/origin.h"

namespace pamcognito::limits {

class OpenSignIns;
using UserAndOrigin = std::pair<std::string, Origin>;

// A place among the open sign-ins; destroying it frees the place. Must not outlive its OpenSignIns.
class SignInPlace {
 public:
  SignInPlace(SignInPlace&& other) noexcept;
  SignInPlace& operator=(SignInPlace&& other) noexcept;
  SignInPlace(const SignInPlace&) = delete;
  SignInPlace& operator=(const SignInPlace&) = delete;
  ~SignInPlace();

 private:
  friend class OpenSignIns;
  struct Count {
    std::size_t all = 0;
    std::size_t first_logins = 0;  // of these
  };
  using OfOrigin = std::map<Origin, Count>::iterator;
  using OfUser = std::map<UserAndOrigin, std::size_t>::iterator;
  SignInPlace(OpenSignIns* owner, OfOrigin of_origin, OfUser of_user, bool is_first_login);
  void give_back() noexcept;

  OpenSignIns* owner_;
  // The counters that it was counted in: a counter stays while it is not 0.
  OfOrigin of_origin_;
  OfUser of_user_;
  bool is_first_login_;
};

// Bounds the sign-ins that are open at once: 64 for a non-root real uid; for root per origin 32 for
// a remote one and 64 for a local or an unknown one; 8 per user and origin; 4,096 in all, of which
// 64 are kept for local origins and uids. First logins are of names that may be anybody's: they
// have at most a quarter of all, and half of an origin's, so that the other places are for users
// with accounts.
class OpenSignIns {
 public:
  static constexpr std::size_t kPerUid = 64;
  static constexpr std::size_t kPerHost = 32;
  static constexpr std::size_t kLocal = 64;
  static constexpr std::size_t kPerUserAndOrigin = 8;
  static constexpr std::size_t kMaxOpen = 4096;
  static constexpr std::size_t kKeptForLocal = 64;

  // `all`: fewer than kMaxOpen where the process may not open enough descriptors; at least
  // kKeptForLocal.
  explicit OpenSignIns(std::size_t all = kMaxOpen)
      : limit_(std::clamp(all, kKeptForLocal, kMaxOpen)) {}
  OpenSignIns(const OpenSignIns&) = delete;
  OpenSignIns& operator=(const OpenSignIns&) = delete;

  // nullopt: no place left.
  [[nodiscard]] std::optional<SignInPlace> take(const std::string& user, const Origin& origin,
                                                bool is_first_login = false);
  [[nodiscard]] std::size_t count() const noexcept { return all_; }

 private:
  friend class SignInPlace;
  [[nodiscard]] bool has_place(const UserAndOrigin& key, bool is_first_login) const;

  const std::size_t limit_;
  std::size_t all_ = 0;
  std::size_t first_logins_ = 0;
  std::map<Origin, SignInPlace::Count> by_origin_;
  std::map<UserAndOrigin, std::size_t> by_user_and_origin_;
};

}  // namespace pamcognito::limits
