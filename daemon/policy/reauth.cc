#include "daemon/policy/reauth.h"

#include <algorithm>

namespace pamcognito::policy {
namespace {

using cognito::AccountVerdict;

constexpr ReauthVerdict full(std::string_view reason) {
  return {Reauth::full, false, reason};
}

// The session is of another login than the request.
std::string_view objection_to_other_login(const ReauthQuestion& question) {
  // The configuration has no other mode with origin; this holds if it ever does.
  if (question.from != ReauthFrom::origin || question.mode != Reauth::password)
    return "other-login";
  return origin_objection(question.origin);
}

// The reason for which the session cannot replace a sign-in, even if the pool confirms it; empty:
// none.
std::string_view objection(const ReauthQuestion& question) {
  if (question.mode == Reauth::full) return "service-wants-full";
  // A user's own process proves nothing about who sits in front of it.
  if (question.mode == Reauth::none && !question.caller_is_root) return "none-is-for-root-callers";
  if (!question.alive) return "session-over";
  if (!question.permitted) return "not-permitted";
  if (question.caller_is_root && !question.same_login) {
    const std::string_view reason = objection_to_other_login(question);
    if (!reason.empty()) return reason;
  }
  if (question.mfa_required && !question.factor) return "no-factor";
  if (question.mfa_required && !question.factor_accepted) return "factor-not-accepted";
  if (!is_within(question.sign_in_age, question.mfa_max_age)) return "factor-too-old";
  if (question.mode == Reauth::password && !question.has_verifier) return "no-verifier";
  return {};
}

}  // namespace

ReauthVerdict decide_reauth(const ReauthQuestion& question) {
  if (const std::string_view reason = objection(question); !reason.empty()) return full(reason);
  const bool fresh = question.verification == Freshness::fresh;
  if (!question.pool)
    return fresh ? ReauthVerdict{question.mode, false, "fresh"}
                 : ReauthVerdict{question.mode, true, "stale"};
  switch (*question.pool) {
    case AccountVerdict::good:
      return {question.mode, false, "pool-said-yes"};
    case AccountVerdict::unreachable:
      if (fresh) return {question.mode, false, "fresh"};
      return question.verification == Freshness::in_grace
                 ? ReauthVerdict{question.mode, false, "unreachable-within-grace"}
                 : full("unreachable");
    case AccountVerdict::undecided:
      return full("undecided");
    case AccountVerdict::session_over:
    case AccountVerdict::disabled:
    case AccountVerdict::reset_required:
      return full("pool-said-no");
  }
  return full("not-understood");
}

ReauthRule reauth_rule(const Config& config, std::string_view service) {
  ReauthRule rule;
  const auto found = config.services.find(service);
  if (found == config.services.end()) return rule;
  rule.mode = found->second.reauth.value_or(rule.mode);
  rule.mfa_max_age = found->second.mfa_max_age.value_or(rule.mfa_max_age);
  rule.from = found->second.reauth_from.value_or(rule.from);
  return rule;
}

std::chrono::seconds longest_origin_age(const Config& config) {
  std::chrono::seconds longest{0};
  for (const auto& [name, service] : config.services) {
    const ReauthRule rule = reauth_rule(config, name);
    if (rule.from == ReauthFrom::origin) longest = std::max(longest, rule.mfa_max_age);
  }
  return longest;
}

bool wants_password_verifiers(const Config& config) {
  // Without sessions there is no place for a verifier, and no sign-in that it could replace.
  return config.session.lifetime > std::chrono::seconds::zero() &&
         std::ranges::any_of(config.services, [](const auto& service) {
           return service.second.reauth == Reauth::password;
         });
}

std::string_view to_string(Reauth mode) {
  switch (mode) {
    case Reauth::full:
      return "full";
    case Reauth::password:
      return "password";
    case Reauth::none:
      return "none";
  }
  return "full";
}

std::string_view to_string(ReauthFrom from) {
  return from == ReauthFrom::origin ? "origin" : "login";
}

}  // namespace pamcognito::policy
