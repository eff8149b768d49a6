#include "daemon/sessions/decisions.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <utility>
#include <vector>

#include "daemon/policy/access.h"
#include "daemon/policy/freshness.h"
#include "daemon/policy/service_profile.h"

namespace pamcognito::sessions {
namespace {

using cognito::AccountVerdict;
using policy::Freshness;
using runtime::Task;

// Decides by groups that count now.
AccountDecision decide_by_groups(const AccountServices& services, const AccountRequest& request,
                                 const std::vector<std::string>& groups, std::string_view reason) {
  const bool permitted =
      services.config != nullptr &&
      policy::access_permitted(*services.config, request.user, request.service, groups);
  return {permitted ? Outcome::success : Outcome::account_denied, reason};
}

AccountDecision decide_unknown(const AccountServices& services, const AccountRequest& request) {
  switch (policy::service_profile(services.config.get(), request.service).never_signed_in) {
    case policy::NeverSignedIn::allow:
      return {Outcome::success, "unknown-allowed"};
    case policy::NeverSignedIn::allow_root:
      return request.real_root ? AccountDecision{Outcome::success, "unknown-allowed-to-root"}
                               : AccountDecision{Outcome::account_unknown, "unknown"};
    case policy::NeverSignedIn::deny:
      return {Outcome::account_unknown, "unknown"};
  }
  return {Outcome::account_unknown, "unknown"};
}

// The session of this transaction's own sign-in first, if the daemon was restarted in between; then
// the one that the pool was asked about last.
std::vector<SignInId> sessions_in_order(const AccountServices& services,
                                        const AccountRequest& request) {
  std::vector<Session> sessions = services.sessions->sessions_of(request.user);
  std::ranges::sort(sessions, std::greater(), [&request](const Session& session) {
    const bool is_of_this_transaction =
        request.sign_in_id == session.id && session.service == request.service;
    return std::pair(is_of_this_transaction, session.verified);
  });
  std::vector<SignInId> ids;
  for (const Session& session : sessions) ids.push_back(session.id);
  return ids;
}

// The next source to ask, if a session decides nothing.
enum class Next : std::uint8_t { another_session, last_verified };
using OfSession = std::expected<AccountDecision, Next>;

OfSession decide_by_verdict(const AccountServices& services, const AccountRequest& request,
                            SignInId id, AccountVerdict verdict) {
  // As it is now: it may have ended while the pool was asked.
  const std::optional<Session> session = services.sessions->find(id);
  switch (verdict) {
    case AccountVerdict::good:
      if (!session) return std::unexpected(Next::another_session);
      return decide_by_groups(services, request, session->groups, "session-asked");
    case AccountVerdict::disabled:
      return AccountDecision{Outcome::account_expired, "disabled"};
    case AccountVerdict::reset_required:
      return AccountDecision{Outcome::new_password_needed, "reset-required"};
    case AccountVerdict::session_over:
      return std::unexpected(Next::another_session);
    // Perhaps the pool is there, and a person can bring this about: no grace, as in
    // re-authentication.
    case AccountVerdict::undecided:
      return std::unexpected(Next::last_verified);
    case AccountVerdict::unreachable: {
      // No other session was verified later, and the pool will not answer for it either.
      if (!session) return std::unexpected(Next::last_verified);
      const auto age = services.clock->boot_time() - session->verified;
      if (policy::freshness(age, services.config->session) == Freshness::stale)
        return std::unexpected(Next::last_verified);
      return decide_by_groups(services, request, session->groups, "session-in-grace");
    }
  }
  return std::unexpected(Next::last_verified);
}

// Decides by the session alone; nullopt: the pool has to be asked.
std::optional<OfSession> decide_without_pool(const AccountServices& services,
                                             const AccountRequest& request, SignInId id) {
  const std::optional<Session> session = services.sessions->find(id);
  if (!session) return std::unexpected(Next::another_session);
  const auto age = services.clock->boot_time() - session->verified;
  if (policy::freshness(age, services.config->session) == Freshness::fresh)
    return decide_by_groups(services, request, session->groups, "session");
  // At each login, and perhaps before there is a network: it is not waited for.
  if (!policy::service_profile(services.config.get(), request.service).unattended)
    return std::nullopt;
  if (!policy::is_within(age, services.config->keys.last_sign_in_max_age))
    return std::unexpected(Next::last_verified);
  return decide_by_groups(services, request, session->groups, "session-not-asked");
}

Task<OfSession> decide_by_sessions(const AccountServices* services, const AccountRequest* request,
                                   cognito::Call call) {
  for (const SignInId id : sessions_in_order(*services, *request)) {
    std::optional<OfSession> says = decide_without_pool(*services, *request, id);
    if (!says) {
      const AccountVerdict verdict = co_await services->sessions->revalidate(id, call);
      says = decide_by_verdict(*services, *request, id, verdict);
    }
    if (*says || says->error() == Next::last_verified) co_return *says;
  }
  co_return std::unexpected(Next::last_verified);
}

// Decides by the groups that were verified last; nullopt: none were, or too long ago.
std::optional<AccountDecision> decide_by_last_verified(const AccountServices& services,
                                                       const AccountRequest& request) {
  const KnownUser* known = services.known->find(request.user);
  if (known == nullptr) return std::nullopt;
  if (known->account_status == AccountStatus::disabled)
    return AccountDecision{Outcome::account_expired, "disabled"};
  // Wall time, because it outlives boots. It may be set back a little, as NTP does; by more, it
  // says nothing about ages.
  constexpr std::chrono::seconds set_back{5};
  std::chrono::seconds age(services.clock->wall_time() - known->verified_at);
  if (age < std::chrono::seconds::zero() && age >= -set_back) age = std::chrono::seconds::zero();
  if (known->verified_at == 0 ||
      !policy::is_within(age, services.config->keys.last_sign_in_max_age))
    return std::nullopt;
  return decide_by_groups(services, request, known->groups, "last-verified");
}

}  // namespace

policy::ReauthQuestion reauth_question(const policy::Config& config, const policy::ReauthRule& rule,
                                       const SessionKeeper& keeper, const Session& session,
                                       std::string_view service, std::string_view address,
                                       runtime::BootTime now) {
  policy::ReauthQuestion question;
  question.mode = rule.mode;
  question.mfa_max_age = rule.mfa_max_age;
  question.permitted = policy::access_permitted(config, session.user, service, session.groups);
  question.mfa_required = config.mfa.require;
  question.factor = session.factor;
  question.factor_accepted =
      session.factor &&
      std::ranges::find(config.mfa.methods, *session.factor) != config.mfa.methods.end();
  question.sign_in_age = now - session.signed_in;
  question.has_verifier = keeper.can_check_password(session);
  question.verification = policy::freshness(now - session.verified, config.session);
  question.from = rule.from;
  if (rule.from == policy::ReauthFrom::origin)
    question.origin = keeper.origin_question(session, address, service, rule.mfa_max_age);
  return question;
}

Task<AccountDecision> decide_account(AccountServices services, AccountRequest request,
                                     cognito::Call call) {
  if (request.sign_in_id) {
    const auto identity = services.recent_sign_ins->find(
        *request.sign_in_id, request.user, request.service, services.clock->boot_time());
    if (identity) co_return decide_by_groups(services, request, identity->groups, "signed-in");
  }
  if (services.config) {
    // A disabled account could not be told from any other otherwise.
    if (!services.known->is_readable())
      co_return AccountDecision{Outcome::account_denied, "identities-unreadable"};
    const OfSession by_session = co_await decide_by_sessions(&services, &request, call);
    if (by_session) co_return *by_session;
    const std::optional<AccountDecision> decision = decide_by_last_verified(services, request);
    if (decision) co_return *decision;
  }
  // A sign-in that this daemon does not remember: it was restarted between the phases.
  if (request.sign_in_id) co_return AccountDecision{Outcome::account_denied, "sign-in-forgotten"};
  co_return decide_unknown(services, request);
}

}  // namespace pamcognito::sessions
