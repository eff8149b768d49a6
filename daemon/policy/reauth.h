#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "daemon/cognito/error_table.h"
#include "daemon/policy/config.h"
#include "daemon/policy/freshness.h"
#include "daemon/policy/reauth_origin.h"

namespace pamcognito::policy {

// The facts that decide whether a session replaces a sign-in.
struct ReauthQuestion {
  Reauth mode = Reauth::full;           // of the service
  std::chrono::seconds mfa_max_age{};   // of the service
  bool caller_is_root = false;          // a PAM host that runs as root; else the user's own process
  bool same_login = false;              // the session's login is the request's
  ReauthFrom from = ReauthFrom::login;  // of the service
  OriginQuestion origin;                // for ReauthFrom::origin, if it is not the same login
  bool alive = false;                   // younger than [session] lifetime, and of this pool
  bool permitted = false;               // access_permitted() for the service
  bool mfa_required = true;             // [mfa] require
  std::optional<cognito::Method> factor;   // that the session's sign-in gave
  bool factor_accepted = false;            // `methods` has it
  std::chrono::nanoseconds sign_in_age{};  // of the sign-in, and so of its factor
  bool has_verifier = false;
  Freshness verification = Freshness::stale;    // of the pool's last word on the account
  std::optional<cognito::AccountVerdict> pool;  // if the pool was asked just now
};

struct ReauthVerdict {
  Reauth kind = Reauth::full;  // full: as if there were no session
  bool ask_pool = false;       // the kind holds only after the pool was asked; never with full
  // A stable word, for the log and `cognitoctl policy test`. With full: service-wants-full,
  // none-is-for-root-callers, session-over, not-permitted, other-login, no-factor,
  // factor-not-accepted, factor-too-old, no-verifier, pool-said-no, undecided, unreachable, or one
  // of origin_objection(). With the other kinds: fresh, stale (ask_pool), pool-said-yes,
  // unreachable-within-grace.
  std::string_view reason;
};

// A pure function. Fails closed: a fact that is not certain leads to `full`.
ReauthVerdict decide_reauth(const ReauthQuestion& question);

// The service's rule by configuration: full, login and 1 h if it has none.
struct ReauthRule {
  Reauth mode = Reauth::full;
  std::chrono::seconds mfa_max_age{3600};
  ReauthFrom from = ReauthFrom::login;
};
ReauthRule reauth_rule(const Config& config, std::string_view service);
// The longest mfa_max_age of a service with reauth_from = origin; 0: there is none.
std::chrono::seconds longest_origin_age(const Config& config);
// Does any service re-authenticate by password, and are there sessions, so that verifiers are made?
bool wants_password_verifiers(const Config& config);

std::string_view to_string(Reauth mode);
std::string_view to_string(ReauthFrom from);

}  // namespace pamcognito::policy
