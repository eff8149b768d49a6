#include "tests/pool/sessions.h"

#include <cstdint>
#include <string_view>
#include <utility>

namespace pamcognito::pool {

namespace {

constexpr std::string_view kSessionPrefix = "AYABe";  // as real ones begin
constexpr size_t kSecretBlockBytes = 900;
// Longer than any session lives, so that a late answer still hears "expired" and not "unknown".
constexpr int64_t kKeepMs = 60LL * 60 * 1000;
constexpr int64_t kSweepEveryMs = 60LL * 1000;

}  // namespace

std::string SessionStore::open(Session session, int64_t characters) {
  drop_older_than(session.born_ms);
  const auto size = static_cast<size_t>(characters);
  // Four characters for three bytes, so never too few of them.
  std::string handle = std::string(kSessionPrefix) + base64url_encode(random_bytes(size));
  handle.resize(size);
  sessions_.emplace(handle, std::move(session));
  return handle;
}

Session* SessionStore::find(const std::string& handle) {
  const auto found = sessions_.find(handle);
  return found == sessions_.end() ? nullptr : &found->second;
}

std::string SessionStore::begin_srp(SrpAttempt attempt) {
  drop_older_than(attempt.born_ms);
  std::string secret_block = base64_encode(random_bytes(kSecretBlockBytes));
  attempts_.emplace(secret_block, std::move(attempt));
  return secret_block;
}

std::optional<SrpAttempt> SessionStore::take_srp(const std::string& secret_block) {
  auto node = attempts_.extract(secret_block);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

void SessionStore::clear() {
  sessions_.clear();
  attempts_.clear();
}

void SessionStore::drop_older_than(int64_t life_ms) {
  if (life_ms < next_sweep_ms_) return;
  next_sweep_ms_ = life_ms + kSweepEveryMs;
  const auto too_old = [life_ms](const auto& entry) {
    return entry.second.born_ms + kKeepMs < life_ms;
  };
  std::erase_if(sessions_, too_old);
  std::erase_if(attempts_, too_old);
}

}  // namespace pamcognito::pool
