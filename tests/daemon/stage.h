#pragma once

#include <json/json.h>

#include <string>

#include "tests/module/host.h"
#include "tests/module/sandbox.h"

// The whole path in a sandbox: the built module in a real libpam, a private system bus, the built
// cognitod as an ordinary user, and cognito-pool over HTTPS.
namespace pamcognito::test {

class Pool {
 public:
  Pool();
  // One call of the admin API (tests/pool/README.md). Ends the test when the pool says no.
  Json::Value admin(const std::string& name, const Json::Value& request = Json::objectValue);
  [[nodiscard]] const Json::Value& ready() const { return ready_; }
  std::string totp_code(const std::string& user);
  // The newest unread message's code; waits for it.
  std::string message_code(const std::string& user);
  // How many requests of this operation, or operation/name, have come in since the last reset.
  int count(const std::string& operation);
  void fault(const std::string& on, const std::string& kind, Json::Value more = Json::objectValue);
  void stop() { process_.kill(); }
  // Cuts every connection: the same pool again, at the same port, as seeded.
  void restart();

 private:
  void start(int port);

  Child process_;
  Json::Value ready_;
};

inline constexpr uid_t kDaemonUid = 990;  // cognitod's, an ordinary user

class Cognitod {
 public:
  // With this configuration; ready when the constructor returns.
  explicit Cognitod(const std::string& configuration);
  // SIGTERM, and its exit status.
  int stop();
  void kill() { process_.kill(); }
  void signal(int number) const { process_.signal(number); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] static std::string log();

 private:
  Child process_;
};

// A configuration for this pool: alice and friends of linux-users may sign in. `more` is appended.
std::string configuration_for(const Pool& pool, const std::string& more = {});

// Users of the seed as local accounts that are ours, and localuser, who is not.
void set_up_accounts();

}  // namespace pamcognito::test
