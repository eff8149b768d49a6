#include "daemon/sessions/password_check.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <coroutine>
#include <deque>
#include <optional>
#include <utility>

#include "daemon/runtime/worker.h"
#include "daemon/sessions/scrypt.h"

namespace pamcognito::sessions {

// One hash to be made. The task that waits owns it; while a thread works on it, the thread's
// coroutine does too.
struct PasswordChecker::Job {
  Secret password;
  PasswordVerifier verifier;  // the salt goes in, the hash comes out
  bool derived = false;
  std::coroutine_handle<> awaiting;  // loop only
  bool finished = false;             // loop only
};

class PasswordChecker::Threads {
 public:
  Threads(runtime::EventLoop& loop, Derive derive) : loop_(loop), derive_(std::move(derive)) {}

  // False: too many wait.
  bool enqueue(const std::shared_ptr<Job>& job) {
    for (Thread& thread : threads_) {
      if (thread.busy) continue;
      if (!thread.worker) thread.worker.emplace(loop_, 1);
      thread.busy = true;
      thread.serving = loop_.spawn(serve(this, &thread, job));
      return true;
    }
    // Those whose task is gone wait no more.
    std::erase_if(waiting_, [](const std::weak_ptr<Job>& waits) { return waits.expired(); });
    if (waiting_.size() >= kMaxWaiting) return false;
    waiting_.push_back(job);
    return true;
  }

 private:
  struct Thread {
    // The worker goes first, and waits for its thread, which works on what the task owns.
    runtime::EventLoop::Spawned serving;
    std::optional<runtime::Worker> worker;
    bool busy = false;
  };

  static runtime::Task<void> serve(Threads* self, Thread* thread, std::shared_ptr<Job> job) {
    while (job) {
      Job* const works = job.get();
      const Derive* const derive = &self->derive_;
      const auto ran = co_await thread->worker->run([works, derive] {
        return (*derive)(works->password.reveal(), works->verifier.salt, works->verifier.hash);
      });
      job->derived = ran.value_or(false);
      job->password = Secret();
      // The loop resumes the waiting task later, because it may do anything then.
      self->loop_.post([weak = std::weak_ptr(job)] {
        const auto done = weak.lock();
        if (!done) return;
        done->finished = true;
        if (done->awaiting) std::exchange(done->awaiting, nullptr).resume();
      });
      job = self->next();
    }
    thread->busy = false;
  }

  std::shared_ptr<Job> next() {
    std::shared_ptr<Job> job;
    while (!job && !waiting_.empty()) {
      job = waiting_.front().lock();
      waiting_.pop_front();
    }
    return job;
  }

  runtime::EventLoop& loop_;
  const Derive derive_;
  std::deque<std::weak_ptr<Job>> waiting_;
  std::array<Thread, kMaxAtOnce> threads_;
};

// co_await Hash(threads, job): until the job is done; false: too many wait.
class PasswordChecker::Hash {
 public:
  Hash(Threads& threads, std::shared_ptr<Job> job)
      : job_(std::move(job)), accepted_(threads.enqueue(job_)) {}
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  ~Hash() { job_->awaiting = nullptr; }

  [[nodiscard]] bool await_ready() const noexcept { return !accepted_ || job_->finished; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept { job_->awaiting = awaiting; }
  [[nodiscard]] bool await_resume() const noexcept { return accepted_; }

 private:
  std::shared_ptr<Job> job_;
  bool accepted_;
};

PasswordChecker::PasswordChecker(runtime::EventLoop& loop)
    : PasswordChecker(loop, [](std::string_view password, std::span<const std::uint8_t> salt,
                               std::span<std::uint8_t> hash) {
        return scrypt(password, salt, ScryptCost{}, hash);
      }) {}

PasswordChecker::PasswordChecker(runtime::EventLoop& loop, Derive derive)
    : threads_(std::make_unique<Threads>(loop, std::move(derive))) {}

PasswordChecker::~PasswordChecker() = default;

runtime::Task<std::expected<PasswordVerifier, CheckError>> PasswordChecker::make(
    const Secret* password) {
  auto copy = Secret::copy_of(password->reveal());
  if (!copy) co_return std::unexpected(CheckError::internal);
  const auto job = std::make_shared<Job>();
  job->password = std::move(*copy);
  auto& salt = job->verifier.salt;
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1)
    co_return std::unexpected(CheckError::internal);
  Hash hash(*threads_, job);
  const bool accepted = co_await hash;
  if (!accepted) co_return std::unexpected(CheckError::busy);
  if (!job->derived) co_return std::unexpected(CheckError::internal);
  co_return job->verifier;
}

runtime::Task<std::expected<bool, CheckError>> PasswordChecker::matches(const Secret* password,
                                                                        PasswordVerifier verifier) {
  auto copy = Secret::copy_of(password->reveal());
  if (!copy) co_return std::unexpected(CheckError::internal);
  const auto job = std::make_shared<Job>();
  job->password = std::move(*copy);
  job->verifier.salt = verifier.salt;
  Hash hash(*threads_, job);
  const bool accepted = co_await hash;
  if (!accepted) co_return std::unexpected(CheckError::busy);
  if (!job->derived) co_return std::unexpected(CheckError::internal);
  co_return CRYPTO_memcmp(job->verifier.hash.data(), verifier.hash.data(), verifier.hash.size()) ==
      0;
}

}  // namespace pamcognito::sessions
