#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/sessions/session_keeper.h"
#include "tests/sign_in/scripted.h"

namespace pamcognito::test {

// A directory that goes with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Sessions in a store of their own, a scripted pool, a clock that only moves when told, and the
// loop, which only runs when told.
class KeeperWorld {
 public:
  KeeperWorld();
  ~KeeperWorld();

  // The properties of the next sign-in.
  struct SignIn {
    std::string user = "alice";
    std::string service = "sshd";
    std::optional<sessions::Binding> binding;
    std::string password;
    std::string device_key;
    std::string refresh_token;  // empty: "refresh N", counted
    std::uint64_t pool = 0;
    std::vector<std::string> groups = {"linux-users"};

    SignIn() = default;
  };
  SignInId keep(SignIn sign_in);
  SignInId keep() { return keep(SignIn()); }
  // With a login of its own, which is open.
  SignInId keep_in_login(std::uint32_t audit_session, const std::string& user = "alice");

  // Runs the loop until the task has ended.
  template <class T>
  T wait(runtime::Task<T> task) {
    std::optional<T> result;
    auto spawned = loop.spawn(store_result(std::move(task), &result));
    run_until([&result] { return result.has_value(); });
    return std::move(*result);
  }
  // Starts a task; its result appears in what is returned. It is cancelled with that.
  template <class T>
  struct Started {
    std::shared_ptr<std::optional<T>> result;
    runtime::EventLoop::Spawned spawned;
  };
  template <class T>
  Started<T> start(runtime::Task<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    auto spawned = loop.spawn(store_result(std::move(task), result.get()));
    return {std::move(result), std::move(spawned)};
  }
  void run_until(const std::function<bool()>& done);
  // Runs the events that are ready now.
  void drain();

  cognito::AccountVerdict revalidate(const SignInId& id);
  [[nodiscard]] cognito::Call call() const { return {clock.now() + std::chrono::seconds(5)}; }
  void pin(const std::string& user, const std::string& sub);
  void configure() { keeper->configure(config, pool_pointer()); }
  std::shared_ptr<cognito::UserPool> pool_pointer();

  // The pool does not answer the operation until it is released: "refresh", "refresh of alice" …
  void hold(const std::string& operation);
  void release(const std::string& operation);

  [[nodiscard]] std::size_t calls_of(std::string_view operation) const;
  // The refresh tokens that were revoked, in order.
  [[nodiscard]] std::vector<std::string> revoked() const;
  // How often sessions ended for this reason, since the process began.
  [[nodiscard]] static double ended_by(std::string_view reason);

  TemporaryDirectory directory;
  runtime::EventLoop loop;
  ScriptedClock clock;
  ScriptedPool pool{clock};
  runtime::Worker worker{loop, 16};
  std::unique_ptr<sessions::SessionStore> store;
  sessions::KnownUsers known{loop, worker, directory.file("known-users.db")};
  sessions::PasswordChecker passwords{loop};
  sessions::Revocations revocations{loop, clock};
  std::shared_ptr<policy::Config> config = std::make_shared<policy::Config>();
  std::unique_ptr<sessions::SessionKeeper> keeper;
  std::vector<std::string> not_taken;  // tokens that PendingTokens gave to revocation

 private:
  template <class T>
  static runtime::Task<void> store_result(runtime::Task<T> task, std::optional<T>* result) {
    T value = co_await std::move(task);
    result->emplace(std::move(value));
  }
  using Gate = runtime::SharedAnswer<bool>;
  static runtime::Task<void> pass(std::shared_ptr<Gate> gate);
  static runtime::Task<void> wait_at(KeeperWorld* world, std::string operation);

  std::map<std::string, std::shared_ptr<Gate>> gates_;
  std::uint32_t sign_ins_ = 0;
};

std::string sub_of(const std::string& user);
sessions::Binding login(std::uint32_t audit_session, std::uint32_t uid = 1001);
void assert_revalidation(cognito::AccountVerdict actual, cognito::AccountVerdict expected);

}  // namespace pamcognito::test
