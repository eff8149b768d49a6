#pragma once

#include <json/json.h>

#include <csignal>
#include <cstddef>
#include <map>
#include <string>

#include "common/fd.h"
#include "tests/module/host.h"
#include "tests/module/sandbox.h"

// The whole path in a sandbox: the built module in a real libpam, a private system bus, the built
// cognitod as an ordinary user, and cognito-pool over HTTPS.
namespace pamcognito::test {

class Pool {
 public:
  Pool();
  // One call of the admin API (tests/pool/README.md). Ends the test when the pool refuses it.
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

// Empty, and cognitod's.
void fresh_state_directory();

// Without a service manager: its sessions end with it. Each has a state directory of its own.
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
  // Until the log has these words beyond its first `from` bytes, which may be of earlier tests. A
  // success is logged after its acknowledgement, for which the module does not wait.
  static void wait_for_log(const std::string& words, std::size_t from);

 private:
  Child process_;
};

// cognitod under the little of systemd that it can tell from the whole: the notify socket
// (sd_notify(3)), and the descriptor store that hands the next daemon what the last one kept
// (sd_listen_fds(3)). The state directory stays as long as this.
class Supervisor {
 public:
  explicit Supervisor(const std::string& configuration);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // SIGTERM, and a new process: `systemctl restart`, and an upgrade.
  void restart();
  void kill_and_start();
  // A new process, where the last one has ended.
  void start();
  void signal(int number) const { process_.signal(number); }
  // Writes the file, SIGHUP, and waits until the daemon says that it is done: its last words.
  std::string reload(const std::string& configuration);
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }
  // SIGTERM for the last time.
  int stop() {
    process_.signal(SIGTERM);
    return process_.wait();
  }

 private:
  std::string wait_for(const std::string& word);
  void take_waiting();
  std::string take_one();

  Fd notify_;
  std::map<std::string, Fd> kept_;
  Child process_;
};

// The text without the references " (Ref …)" of refusals, which are random.
std::string without_references(std::string text);

// A configuration for this pool: alice and friends of linux-users may sign in. `more` is appended.
std::string configuration_for(const Pool& pool, const std::string& more = {});

// Accounts of Cognito users of the seed, and localuser, a local user.
void set_up_accounts();

}  // namespace pamcognito::test
