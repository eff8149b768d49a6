#pragma once

#include <csignal>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/bus/auth_service.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/metrics_file.h"
#include "daemon/runtime/worker.h"
#include "daemon/sessions/known_users.h"
#include "daemon/sessions/session_store.h"

namespace pamcognito {

// cognitod between its start and its end: what it is made of, and what signals and service manager
// ask of it. SIGTERM and SIGINT end it, SIGHUP has it read its configuration again.
class Daemon {
 public:
  // The directory of `state_directory` exists, or nothing is written.
  Daemon(std::string config_path, std::string state_directory);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Serves until it is told to end. The exit status.
  int run();

 private:
  // A configuration that is valid as a whole, with the pool that it names.
  struct Loaded {
    std::shared_ptr<const policy::Config> config;
    std::shared_ptr<cognito::UserPool> pool;
  };
  enum class Language : bool { needed, wanted };

  bool open_store();
  // The error: why it is not valid. Language::wanted: without its catalogue texts are English.
  std::expected<Loaded, std::string> load(Language language);
  void put_in_force(Loaded loaded);
  void reload();
  void stop();
  void serve();
  [[nodiscard]] std::string status() const;

  const std::string config_path_;
  const std::string state_directory_;
  runtime::EventLoop loop_;
  runtime::SignalWatch signals_;  // before there is another thread
  runtime::LoopClock clock_;
  runtime::Worker worker_;  // name look-ups
  runtime::Worker disk_;    // apart: a slow directory must not hold up what is to be written
  sessions::KnownUsers known_;
  std::unique_ptr<sessions::SessionStore> store_;
  bool sessions_survive_ = false;
  Loaded in_force_;  // both null: unconfigured
  std::string known_pool_;
  std::optional<bus::AuthService> service_;
  std::optional<runtime::MetricsFile> metrics_file_;
  std::optional<runtime::Timer> serve_retry_;  // while the bus is busy at the start
  std::optional<runtime::Timer> give_up_;
};

}  // namespace pamcognito
