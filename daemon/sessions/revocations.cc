#include "daemon/sessions/revocations.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "daemon/cognito/error_table.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::sessions {
namespace {

using runtime::Task;

// For all calls of one token, retries included.
constexpr std::chrono::seconds kTimeForOne{8};

void log_failure(std::string_view what, const cognito::PoolError& error) {
  const std::string_view cause = cognito::error_row(error.kind).word;
  runtime::log(runtime::Level::warning, std::string(what) + ": " + std::string(cause),
               {{"CAUSE", cause}, {"DETAIL", error.message}, {"REQUEST_ID", error.request_id}});
}

}  // namespace

PendingTokens::PendingTokens(cognito::Tokens tokens, std::function<void(std::string)> revoke_later)
    : tokens_(std::move(tokens)), revoke_later_(std::move(revoke_later)) {}

PendingTokens::PendingTokens(PendingTokens&& other) noexcept
    : tokens_(std::move(other.tokens_)), revoke_later_(std::exchange(other.revoke_later_, {})) {}

PendingTokens& PendingTokens::operator=(PendingTokens&& other) noexcept {
  if (this == &other) return *this;
  const PendingTokens replaced(std::move(*this));  // revokes what was here
  tokens_ = std::move(other.tokens_);
  revoke_later_ = std::exchange(other.revoke_later_, {});
  return *this;
}

cognito::Tokens PendingTokens::take() {
  revoke_later_ = {};
  return std::move(tokens_);
}

PendingTokens::~PendingTokens() {
  if (revoke_later_ && !tokens_.refresh_token.empty())
    revoke_later_(std::move(tokens_.refresh_token));
}

void Revocations::add(std::shared_ptr<cognito::UserPool> pool, std::string refresh_token) {
  cognito::RefreshProof proof;
  proof.refresh_token = std::move(refresh_token);
  add(std::move(pool), std::move(proof));
}

void Revocations::add(std::shared_ptr<cognito::UserPool> pool, cognito::RefreshProof proof) {
  if (running_.size() < kMaxAtOnce) {
    start(std::move(pool), std::move(proof));
  } else if (waiting_.size() < kMaxWaiting) {
    waiting_.push_back({std::move(pool), std::move(proof)});
  } else {
    ++left_to_expire_;
  }
}

void Revocations::when_idle(std::function<void()> call) {
  when_idle_ = std::move(call);
  if (running_.empty()) loop_.post(std::exchange(when_idle_, {}));
}

void Revocations::start(std::shared_ptr<cognito::UserPool> pool, cognito::RefreshProof proof) {
  const std::uint64_t id = next_id_++;
  running_.emplace(id, loop_.spawn(revoke(std::move(pool), std::move(proof)),
                                   [this, id](bool) { finished(id); }));
}

Task<void> Revocations::revoke(std::shared_ptr<cognito::UserPool> pool,
                               cognito::RefreshProof proof) {
  const runtime::MonotonicTime deadline = clock_.now() + kTimeForOne;
  std::string refresh_token = proof.refresh_token;
  if (!proof.device_key.empty())
    refresh_token = co_await forget_device(pool.get(), std::move(proof), deadline);
  const cognito::PoolResult<void> revoked =
      co_await pool->revoke(std::move(refresh_token), deadline);
  if (!revoked) log_failure("a refresh token was not revoked", revoked.error());
}

// The refresh token to revoke then: it may have been rotated.
Task<std::string> Revocations::forget_device(cognito::UserPool* pool, cognito::RefreshProof proof,
                                             runtime::MonotonicTime deadline) {
  std::string refresh_token = proof.refresh_token;
  std::string device_key = proof.device_key;
  cognito::PoolResult<cognito::Tokens> tokens = co_await pool->refresh(std::move(proof), deadline);
  if (!tokens) {
    log_failure("a device was not forgotten", tokens.error());
    co_return refresh_token;
  }
  if (!tokens->refresh_token.empty()) refresh_token = std::move(tokens->refresh_token);
  const cognito::PoolResult<void> forgotten = co_await pool->forget_device(
      std::move(tokens->access_token), std::move(device_key), deadline);
  if (!forgotten) log_failure("a device was not forgotten", forgotten.error());
  co_return refresh_token;
}

void Revocations::finished(std::uint64_t id) {
  running_.erase(id);
  if (!waiting_.empty()) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(next.pool), std::move(next.proof));
    return;
  }
  if (!running_.empty()) return;
  if (left_to_expire_ > 0)
    runtime::log(runtime::Level::warning, std::to_string(std::exchange(left_to_expire_, 0)) +
                                              " refresh tokens were not revoked: too many at once");
  if (when_idle_) std::exchange(when_idle_, {})();
}

}  // namespace pamcognito::sessions
