#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/pool/access_keys.h"
#include "tests/pool/clock.h"
#include "tests/pool/crypto.h"
#include "tests/pool/faults.h"
#include "tests/pool/grants.h"
#include "tests/pool/groups.h"
#include "tests/pool/hourly_limits.h"
#include "tests/pool/inbox.h"
#include "tests/pool/request_log.h"
#include "tests/pool/sessions.h"
#include "tests/pool/settings.h"
#include "tests/pool/tokens.h"
#include "tests/pool/users.h"

namespace pamcognito::pool {

// Everything that one user pool knows. One lock guards it all: requests are short, and a delay or
// a long poll gives the lock away while it waits.
class Pool {
 public:
  explicit Pool(TokenIssuer token_issuer) : tokens(std::move(token_issuer)) {}

  // Takes the whole state from a seed (JSON in the form of README.md); tells what is wrong.
  std::expected<void, std::string> load(const Json::Value& seed);
  // Back to the seed. Token keys and issuer stay.
  void reset();

  // A new user (`create`) or changes to one, and the groups that it names.
  std::expected<User*, std::string> put_user(const Json::Value& from, bool create);
  // The user has just changed.
  void touch(User& user) const;
  // The key of the tokens by which clients ask for further pages.
  [[nodiscard]] const std::string& page_key() const { return page_key_; }

  [[nodiscard]] Client* find_client(const std::string& id);
  // Locks of names that do not exist, so that guessing at them looks the same.
  [[nodiscard]] Lockout& ghost_lock(const std::string& name) { return ghost_locks_[name]; }

  // When a code was last "sent" to a name that does not exist.
  [[nodiscard]] std::optional<SentCode>& ghost_code(const std::string& operation,
                                                    const std::string& name) {
    return ghost_codes_[operation + " " + name];
  }

  // Waits without the lock; ends early when the pool stops.
  void pause(std::unique_lock<std::mutex>& held, int64_t ms);
  // Waits until `ready()` holds, at most `ms`; looked at whenever something changed.
  template <typename Ready>
  void await(std::unique_lock<std::mutex>& held, int64_t ms, Ready ready) {
    changed_.wait_for(held, std::chrono::milliseconds(ms), [&] { return stopping_ || ready(); });
  }
  void notify_changed() { changed_.notify_all(); }
  // Wakes everybody who waits. Takes the lock.
  void stop();
  [[nodiscard]] bool stopping() const { return stopping_; }

  std::mutex mutex;
  PoolClock clock;
  PoolSettings settings;
  // The first one is the one that ready.json names.
  std::vector<Client> clients;
  UserStore users;
  GroupStore groups;
  AccessKeys access_keys;
  SessionStore sessions;
  Inbox inbox;
  TokenIssuer tokens;
  GrantStore grants;
  HourlyLimits limits;
  FaultList faults;
  RequestLog log;

 private:
  std::map<std::string, Lockout> ghost_locks_;
  std::map<std::string, std::optional<SentCode>> ghost_codes_;
  std::condition_variable changed_;
  bool stopping_ = false;
  Json::Value seed_;
  std::string page_key_ = random_bytes(32);
};

}  // namespace pamcognito::pool
