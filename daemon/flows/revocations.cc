#include "daemon/flows/revocations.h"

#include <utility>

#include "daemon/flows/error_table.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::flows {

void Revocations::add(cognito::UserPool* pool, std::string refresh_token) {
  if (running_.size() >= kMaxWaiting) {
    runtime::log(runtime::Level::warning,
                 "a refresh token was not revoked: too many revocations wait");
    return;
  }
  const std::uint64_t id = next_id_++;
  running_.emplace(
      id, loop_.spawn(revoke(pool, std::move(refresh_token)), [this, id](bool) { finished(id); }));
}

void Revocations::when_idle(std::function<void()> call) {
  when_idle_ = std::move(call);
  if (running_.empty()) loop_.post(std::exchange(when_idle_, {}));
}

runtime::Task<void> Revocations::revoke(cognito::UserPool* pool, std::string refresh_token) {
  constexpr std::chrono::seconds time_for_all_tries{8};
  const cognito::PoolResult<void> result =
      co_await pool->revoke(std::move(refresh_token), clock_.now() + time_for_all_tries);
  if (result) co_return;
  const std::string_view cause = error_row(result.error().kind).word;
  runtime::log(runtime::Level::warning, "a refresh token was not revoked: " + std::string(cause),
               {{"CAUSE", cause},
                {"DETAIL", result.error().message},
                {"REQUEST_ID", result.error().request_id}});
}

void Revocations::finished(std::uint64_t id) {
  running_.erase(id);
  if (running_.empty() && when_idle_) std::exchange(when_idle_, {})();
}

}  // namespace pamcognito::flows
