#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/frame.h"
#include "daemon/runtime/clock.h"

namespace pamcognito::sessions {

// What verified tokens last said of a user.
struct VerifiedFacts {
  std::string sub;
  std::vector<std::string> groups;
  runtime::BootTime verified;
};

// The account phase's memory: which sign-in this transaction's authentication was (for 10 minutes),
// and the last verified groups of each user. No secrets, in memory, bounded; gone with the daemon.
class VerifiedFactsStore {
 public:
  static constexpr std::chrono::minutes kSignInLife{10};
  static constexpr std::size_t kMaxSignIns = 8192;  // the oldest goes first
  static constexpr std::size_t kMaxUsers = 65536;   // the one verified longest ago goes first

  VerifiedFactsStore() = default;
  VerifiedFactsStore(const VerifiedFactsStore&) = delete;
  VerifiedFactsStore& operator=(const VerifiedFactsStore&) = delete;

  // A committed sign-in.
  void remember(const SignInId& id, std::string user, std::string service, VerifiedFacts facts);
  // The groups of that very sign-in, if it was this user's and this service's.
  [[nodiscard]] std::optional<VerifiedFacts> of_sign_in(const SignInId& id, std::string_view user,
                                                        std::string_view service,
                                                        runtime::BootTime now) const;
  // The user's last verified facts, if not older than max_age.
  [[nodiscard]] std::optional<VerifiedFacts> of_user(std::string_view user,
                                                     std::chrono::seconds max_age,
                                                     runtime::BootTime now) const;

 private:
  struct SignIn {
    SignInId id;
    std::string user;
    std::string service;
    VerifiedFacts facts;
  };
  void drop_oldest_user();

  std::deque<SignIn> sign_ins_;  // oldest first
  std::map<std::string, VerifiedFacts, std::less<>> users_;
};

}  // namespace pamcognito::sessions
