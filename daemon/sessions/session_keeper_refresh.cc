// Asks the pool whether the account of a session is still good. A session has no access token, so
// the question is a refresh of its tokens: Cognito refuses it for a disabled account or a revoked
// token, and new tokens carry the present groups.
//
// A session has at most one refresh at a time, because Cognito may rotate the refresh token: a
// second request with the old token could end the session. Callers that come meanwhile wait for its
// answer. A caller may stop waiting at its own deadline; the refresh goes on, so that a rotated
// token is stored.

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/protocol_limits.h"
#include "daemon/cognito/error_table.h"
#include "daemon/policy/access.h"
#include "daemon/runtime/journal.h"
#include "daemon/sessions/session_keeper.h"

namespace pamcognito::sessions {
namespace {

using cognito::AccountVerdict;
using cognito::PoolResult;
using runtime::Level;
using runtime::Task;

// Longer than most callers wait: a rotated token must still be stored.
constexpr std::chrono::seconds kTimeForRefresh = protocol::kRefreshTime;

}  // namespace

Task<AccountVerdict> SessionKeeper::revalidate(SignInId id, cognito::Call call) {
  const Refreshed result = co_await refreshed(id, call);
  co_return result.verdict;
}

Task<std::expected<std::string, AccountVerdict>> SessionKeeper::access_token(SignInId id,
                                                                             cognito::Call call) {
  Refreshed result = co_await refreshed(id, call);
  if (result.verdict != AccountVerdict::good) co_return std::unexpected(result.verdict);
  co_return std::move(result.access_token);
}

Task<SessionKeeper::Refreshed> SessionKeeper::refreshed(SignInId id, cognito::Call call) {
  if (!find(id)) co_return Refreshed(AccountVerdict::session_over);
  const auto under_way = refreshes_in_flight_.find(id);
  const std::shared_ptr<RefreshInFlight> in_flight = under_way != refreshes_in_flight_.end()
                                                         ? under_way->second
                                                         : std::make_shared<RefreshInFlight>();
  if (under_way == refreshes_in_flight_.end()) {
    refreshes_in_flight_.emplace(id, in_flight);
    in_background(run_refresh(id, in_flight),
                  [this, id] { complete_refresh(id, Refreshed(AccountVerdict::undecided)); });
  }
  if (!in_flight->answer.get()) {
    // call.deadline is by the clock of the caller; the loop has its own.
    const runtime::MonotonicTime deadline = loop_.now() + (call.deadline - clock_.now());
    const std::expected<void, runtime::TimedOut> answered =
        co_await runtime::with_deadline(loop_, deadline, runtime::wait_for_answer(in_flight));
    // Silence proves nothing: while the pool is proved unreachable, the refresh ends sooner.
    if (!answered) co_return Refreshed(AccountVerdict::undecided);
  }
  if (call.trace != nullptr) call.trace->add(in_flight->trace);
  co_return *in_flight->answer.get();
}

Task<void> SessionKeeper::run_refresh(SignInId id, std::shared_ptr<RefreshInFlight> in_flight) {
  Refreshed result = co_await refresh(id, in_flight.get());
  complete_refresh(id, std::move(result));
}

void SessionKeeper::complete_refresh(const SignInId& id, Refreshed refreshed) {
  const auto found = refreshes_in_flight_.find(id);
  if (found == refreshes_in_flight_.end()) return;
  const std::shared_ptr<RefreshInFlight> in_flight = std::move(found->second);
  refreshes_in_flight_.erase(found);
  runtime::SharedAnswer<Refreshed>::give(loop_, {in_flight, &in_flight->answer},
                                         std::move(refreshed));
}

Task<SessionKeeper::Refreshed> SessionKeeper::refresh(SignInId id, RefreshInFlight* in_flight) {
  const runtime::BootTime asked = clock_.boot_time();
  const cognito::Call call(clock_.now() + kTimeForRefresh, &in_flight->trace);
  if (const auto device = confirmations_.find(id); device != confirmations_.end())
    co_await runtime::wait_for_answer(device->second);

  cognito::RefreshProof proof;
  {
    const std::optional<Session> session = find(id);
    if (!session) co_return Refreshed(AccountVerdict::session_over);
    proof.refresh_token = session->refresh_token;
    proof.username = session->cognito_name;
    proof.device_key = session->device_key;
  }
  const std::shared_ptr<cognito::UserPool> pool = pool_;
  PoolResult<cognito::Tokens> tokens = co_await pool->refresh(std::move(proof), call);
  if (!tokens) co_return Refreshed(refused(id, tokens.error()));
  // Before anything else: the token before it may have ended already.
  if (!tokens->refresh_token.empty() && !store_rotated(id, tokens->refresh_token)) {
    revocations_.add(pool, std::move(tokens->refresh_token));
    co_return Refreshed(AccountVerdict::session_over);
  }

  const PoolResult<cognito::VerifiedTokens> verified = co_await pool->verify(&*tokens, call);
  if (!verified) {
    // The error is about the tokens, not the account: the pool has just handed them out.
    const AccountVerdict verdict = cognito::error_row(verified.error()).verdict;
    log_unanswered(id, verified.error());
    co_return Refreshed(verdict == AccountVerdict::unreachable ? verdict
                                                               : AccountVerdict::undecided);
  }
  Refreshed result(accept(id, *verified, asked));
  if (result.verdict == AccountVerdict::good) result.access_token = std::move(tokens->access_token);
  co_return result;
}

AccountVerdict SessionKeeper::refused(const SignInId& id, const cognito::PoolError& error) {
  const std::optional<Session> session = store_.find(id);
  if (!session) return AccountVerdict::session_over;
  const AccountVerdict verdict = cognito::error_row(error).verdict;
  switch (verdict) {
    case AccountVerdict::disabled:
      known_.set_account_status(session->user, AccountStatus::disabled);
      (void)end_all(session->user, cognito::error_row(error.kind).word, Revoke::tokens);
      if (on_disabled_) on_disabled_(session->user);
      break;
    case AccountVerdict::session_over:
    case AccountVerdict::reset_required:
      // The last verification expires too, or the account phase would let the user in at the next
      // try.
      known_.expire(session->user);
      (void)end(id, cognito::error_row(error.kind).word, Revoke::tokens);
      break;
    case AccountVerdict::good:
    case AccountVerdict::unreachable:
    case AccountVerdict::undecided:
      log_unanswered(id, error);
      break;
  }
  return verdict;
}

void SessionKeeper::log_unanswered(const SignInId& id, const cognito::PoolError& error) const {
  const std::optional<Session> session = store_.find(id);
  if (!session) return;
  const cognito::ErrorRow& row = cognito::error_row(error);
  runtime::log(row.level,
               "the pool did not answer whether the account of " + session->user +
                   " is still valid: " + std::string(row.word),
               {{"USER", session->user},
                {"CAUSE", row.word},
                {"DETAIL", error.message},
                {"REQUEST_ID", error.request_id}});
}

bool SessionKeeper::store_rotated(const SignInId& id, const std::string& refresh_token) {
  std::optional<Session> session = store_.find(id);
  if (!session) return false;
  session->refresh_token = refresh_token;
  if (store_.put(*session)) return true;
  (void)end(id, "not-stored");
  return false;
}

AccountVerdict SessionKeeper::accept(const SignInId& id, const cognito::VerifiedTokens& verified,
                                     runtime::BootTime asked) {
  std::optional<Session> session = find(id);
  if (!session) return AccountVerdict::session_over;
  if (verified.sub != session->sub) {
    runtime::log(Level::warning, "a session of " + session->user + " became one of another account",
                 {{"USER", session->user},
                  {"DETAIL", "sub " + verified.sub + " instead of " + session->sub}});
    (void)end(id, "another-account");
    return AccountVerdict::session_over;
  }
  // Lost groups count for the account phase as well, so they are noted before the session ends by
  // them.
  known_.verified(session->user, verified.groups, clock_.wall_time());
  // No service of that name: [access] alone decides.
  if (!policy::access_permitted(*config_, session->user, "", verified.groups)) {
    (void)end(id, "access");
    return AccountVerdict::session_over;
  }
  session->groups = verified.groups;
  session->verified = asked;
  if (store_.put(*session)) return AccountVerdict::good;
  (void)end(id, "not-stored");
  return AccountVerdict::session_over;
}

}  // namespace pamcognito::sessions
