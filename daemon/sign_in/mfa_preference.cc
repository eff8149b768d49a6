#include "daemon/sign_in/mfa_preference.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/prompts/texts.h"

namespace pamcognito::sign_in {
namespace {

using cognito::AccountVerdict;
using cognito::ErrorKind;
using cognito::FactorPreference;
using cognito::Method;
using cognito::PoolError;
using cognito::PoolResult;
using cognito::UserState;
using runtime::Task;
using sessions::Session;
using Value = MfaPreferenceValue;

// One factor, by all its names.
struct Factor {
  Method method;
  std::string_view wire_name;
  std::string_view name;  // Amplify's
  std::optional<Value> MfaPreferenceUpdate::* update;
  std::optional<FactorPreference> cognito::MfaPreference::* preference;
};

constexpr std::array kFactors = {
    Factor{Method::sms, "SMS_MFA", "SMS", &MfaPreferenceUpdate::sms, &cognito::MfaPreference::sms},
    Factor{Method::totp, "SOFTWARE_TOKEN_MFA", "TOTP", &MfaPreferenceUpdate::totp,
           &cognito::MfaPreference::totp},
    Factor{Method::email, "EMAIL_OTP", "EMAIL", &MfaPreferenceUpdate::email,
           &cognito::MfaPreference::email},
};

bool is_on(const UserState& user, const Factor& factor) {
  return std::ranges::find(user.enabled_factors, factor.wire_name) != user.enabled_factors.end();
}

FactorPreference present(const UserState& user, const Factor& factor) {
  return {.enabled = is_on(user, factor), .preferred = user.preferred_factor == factor.wire_name};
}

// The setting that the factor is to get. `another_is_preferred`: by this update.
FactorPreference wanted(FactorPreference now, std::optional<Value> value,
                        bool another_is_preferred) {
  const bool stays_preferred = now.preferred && !another_is_preferred;
  if (!value) return {.enabled = now.enabled, .preferred = stays_preferred};
  switch (*value) {
    case Value::enabled:
      return {.enabled = true, .preferred = stays_preferred};
    case Value::disabled:
      return {.enabled = false, .preferred = false};
    case Value::preferred:
      return {.enabled = true, .preferred = true};
    case Value::not_preferred:
      return {.enabled = true, .preferred = false};
  }
  return now;
}

bool accepts(const policy::MfaConfig& mfa, Method method) {
  return std::ranges::find(mfa.methods, method) != mfa.methods.end();
}

MfaError error_of(AccountVerdict verdict) {
  switch (verdict) {
    case AccountVerdict::unreachable:
      return {MfaErrorKind::unavailable, prompts::pool_unreachable()};
    case AccountVerdict::undecided:
      return {MfaErrorKind::failed, prompts::pool_failed()};
    case AccountVerdict::good:
    case AccountVerdict::session_over:
    case AccountVerdict::disabled:
    case AccountVerdict::reset_required:
      break;
  }
  return {MfaErrorKind::not_authorized, prompts::no_session()};
}

}  // namespace

MfaError mfa_error_of(const PoolError& error, bool switched_on) {
  const cognito::ErrorRow& row = cognito::error_row(error);
  const auto made = [&](MfaErrorKind kind, std::string text) {
    return MfaError(kind, std::move(text), std::string(row.word) + ": " + error.message);
  };
  switch (row.factors) {
    case MfaErrorKind::not_authorized:
      return made(row.factors, prompts::no_session());
    case MfaErrorKind::not_set_up:
      return made(row.factors, prompts::factor_not_set_up());
    case MfaErrorKind::invalid_parameter:
      // The service's words differ by factor and change without notice; the request is known.
      return switched_on ? made(MfaErrorKind::not_set_up, prompts::factor_not_set_up())
                         : made(row.factors, prompts::preference_not_taken());
    case MfaErrorKind::resource_not_found:
      return made(row.factors, prompts::pool_not_found());
    case MfaErrorKind::too_many_requests:
      return made(row.factors, error.kind == ErrorKind::too_many_requests
                                   ? prompts::busy()
                                   : prompts::too_many_tries());
    case MfaErrorKind::unavailable:
      return made(row.factors, prompts::pool_unreachable());
    case MfaErrorKind::refused:
    case MfaErrorKind::failed:
      break;
  }
  return made(MfaErrorKind::failed, error.kind == ErrorKind::local_shortage
                                        ? prompts::machine_busy()
                                        : prompts::pool_failed());
}

namespace {

MfaPreferenceState state_of(const UserState& user) {
  MfaPreferenceState state;
  for (const Factor& factor : kFactors) {
    if (is_on(user, factor)) state.enabled.emplace_back(factor.name);
    if (user.preferred_factor == factor.wire_name) state.preferred = factor.name;
  }
  return state;
}

}  // namespace

bool switches_on(const cognito::MfaPreference& preference, const UserState& user) {
  return std::ranges::any_of(kFactors, [&](const Factor& factor) {
    const std::optional<FactorPreference>& change = preference.*factor.preference;
    return change && change->enabled && !is_on(user, factor);
  });
}

bool is_empty(const cognito::MfaPreference& preference) {
  return !preference.sms && !preference.totp && !preference.email;
}

std::optional<MfaPreferenceValue> mfa_preference_value(std::string_view word) {
  if (word == "ENABLED") return Value::enabled;
  if (word == "DISABLED") return Value::disabled;
  if (word == "PREFERRED") return Value::preferred;
  if (word == "NOT_PREFERRED") return Value::not_preferred;
  return std::nullopt;
}

std::optional<PreferredMfa> preferred_mfa(std::string_view word) {
  if (word == "TOTP" || word == "SOFTWARE_TOKEN_MFA") return PreferredMfa::totp;
  if (word == "SMS" || word == "SMS_MFA") return PreferredMfa::sms;
  if (word == "EMAIL" || word == "EMAIL_OTP") return PreferredMfa::email;
  if (word == "NOMFA") return PreferredMfa::none;
  return std::nullopt;
}

MfaResult<cognito::MfaPreference> mfa_preference_of(const MfaPreferenceUpdate& update,
                                                    const UserState& user,
                                                    const policy::MfaConfig& mfa) {
  const auto prefers = [&update](const Factor& factor) {
    return update.*factor.update == Value::preferred;
  };
  const auto preferred = std::ranges::count_if(kFactors, prefers);
  if (preferred > 1)
    return std::unexpected(
        MfaError(MfaErrorKind::invalid_parameter, prompts::one_preferred_only()));

  cognito::MfaPreference preference;
  bool takes_one_away = false;
  // A custom challenge is not a factor of the account, and cannot be switched off.
  bool has_accepted = accepts(mfa, Method::custom);
  for (const Factor& factor : kFactors) {
    const FactorPreference before = present(user, factor);
    const FactorPreference after =
        wanted(before, update.*factor.update, preferred > 0 && !prefers(factor));
    if (after.enabled != before.enabled || after.preferred != before.preferred)
      preference.*factor.preference = after;
    takes_one_away |= before.enabled && !after.enabled;
    has_accepted |= after.enabled && accepts(mfa, factor.method);
  }
  if (mfa.require && takes_one_away && !has_accepted)
    return std::unexpected(
        MfaError(MfaErrorKind::refused, prompts::factor_would_be_missing(mfa.methods)));
  return preference;
}

bool prefers_two(const MfaPreferenceUpdate& update) {
  return std::ranges::count_if(kFactors, [&](const Factor& factor) {
           return update.*factor.update == Value::preferred;
         }) > 1;
}

MfaPreferenceUpdate update_for(PreferredMfa preferred, const UserState& user) {
  MfaPreferenceUpdate update;
  switch (preferred) {
    case PreferredMfa::totp:
      update.totp = Value::preferred;
      break;
    case PreferredMfa::sms:
      update.sms = Value::preferred;
      break;
    case PreferredMfa::email:
      update.email = Value::preferred;
      break;
    case PreferredMfa::none:
      for (const Factor& factor : kFactors)
        if (is_on(user, factor)) update.*factor.update = Value::disabled;
      break;
  }
  return update;
}

MfaResult<cognito::MfaPreference> preference_for(const FactorChange& change, const UserState& user,
                                                 const policy::MfaConfig& mfa) {
  const auto* const preferred = std::get_if<PreferredMfa>(&change);
  if (preferred != nullptr) return mfa_preference_of(update_for(*preferred, user), user, mfa);
  const auto* const update = std::get_if<MfaPreferenceUpdate>(&change);
  return mfa_preference_of(update == nullptr ? MfaPreferenceUpdate() : *update, user, mfa);
}

void MfaPreferences::configure(std::shared_ptr<const policy::Config> config,
                               std::shared_ptr<cognito::UserPool> pool) {
  if (pool != pool_) cached_.clear();
  config_ = std::move(config);
  pool_ = std::move(pool);
}

void MfaPreferences::forget(std::string_view user) {
  const auto found = cached_.find(user);
  if (found != cached_.end()) cached_.erase(found);
}

// Uses the first session that is still good: the pool may have ended one of them.
Task<MfaResult<UserState>> MfaPreferences::get_user(std::string user, cognito::Call call) {
  const std::shared_ptr<cognito::UserPool> pool = pool_;  // a reload may put another in its place
  std::vector<SignInId> ids;
  for (const Session& session : sessions_.sessions_of(user)) ids.push_back(session.id);
  MfaError error(MfaErrorKind::not_authorized, prompts::no_session());
  for (const SignInId& id : ids) {
    std::expected<std::string, AccountVerdict> token = co_await sessions_.access_token(id, call);
    if (!token) {
      error = error_of(token.error());
      if (error.kind == MfaErrorKind::not_authorized) continue;
      co_return std::unexpected(std::move(error));
    }
    PoolResult<UserState> state = co_await pool->get_user(std::move(*token), call);
    if (!state) co_return std::unexpected(mfa_error_of(state.error(), false));
    co_return std::move(*state);
  }
  co_return std::unexpected(std::move(error));
}

Task<MfaResult<MfaPreferenceState>> MfaPreferences::fetch(std::string user, bool bypass_cache,
                                                          cognito::Call call) {
  if (!config_ || !pool_ || sessions_.sessions_of(user).empty())
    co_return std::unexpected(MfaError(MfaErrorKind::not_authorized, prompts::no_session()));
  const runtime::BootTime now = clock_.boot_time();
  const auto cached = cached_.find(user);
  // Each question to the pool costs two calls of a quota that all users share: a loop must not ask
  // it without a pause.
  constexpr std::chrono::seconds pause{2};
  const std::chrono::seconds fresh = bypass_cache ? pause : config_->session.revalidate;
  if (cached != cached_.end() && now - cached->second.fetched < fresh)
    co_return cached->second.state;
  MfaResult<UserState> state = co_await get_user(user, call);
  if (!state) {
    forget(user);
    co_return std::unexpected(std::move(state.error()));
  }
  if (cached_.size() >= kMaxCached) cached_.clear();
  Cached fetched{state_of(*state), now};
  MfaPreferenceState answer = fetched.state;
  cached_.insert_or_assign(std::move(user), std::move(fetched));
  co_return answer;
}

}  // namespace pamcognito::sign_in
