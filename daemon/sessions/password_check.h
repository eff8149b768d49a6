#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "common/secret.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/task.h"
#include "daemon/sessions/session.h"

namespace pamcognito::sessions {

enum class CheckError : std::uint8_t {
  busy,      // too many checks wait
  internal,  // no memory, or OpenSSL refuses
};

// Makes and checks password verifiers: 32 MiB and about 100 ms of CPU each, so in threads of their
// own, at most two at once; kMaxWaiting more wait. The threads start with the first use. The job of
// a task that is destroyed ends alone, or never begins; every copy of the password is wiped with
// the job. Used from the loop's thread only; not destroyed while it resumes a task.
class PasswordChecker {
 public:
  static constexpr std::size_t kMaxAtOnce = 2;
  static constexpr std::size_t kMaxWaiting = 64;

  // Fills the hash from password and salt; false: it cannot. Called in the threads.
  using Derive = std::function<bool(std::string_view password, std::span<const std::uint8_t> salt,
                                    std::span<std::uint8_t> hash)>;

  // With scrypt.
  explicit PasswordChecker(runtime::EventLoop& loop);
  // With another function: for tests.
  PasswordChecker(runtime::EventLoop& loop, Derive derive);
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;
  // Waits for what the threads do now.
  ~PasswordChecker();

  // `password` is copied before the task waits.
  runtime::Task<std::expected<PasswordVerifier, CheckError>> make(const Secret* password);
  // In constant time for one verifier.
  runtime::Task<std::expected<bool, CheckError>> matches(const Secret* password,
                                                         PasswordVerifier verifier);

 private:
  struct Job;
  class Hash;
  class Threads;
  std::unique_ptr<Threads> threads_;
};

}  // namespace pamcognito::sessions
