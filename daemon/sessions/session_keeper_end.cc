// Ends sessions. Every end passes through end(), which erases the session first and then has its
// tokens revoked in the background, if they are of the configured pool. So an ended session never
// counts again, even if the revocation fails. `reason` is a stable word for the journal and the
// metrics; the caller chooses it.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/runtime/journal.h"
#include "daemon/runtime/metrics.h"
#include "daemon/sessions/session_keeper.h"

namespace pamcognito::sessions {

using runtime::Level;

std::size_t SessionKeeper::end(const SignInId& id, std::string_view reason) {
  return end(id, reason, Revoke::device_and_tokens);
}

std::size_t SessionKeeper::end_all(std::string_view user, std::string_view reason) {
  return end_all(user, reason, Revoke::device_and_tokens);
}

std::size_t SessionKeeper::end(const SignInId& id, std::string_view reason, Revoke what) {
  const std::optional<Session> session = store_.find(id);
  if (!session) return 0;
  store_.erase(id);
  verifier_settled(id);
  if (store_.size() == 0) expiry_.reset();

  runtime::metrics().count("pam_cognito_sessions_ended_total", {{"reason", reason}});
  runtime::log(Level::info,
               "a session of " + session->user + " by " + session->service + " has ended (" +
                   std::string(reason) + ")",
               {{"USER", session->user}, {"SERVICE", session->service}, {"CAUSE", reason}});
  revoke(*session, what);
  return 1;
}

std::size_t SessionKeeper::end_all(std::string_view user, std::string_view reason, Revoke what) {
  std::size_t ended = 0;
  for (const Session& session : store_.sessions_of(user)) ended += end(session.id, reason, what);
  return ended;
}

void SessionKeeper::revoke(const Session& session, Revoke what) {
  // Only the client of its own pool could revoke it.
  if (!pool_ || session.pool != fingerprint_) return;
  cognito::RefreshProof proof;
  proof.refresh_token = session.refresh_token;
  proof.username = session.cognito_name;
  if (what == Revoke::device_and_tokens) proof.device_key = session.device_key;

  const auto confirmation = confirmations_.find(session.id);
  if (confirmation != confirmations_.end())
    confirmation->second->to_revoke = std::move(proof);
  else
    revocations_.add(pool_, std::move(proof));
}

void SessionKeeper::end_expired() {
  if (!config_) return;
  for (const SignInId& id : store_.all()) {
    const std::optional<Session> session = store_.find(id);
    if (session && is_expired(*session)) (void)end(id, "expired");
  }
}

// The timer only tidies up: an expired session no longer counts, even before it fires. So it may
// run by the monotonic clock, which stops while a laptop sleeps.
void SessionKeeper::arm_expiry() {
  expiry_.reset();
  const std::optional<SignInId> oldest = config_ ? store_.oldest() : std::nullopt;
  const std::optional<Session> session = oldest ? store_.find(*oldest) : std::nullopt;
  if (!session) return;
  const auto left = session->signed_in + config_->session.lifetime - clock_.boot_time();
  expiry_.emplace(loop_, loop_.now() + std::max(left, runtime::BootClock::duration(0)), [this] {
    end_expired();
    arm_expiry();
  });
}

}  // namespace pamcognito::sessions
