#include "daemon/policy/reauth_origin.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/policy/reauth.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::policy;
using pamcognito::cognito::AccountVerdict;
using pamcognito::cognito::Method;
using pamcognito::runtime::AddressKind;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr char kIpv4[] = "192.0.2.7";
constexpr char kIpv6[] = "2001:db8::7";

// All answers are written by hand. A row: what is different, and the reason against it; empty: the
// session counts.
struct Row {
  const char* name;
  void (*change)(OriginQuestion& q);
  const char* reason;
};

void from(OriginQuestion& q, std::string_view address) {
  q.address = q.session_address = address;
}

constexpr Row kRows[] = {
    {"the same IPv4 address", [](OriginQuestion&) {}, ""},
    {"the same IPv6 address", [](OriginQuestion& q) { from(q, kIpv6); }, ""},
    {"an IPv6 address in another form",
     [](OriginQuestion& q) {
       q.address = "2001:0db8:0:0:0:0:0:7";
       q.session_address = kIpv6;
     },
     ""},
    {"a private address", [](OriginQuestion& q) { from(q, "10.1.2.3"); }, ""},
    {"a unique local IPv6 address", [](OriginQuestion& q) { from(q, "fd00::1"); }, ""},
    {"the address before it", [](OriginQuestion& q) { q.address = "192.0.2.6"; }, "other-address"},
    {"the same /64",
     [](OriginQuestion& q) {
       q.address = "2001:db8::8";
       q.session_address = kIpv6;
     },
     "other-address"},
    {"the last bit of an IPv6 address",
     [](OriginQuestion& q) {
       q.address = "2001:db8::6";
       q.session_address = kIpv6;
     },
     "other-address"},
    {"a session without an address", [](OriginQuestion& q) { q.session_address = ""; },
     "other-address"},
    {"a session with a name", [](OriginQuestion& q) { q.session_address = "host.example"; },
     "other-address"},

    {"no address", [](OriginQuestion& q) { from(q, ""); }, "no-address"},
    {"a name", [](OriginQuestion& q) { from(q, "host.example.com"); }, "no-address"},
    {"a name like an address", [](OriginQuestion& q) { from(q, "192.0.2.7.example"); },
     "no-address"},
    {"an IPv4 address in a short form", [](OriginQuestion& q) { from(q, "192.2.7"); },
     "no-address"},
    {"a number", [](OriginQuestion& q) { from(q, "3221225991"); }, "no-address"},
    {"a network", [](OriginQuestion& q) { from(q, "192.0.2.0/24"); }, "no-address"},
    {"a key of limits::Origin", [](OriginQuestion& q) { from(q, "host:192.0.2.7/32"); },
     "no-address"},
    {"a scope id", [](OriginQuestion& q) { from(q, "fe80::1%eth0"); }, "no-address"},
    {"a NUL", [](OriginQuestion& q) { from(q, std::string_view("192.0.2.7\0x", 11)); },
     "no-address"},
    {"a blank", [](OriginQuestion& q) { from(q, "192.0.2.7 "); }, "no-address"},
    {"an X display", [](OriginQuestion& q) { from(q, ":0"); }, "no-address"},
    {"a long text",
     [](OriginQuestion& q) {
       from(q, "1111111111111111111111111111111111111111111111111111111111111111");
     },
     "no-address"},

    {"loopback", [](OriginQuestion& q) { from(q, "127.0.0.1"); }, "local-address"},
    {"all of loopback", [](OriginQuestion& q) { from(q, "127.255.255.254"); }, "local-address"},
    {"loopback of IPv6", [](OriginQuestion& q) { from(q, "::1"); }, "local-address"},
    {"loopback mapped", [](OriginQuestion& q) { from(q, "::ffff:127.0.0.1"); }, "local-address"},
    {"loopback as a compatible address", [](OriginQuestion& q) { from(q, "::127.0.0.1"); },
     "local-address"},
    {"no host", [](OriginQuestion& q) { from(q, "0.0.0.0"); }, "local-address"},
    {"no host of IPv6", [](OriginQuestion& q) { from(q, "::"); }, "local-address"},
    {"an address of a link", [](OriginQuestion& q) { from(q, "169.254.1.2"); }, "local-address"},
    {"an address of a link, IPv6", [](OriginQuestion& q) { from(q, "fe80::1"); }, "local-address"},
    {"multicast", [](OriginQuestion& q) { from(q, "224.0.0.1"); }, "local-address"},
    {"multicast of IPv6", [](OriginQuestion& q) { from(q, "ff02::1"); }, "local-address"},
    {"broadcast", [](OriginQuestion& q) { from(q, "255.255.255.255"); }, "local-address"},
    {"an address of this machine", [](OriginQuestion& q) { q.kind = AddressKind::own; },
     "local-address"},
    {"not known whose", [](OriginQuestion& q) { q.kind = AddressKind::unknown; }, "local-address"},
    {"a container", [](OriginQuestion& q) { q.kind = AddressKind::container; },
     "container-address"},

    {"another service", [](OriginQuestion& q) { q.same_service = false; }, "other-service"},
    {"the login was closed", [](OriginQuestion& q) { q.login_open = false; }, "login-closed"},

    {"one user", [](OriginQuestion& q) { q.users = 1; }, ""},
    {"two users", [](OriginQuestion& q) { q.users = 2; }, ""},
    {"three users", [](OriginQuestion& q) { q.users = 3; }, "shared-address"},
    {"many users", [](OriginQuestion& q) { q.users = 1000; }, "shared-address"},
    {"not known how many", [](OriginQuestion& q) { q.users = std::nullopt; }, "shared-address"},
};

OriginQuestion good_origin() {
  OriginQuestion question;
  question.address = question.session_address = kIpv4;
  question.kind = AddressKind::remote;
  question.same_service = true;
  question.login_open = true;
  question.users = 1;
  return question;
}

void an_address_counts_by_the_table(void**) {
  for (const Row& row : kRows) {
    OriginQuestion question = good_origin();
    row.change(question);
    const std::string reason(origin_objection(question));
    if (reason != row.reason)
      fail_msg("%s: \"%s\", wanted \"%s\"", row.name, reason.c_str(), row.reason);
  }
}

void nothing_known_counts_for_nothing(void**) {
  assert_false(origin_objection(OriginQuestion()).empty());
}

void addresses_of_one_machine(void**) {
  assert_true(may_be_one_machine(kIpv4));
  assert_true(may_be_one_machine(kIpv6));
  for (const char* address : {"", "host.example", "127.0.0.1", "::1", "fe80::1", "0.0.0.0"})
    assert_false(may_be_one_machine(address));
}

// The whole decision: a session of another login that began from the same address.
struct Whole {
  const char* name;
  void (*change)(ReauthQuestion& q);
  Reauth kind;
  bool ask_pool;
  const char* reason;
};

constexpr Whole kWhole[] = {
    {"the second login", [](ReauthQuestion&) {}, Reauth::password, false, "fresh"},
    {"reauth_from = login", [](ReauthQuestion& q) { q.from = ReauthFrom::login; }, Reauth::full,
     false, "other-login"},
    {"reauth = none never goes by an address", [](ReauthQuestion& q) { q.mode = Reauth::none; },
     Reauth::full, false, "other-login"},
    {"reauth = full", [](ReauthQuestion& q) { q.mode = Reauth::full; }, Reauth::full, false,
     "service-wants-full"},
    {"the address is the reason", [](ReauthQuestion& q) { q.origin.login_open = false; },
     Reauth::full, false, "login-closed"},
    {"the same login needs no address",
     [](ReauthQuestion& q) {
       q.same_login = true;
       q.origin = {};
     },
     Reauth::password, false, "fresh"},
    {"the session is over: signed out, another account", [](ReauthQuestion& q) { q.alive = false; },
     Reauth::full, false, "session-over"},
    {"no longer permitted", [](ReauthQuestion& q) { q.permitted = false; }, Reauth::full, false,
     "not-permitted"},
    {"no factor was given, as by a key", [](ReauthQuestion& q) { q.factor = std::nullopt; },
     Reauth::full, false, "no-factor"},
    {"a factor that is not accepted any more", [](ReauthQuestion& q) { q.factor_accepted = false; },
     Reauth::full, false, "factor-not-accepted"},
    {"a second before mfa_max_age",
     [](ReauthQuestion& q) { q.sign_in_age = hours(1) - seconds(1); }, Reauth::password, false,
     "fresh"},
    {"at mfa_max_age", [](ReauthQuestion& q) { q.sign_in_age = hours(1); }, Reauth::full, false,
     "factor-too-old"},
    {"mfa_max_age = 0", [](ReauthQuestion& q) { q.sign_in_age = q.mfa_max_age = seconds(0); },
     Reauth::full, false, "factor-too-old"},
    {"a clock that went back", [](ReauthQuestion& q) { q.sign_in_age = -minutes(1); }, Reauth::full,
     false, "factor-too-old"},
    {"nothing to check the password with", [](ReauthQuestion& q) { q.has_verifier = false; },
     Reauth::full, false, "no-verifier"},
    {"stale: the pool is asked", [](ReauthQuestion& q) { q.verification = Freshness::stale; },
     Reauth::password, true, "stale"},
    {"disabled",
     [](ReauthQuestion& q) {
       q.verification = Freshness::stale;
       q.pool = AccountVerdict::disabled;
     },
     Reauth::full, false, "pool-said-no"},
    {"revoked",
     [](ReauthQuestion& q) {
       q.verification = Freshness::stale;
       q.pool = AccountVerdict::session_over;
     },
     Reauth::full, false, "pool-said-no"},
    {"throttled",
     [](ReauthQuestion& q) {
       q.verification = Freshness::stale;
       q.pool = AccountVerdict::undecided;
     },
     Reauth::full, false, "undecided"},
    {"unreachable, without grace",
     [](ReauthQuestion& q) {
       q.verification = Freshness::stale;
       q.pool = AccountVerdict::unreachable;
     },
     Reauth::full, false, "unreachable"},
};

void a_session_of_another_login_counts_by_the_table(void**) {
  for (const Whole& row : kWhole) {
    ReauthQuestion question;
    question.mode = Reauth::password;
    question.mfa_max_age = hours(1);
    question.caller_is_root = true;
    question.alive = question.permitted = true;
    question.factor = Method::totp;
    question.factor_accepted = true;
    question.sign_in_age = minutes(10);
    question.has_verifier = true;
    question.verification = Freshness::fresh;
    question.from = ReauthFrom::origin;
    question.origin = good_origin();
    row.change(question);
    const ReauthVerdict verdict = decide_reauth(question);
    if (verdict.kind != row.kind || verdict.ask_pool != row.ask_pool ||
        verdict.reason != row.reason)
      fail_msg("%s: %s, %s", row.name, std::string(to_string(verdict.kind)).c_str(),
               std::string(verdict.reason).c_str());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_address_counts_by_the_table),
      cmocka_unit_test(nothing_known_counts_for_nothing),
      cmocka_unit_test(addresses_of_one_machine),
      cmocka_unit_test(a_session_of_another_login_counts_by_the_table),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
