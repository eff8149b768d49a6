#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/protocol_limits.h"
#include "daemon/flows/error_table.h"
#include "daemon/flows/session_keeper.h"
#include "daemon/policy/access.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::flows {
namespace {

using cognito::ErrorKind;
using cognito::PoolResult;
using runtime::Level;
using runtime::Task;
using sessions::Session;

// Longer than most who wait for it do: a rotated token should be taken in.
constexpr std::chrono::seconds kTimeForRefresh = protocol::kRefreshTime;

template <class Owner>
Task<void> answer_of(std::shared_ptr<Owner> owner) {
  co_await owner->answer;
}

}  // namespace

Revalidation revalidation_after(ErrorKind error) {
  switch (error) {
    case ErrorKind::user_disabled:
    case ErrorKind::user_not_found:
      return Revalidation::disabled;
    case ErrorKind::password_reset_required:
      return Revalidation::reset_required;
    // Of this account, or this token.
    case ErrorKind::not_authorized:
    case ErrorKind::refresh_token_reuse:
    case ErrorKind::unsupported_token_type:
    case ErrorKind::user_not_confirmed:
    case ErrorKind::user_lambda_validation:
    case ErrorKind::blocked_by_risk:
    case ErrorKind::temporary_password_expired:
      return Revalidation::ended;
    case ErrorKind::unreachable:
      return Revalidation::unreachable;
    // Not a word about the account.
    case ErrorKind::alias_exists:
    case ErrorKind::attempts_exceeded:
    case ErrorKind::bad_response:
    case ErrorKind::captcha_required:
    case ErrorKind::code_delivery_failure:
    case ErrorKind::code_mismatch:
    case ErrorKind::concurrent_modification:
    case ErrorKind::connection_cut:
    case ErrorKind::device_key_exists:
    case ErrorKind::enable_software_token_mfa:
    case ErrorKind::expired_code:
    case ErrorKind::feature_unavailable_in_tier:
    case ErrorKind::forbidden:
    case ErrorKind::imported_user:
    case ErrorKind::internal:
    case ErrorKind::internal_error:
    case ErrorKind::invalid_email_role_access_policy:
    case ErrorKind::invalid_lambda_response:
    case ErrorKind::invalid_parameter:
    case ErrorKind::invalid_password:
    case ErrorKind::invalid_sms_role_access_policy:
    case ErrorKind::invalid_sms_role_trust_relationship:
    case ErrorKind::invalid_user_pool_configuration:
    case ErrorKind::limit_exceeded:
    case ErrorKind::local_shortage:
    case ErrorKind::mfa_method_not_found:
    case ErrorKind::not_connected:
    case ErrorKind::operation_not_enabled:
    case ErrorKind::password_history_policy_violation:
    case ErrorKind::resource_not_found:
    case ErrorKind::software_token_mfa_not_found:
    case ErrorKind::timed_out:
    case ErrorKind::tokens_rejected:
    case ErrorKind::too_many_failed_attempts:
    case ErrorKind::too_many_requests:
    case ErrorKind::unauthorized:
    case ErrorKind::unexpected_lambda:
    case ErrorKind::unknown_exception:
    case ErrorKind::unknown_operation:
    case ErrorKind::unsupported_operation:
    case ErrorKind::username_exists:
    case ErrorKind::waf_blocked:
      return Revalidation::undecided;
  }
  return Revalidation::undecided;
}

Task<Revalidation> SessionKeeper::revalidate(SignInId id, cognito::Call call) {
  const Refreshed result = co_await refreshed(id, call);
  co_return result.standing;
}

Task<std::expected<std::string, Revalidation>> SessionKeeper::access_token(SignInId id,
                                                                           cognito::Call call) {
  Refreshed result = co_await refreshed(id, call);
  if (result.standing != Revalidation::good) co_return std::unexpected(result.standing);
  co_return std::move(result.access_token);
}

Task<SessionKeeper::Refreshed> SessionKeeper::refreshed(SignInId id, cognito::Call call) {
  if (!find(id)) co_return Refreshed(Revalidation::ended);
  const auto under_way = flights_.find(id);
  const std::shared_ptr<Flight> flight =
      under_way != flights_.end() ? under_way->second : std::make_shared<Flight>();
  if (under_way == flights_.end()) {
    flights_.emplace(id, flight);
    in_background(fly(id, flight), [this, id] { land(id, Refreshed(Revalidation::undecided)); });
  }
  if (!flight->answer.get()) {
    // The clock of the flows, by the loop's.
    const runtime::MonotonicTime deadline = loop_.now() + (call.deadline - clock_.now());
    const std::expected<void, runtime::TimedOut> answered =
        co_await runtime::with_deadline(loop_, deadline, answer_of(flight));
    // Silence proves nothing: while the pool is proved unreachable, the refresh ends sooner.
    if (!answered) co_return Refreshed(Revalidation::undecided);
  }
  if (call.trace != nullptr) call.trace->add(flight->trace);
  co_return *flight->answer.get();
}

Task<void> SessionKeeper::fly(SignInId id, std::shared_ptr<Flight> flight) {
  Refreshed result = co_await refresh(id, flight.get());
  land(id, std::move(result));
}

void SessionKeeper::land(const SignInId& id, Refreshed refreshed) {
  const auto found = flights_.find(id);
  if (found == flights_.end()) return;
  const std::shared_ptr<Flight> flight = std::move(found->second);
  flights_.erase(found);
  SharedAnswer<Refreshed>::give(loop_, {flight, &flight->answer}, std::move(refreshed));
}

Task<SessionKeeper::Refreshed> SessionKeeper::refresh(SignInId id, Flight* flight) {
  const runtime::BootTime asked = clock_.boot_time();
  const cognito::Call call(clock_.now() + kTimeForRefresh, &flight->trace);
  if (const auto device = confirmations_.find(id); device != confirmations_.end())
    co_await answer_of(device->second);

  cognito::RefreshProof proof;
  {
    const std::optional<Session> session = find(id);
    if (!session) co_return Refreshed(Revalidation::ended);
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
    co_return Refreshed(Revalidation::ended);
  }

  const PoolResult<cognito::VerifiedTokens> verified = co_await pool->verify(&*tokens, call);
  if (!verified) {
    // Of the tokens, and not of the account: the pool has just handed them out.
    const Revalidation standing = revalidation_after(verified.error().kind);
    log_unanswered(id, verified.error());
    co_return Refreshed(standing == Revalidation::unreachable ? standing : Revalidation::undecided);
  }
  Refreshed result(accept(id, *verified, asked));
  if (result.standing == Revalidation::good) result.access_token = std::move(tokens->access_token);
  co_return result;
}

Revalidation SessionKeeper::refused(const SignInId& id, const cognito::PoolError& error) {
  const std::optional<Session> session = store_.find(id);
  if (!session) return Revalidation::ended;
  const Revalidation standing = revalidation_after(error.kind);
  switch (standing) {
    case Revalidation::disabled:
      known_.set_standing(session->user, sessions::Standing::disabled);
      (void)end_all(session->user, error_row(error.kind).word, Revoke::tokens);
      break;
    case Revalidation::ended:
    case Revalidation::reset_required:
      // Else the account phase would let in on the second try whom the pool has just refused.
      known_.expire(session->user);
      (void)end(id, error_row(error.kind).word, Revoke::tokens);
      break;
    case Revalidation::good:
    case Revalidation::unreachable:
    case Revalidation::undecided:
      log_unanswered(id, error);
      break;
  }
  return standing;
}

void SessionKeeper::log_unanswered(const SignInId& id, const cognito::PoolError& error) const {
  const std::optional<Session> session = store_.find(id);
  if (!session) return;
  const ErrorRow& row = error_row(error.kind);
  runtime::log(row.level,
               "the pool did not say whether the account of " + session->user +
                   " still stands: " + std::string(row.word),
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

Revalidation SessionKeeper::accept(const SignInId& id, const cognito::VerifiedTokens& verified,
                                   runtime::BootTime asked) {
  std::optional<Session> session = find(id);
  if (!session) return Revalidation::ended;
  if (verified.sub != session->sub) {
    runtime::log(Level::warning, "a session of " + session->user + " became one of another account",
                 {{"USER", session->user},
                  {"DETAIL", "sub " + verified.sub + " instead of " + session->sub}});
    (void)end(id, "another-account");
    return Revalidation::ended;
  }
  // Also what is lost counts for the account phase, so before the session ends by it.
  known_.verified(session->user, verified.groups, clock_.wall_time());
  // No service of that name: [access] alone decides.
  if (!policy::access_permitted(*config_, session->user, "", verified.groups)) {
    (void)end(id, "access");
    return Revalidation::ended;
  }
  session->groups = verified.groups;
  session->verified = asked;
  if (store_.put(*session)) return Revalidation::good;
  (void)end(id, "not-stored");
  return Revalidation::ended;
}

}  // namespace pamcognito::flows
