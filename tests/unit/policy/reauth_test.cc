#include "daemon/policy/reauth.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::policy;
using pamcognito::cognito::AccountVerdict;
using pamcognito::cognito::Method;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A session that is good for everything, asked for by root from the same login.
ReauthQuestion good(Reauth mode) {
  ReauthQuestion question;
  question.mode = mode;
  question.mfa_max_age = hours(1);
  question.caller_is_root = true;
  question.same_login = true;
  question.alive = true;
  question.permitted = true;
  question.mfa_required = true;
  question.factor = Method::totp;
  question.factor_accepted = true;
  question.sign_in_age = minutes(10);
  question.has_verifier = true;
  question.verification = Freshness::fresh;
  return question;
}

struct Case {
  const char* name;
  Reauth mode;
  void (*change)(ReauthQuestion& question);
  Reauth kind;
  bool ask_pool;
  const char* reason;
};

// One row for each thing that matters, and what must come of it.
constexpr std::array kCases = {
    Case{"sudo soon after the login", Reauth::none, [](ReauthQuestion&) {}, Reauth::none, false,
         "fresh"},
    Case{"sudo with a password", Reauth::password, [](ReauthQuestion&) {}, Reauth::password, false,
         "fresh"},
    Case{"the service says full", Reauth::full, [](ReauthQuestion&) {}, Reauth::full, false,
         "service-wants-full"},
    Case{"su inside another's session", Reauth::none,
         [](ReauthQuestion& q) { q.same_login = false; }, Reauth::full, false, "other-login"},
    Case{"a password from another login", Reauth::password,
         [](ReauthQuestion& q) { q.same_login = false; }, Reauth::full, false, "other-login"},
    Case{"a locker of the user itself", Reauth::password,
         [](ReauthQuestion& q) { q.caller_is_root = q.same_login = false; }, Reauth::password,
         false, "fresh"},
    Case{"a user's process never goes without", Reauth::none,
         [](ReauthQuestion& q) { q.caller_is_root = false; }, Reauth::full, false,
         "none-is-for-root-callers"},
    Case{"after its lifetime", Reauth::none, [](ReauthQuestion& q) { q.alive = false; },
         Reauth::full, false, "session-over"},
    Case{"no longer in the group", Reauth::none, [](ReauthQuestion& q) { q.permitted = false; },
         Reauth::full, false, "not-permitted"},
    Case{"a sign-in without a factor", Reauth::none,
         [](ReauthQuestion& q) {
           q.factor = std::nullopt;
           q.factor_accepted = false;
         },
         Reauth::full, false, "no-factor"},
    Case{"where no factor is required", Reauth::none,
         [](ReauthQuestion& q) {
           q.factor = std::nullopt;
           q.factor_accepted = q.mfa_required = false;
         },
         Reauth::none, false, "fresh"},
    Case{"its age counts there too", Reauth::none,
         [](ReauthQuestion& q) {
           q.factor = std::nullopt;
           q.factor_accepted = q.mfa_required = false;
           q.sign_in_age = hours(1);
         },
         Reauth::full, false, "factor-too-old"},
    Case{"a factor that methods lacks now", Reauth::none,
         [](ReauthQuestion& q) { q.factor_accepted = false; }, Reauth::full, false,
         "factor-not-accepted"},
    Case{"a second before the hour", Reauth::none,
         [](ReauthQuestion& q) { q.sign_in_age = hours(1) - seconds(1); }, Reauth::none, false,
         "fresh"},
    Case{"at the hour", Reauth::none, [](ReauthQuestion& q) { q.sign_in_age = hours(1); },
         Reauth::full, false, "factor-too-old"},
    Case{"mfa_max_age = 0 is never met", Reauth::none,
         [](ReauthQuestion& q) { q.sign_in_age = q.mfa_max_age = seconds(0); }, Reauth::full, false,
         "factor-too-old"},
    Case{"a clock that went back", Reauth::none,
         [](ReauthQuestion& q) { q.sign_in_age = seconds(-1); }, Reauth::full, false,
         "factor-too-old"},
    Case{"no verifier, or five failures", Reauth::password,
         [](ReauthQuestion& q) { q.has_verifier = false; }, Reauth::full, false, "no-verifier"},
    Case{"none needs no verifier", Reauth::none, [](ReauthQuestion& q) { q.has_verifier = false; },
         Reauth::none, false, "fresh"},
    Case{"stale: the pool is asked", Reauth::none,
         [](ReauthQuestion& q) { q.verification = Freshness::stale; }, Reauth::none, true, "stale"},
    Case{"in the grace the pool is asked too", Reauth::password,
         [](ReauthQuestion& q) { q.verification = Freshness::in_grace; }, Reauth::password, true,
         "stale"},
    Case{"stale, and the pool said yes", Reauth::none,
         [](ReauthQuestion& q) {
           q.verification = Freshness::stale;
           q.pool = AccountVerdict::good;
         },
         Reauth::none, false, "pool-said-yes"},
    Case{"the pool said no", Reauth::none,
         [](ReauthQuestion& q) {
           q.verification = Freshness::stale;
           q.pool = AccountVerdict::session_over;
         },
         Reauth::full, false, "pool-said-no"},
    Case{"the pool said no, of a fresh one", Reauth::none,
         [](ReauthQuestion& q) { q.pool = AccountVerdict::session_over; }, Reauth::full, false,
         "pool-said-no"},
    Case{"undecided is no grace", Reauth::none,
         [](ReauthQuestion& q) {
           q.verification = Freshness::stale;
           q.pool = AccountVerdict::undecided;
         },
         Reauth::full, false, "undecided"},
    Case{"unreachable within the grace", Reauth::none,
         [](ReauthQuestion& q) {
           q.verification = Freshness::in_grace;
           q.pool = AccountVerdict::unreachable;
         },
         Reauth::none, false, "unreachable-within-grace"},
    Case{"unreachable beyond the grace", Reauth::none,
         [](ReauthQuestion& q) {
           q.verification = Freshness::stale;
           q.pool = AccountVerdict::unreachable;
         },
         Reauth::full, false, "unreachable"},
    Case{"unreachable, but fresh after all", Reauth::none,
         [](ReauthQuestion& q) { q.pool = AccountVerdict::unreachable; }, Reauth::none, false,
         "fresh"},
    Case{"a yes does not heal an old factor", Reauth::none,
         [](ReauthQuestion& q) {
           q.sign_in_age = hours(2);
           q.pool = AccountVerdict::good;
         },
         Reauth::full, false, "factor-too-old"},
};

void the_cases_that_matter(void**) {
  for (const Case& c : kCases) {
    ReauthQuestion question = good(c.mode);
    c.change(question);
    const ReauthVerdict verdict = decide_reauth(question);
    if (verdict.kind != c.kind || verdict.ask_pool != c.ask_pool || verdict.reason != c.reason) {
      fail_msg("%s: %s, %s", c.name, std::string(to_string(verdict.kind)).c_str(),
               std::string(verdict.reason).c_str());
    }
  }
}

// The rules once more, the other way round: every reason to ask for all of it. None: the mode.
std::vector<std::string> reasons_for_full(const ReauthQuestion& q) {
  std::vector<std::string> reasons;
  const auto when = [&](bool holds, const char* reason) {
    if (holds) reasons.emplace_back(reason);
  };
  when(q.mode != Reauth::password && q.mode != Reauth::none, "the service");
  when(q.mode == Reauth::none && !q.caller_is_root, "the user's own process goes without");
  when(q.caller_is_root && !q.same_login, "root speaks for another login");
  when(!q.alive, "over");
  when(!q.permitted, "not allowed");
  when(q.mfa_required && !(q.factor && q.factor_accepted), "the factor");
  when(!(q.sign_in_age >= seconds(0) && q.sign_in_age < q.mfa_max_age), "its age");
  when(q.mode == Reauth::password && !q.has_verifier, "nothing to check the password with");
  when(q.pool && *q.pool != AccountVerdict::good && *q.pool != AccountVerdict::unreachable,
       "what the pool said");
  when(q.pool == AccountVerdict::unreachable && q.verification == Freshness::stale,
       "nothing was said for too long");
  return reasons;
}

struct Walk {
  unsigned long cases = 0;
  std::set<std::string> reasons;
};

void check(const ReauthQuestion& q, Walk& walk) {
  ++walk.cases;
  const ReauthVerdict verdict = decide_reauth(q);
  walk.reasons.emplace(verdict.reason);
  const std::vector<std::string> reasons = reasons_for_full(q);
  const Reauth kind = reasons.empty() ? q.mode : Reauth::full;
  const bool ask_pool = reasons.empty() && !q.pool && q.verification != Freshness::fresh;
  if (verdict.kind == kind && verdict.ask_pool == ask_pool && !verdict.reason.empty()) return;
  fail_msg(
      "mode %d root %d login %d alive %d permitted %d required %d factor %d accepted %d age %ld "
      "verifier %d verification %d pool %d: %s (%s), wanted %s (%s)",
      static_cast<int>(q.mode), q.caller_is_root, q.same_login, q.alive, q.permitted,
      q.mfa_required, q.factor.has_value(), q.factor_accepted,
      static_cast<long>(q.sign_in_age.count()), q.has_verifier, static_cast<int>(q.verification),
      q.pool ? static_cast<int>(*q.pool) : -1, std::string(to_string(verdict.kind)).c_str(),
      std::string(verdict.reason).c_str(), std::string(to_string(kind)).c_str(),
      reasons.empty() ? "no reason" : reasons[0].c_str());
}

void walk_pool(ReauthQuestion q, Walk& walk) {
  for (const std::optional<AccountVerdict> pool :
       {std::optional<AccountVerdict>(), std::optional(AccountVerdict::good),
        std::optional(AccountVerdict::session_over), std::optional(AccountVerdict::disabled),
        std::optional(AccountVerdict::reset_required), std::optional(AccountVerdict::unreachable),
        std::optional(AccountVerdict::undecided)}) {
    for (const Freshness verification : {Freshness::fresh, Freshness::in_grace, Freshness::stale}) {
      q.pool = pool;
      q.verification = verification;
      check(q, walk);
    }
  }
}

void every_combination_follows_the_rules(void**) {
  constexpr std::array both = {false, true};
  Walk walk;
  ReauthQuestion q;
  q.mfa_max_age = hours(1);
  for (const Reauth mode : {Reauth::full, Reauth::password, Reauth::none}) {
    for (unsigned bits = 0; bits < 128; ++bits) {
      const auto bit = [&](unsigned n) { return (bits >> n & 1U) != 0; };
      q.mode = mode;
      q.caller_is_root = bit(0);
      q.same_login = bit(1);
      q.alive = bit(2);
      q.permitted = bit(3);
      q.mfa_required = bit(4);
      q.factor_accepted = bit(5);
      q.has_verifier = bit(6);
      for (const bool factor : both) {
        q.factor = factor ? std::optional(Method::sms) : std::nullopt;
        for (const seconds age : {seconds(0), seconds(3599), seconds(3600), seconds(3601)}) {
          q.sign_in_age = age;
          walk_pool(q, walk);
        }
      }
    }
  }
  assert_int_equal(walk.cases, 3UL * 128 * 2 * 4 * 7 * 3);
  // Each reason was met, so none of the walk is idle.
  assert_int_equal(walk.reasons.size(), 16);
}

void nothing_known_is_full(void**) {
  assert_true(decide_reauth(ReauthQuestion()).kind == Reauth::full);
  assert_false(decide_reauth(ReauthQuestion()).ask_pool);
}

void the_rule_is_the_services(void**) {
  Config config;
  config.services["sudo"].reauth = Reauth::none;
  config.services["sudo"].mfa_max_age = minutes(5);
  config.services["login"].mfa_max_age = minutes(7);
  assert_true(reauth_rule(config, "sudo").mode == Reauth::none);
  assert_true(reauth_rule(config, "sudo").mfa_max_age == minutes(5));
  assert_true(reauth_rule(config, "login").mode == Reauth::full);
  assert_true(reauth_rule(config, "sshd").mode == Reauth::full);
  assert_true(reauth_rule(config, "sshd").mfa_max_age == hours(1));
}

void verifiers_are_for_passwords_of_sessions(void**) {
  Config config;
  assert_false(wants_password_verifiers(config));
  config.services["sudo"].reauth = Reauth::none;
  assert_false(wants_password_verifiers(config));
  config.services["su"].reauth = Reauth::password;
  assert_true(wants_password_verifiers(config));
  config.session.lifetime = seconds(0);
  assert_false(wants_password_verifiers(config));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_cases_that_matter),
      cmocka_unit_test(every_combination_follows_the_rules),
      cmocka_unit_test(nothing_known_is_full),
      cmocka_unit_test(the_rule_is_the_services),
      cmocka_unit_test(verifiers_are_for_passwords_of_sessions),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
