#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/frame.h"
#include "daemon/runtime/clock.h"

namespace pamcognito::sessions {

// A user by the claims of verified tokens.
struct VerifiedIdentity {
  std::string sub;
  std::vector<std::string> groups;
  runtime::BootTime verified;
};

// The last sign-ins and their users, for the account phase of the same transaction. No secrets, in
// memory, bounded; gone with the daemon.
class RecentSignIns {
 public:
  static constexpr std::chrono::minutes kSignInLife{10};
  static constexpr std::size_t kMaxSignIns = 8192;  // the oldest goes first

  RecentSignIns() = default;
  RecentSignIns(const RecentSignIns&) = delete;
  RecentSignIns& operator=(const RecentSignIns&) = delete;

  // A committed sign-in.
  void remember(const SignInId& id, std::string user, std::string service,
                VerifiedIdentity identity);
  // The identity of that very sign-in, if it was this user's and this service's.
  [[nodiscard]] std::optional<VerifiedIdentity> find(const SignInId& id, std::string_view user,
                                                     std::string_view service,
                                                     runtime::BootTime now) const;

 private:
  struct SignIn {
    SignInId id;
    std::string user;
    std::string service;
    VerifiedIdentity identity;
  };
  std::deque<SignIn> sign_ins_;  // oldest first
};

}  // namespace pamcognito::sessions
