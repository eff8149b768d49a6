#include "daemon/sign_in/mfa_preference.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scripted.h"

// The meaning of Amplify's calls, as a table; and how factors are read. The changes themselves are
// in change_factors_test.cc.
namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using cognito::Method;
using sessions::Session;
using sign_in::MfaErrorKind;
using sign_in::MfaPreferences;
using sign_in::MfaPreferenceUpdate;
using sign_in::PreferredMfa;
using Value = sign_in::MfaPreferenceValue;
using namespace std::chrono_literals;

cognito::UserState account(std::vector<std::string> enabled, std::string preferred = {}) {
  cognito::UserState user;
  user.enabled_factors = std::move(enabled);
  user.preferred_factor = std::move(preferred);
  return user;
}

std::string word(const std::optional<cognito::FactorPreference>& factor) {
  if (!factor) return "-";
  return factor->preferred ? (factor->enabled ? "first" : "wrong") : factor->enabled ? "on" : "off";
}

// "sms totp email", each "-" where nothing is sent.
std::string words(const cognito::MfaPreference& preference) {
  return word(preference.sms) + " " + word(preference.totp) + " " + word(preference.email);
}

const std::string kSms = "SMS_MFA";
const std::string kTotp = "SOFTWARE_TOKEN_MFA";
const std::string kEmail = "EMAIL_OTP";

struct Conversion {
  const char* row;
  std::vector<std::string> enabled;
  std::string preferred;
  MfaPreferenceUpdate update;
  const char* sent;
};

const std::vector<Conversion> kConversions = {
    {"nothing asked for: nothing sent", {kTotp}, kTotp, {}, "- - -"},
    {"PREFERRED where none is", {kTotp}, "", {.totp = Value::preferred}, "- first -"},
    {"PREFERRED switches on", {kTotp}, kTotp, {.sms = Value::preferred}, "first on -"},
    {"PREFERRED takes it from the one before",
     {kSms, kTotp},
     kTotp,
     {.sms = Value::preferred},
     "first on -"},
    {"PREFERRED already: nothing sent", {kTotp}, kTotp, {.totp = Value::preferred}, "- - -"},
    {"ENABLED keeps the preference of another", {kTotp}, kTotp, {.sms = Value::enabled}, "on - -"},
    {"ENABLED keeps its own preference", {kTotp}, kTotp, {.totp = Value::enabled}, "- - -"},
    {"ENABLED already: nothing sent", {kSms, kTotp}, kTotp, {.sms = Value::enabled}, "- - -"},
    {"NOT_PREFERRED clears its preference and stays on",
     {kSms, kTotp},
     kTotp,
     {.totp = Value::not_preferred},
     "- on -"},
    {"NOT_PREFERRED switches on", {kTotp}, kTotp, {.email = Value::not_preferred}, "- - on"},
    {"DISABLED", {kSms, kTotp}, kTotp, {.sms = Value::disabled}, "off - -"},
    {"DISABLED of the preferred one", {kSms, kTotp}, kTotp, {.totp = Value::disabled}, "- off -"},
    {"DISABLED of what was never set up: nothing sent",
     {kTotp},
     kTotp,
     {.sms = Value::disabled, .email = Value::disabled},
     "- - -"},
    {"one PREFERRED, another DISABLED",
     {kSms, kTotp},
     kSms,
     {.sms = Value::disabled, .totp = Value::preferred},
     "off first -"},
    {"one PREFERRED, another ENABLED that was it",
     {kSms, kTotp},
     kSms,
     {.sms = Value::enabled, .totp = Value::preferred},
     "on first -"},
    {"all three",
     {kSms, kTotp, kEmail},
     kEmail,
     {.sms = Value::preferred, .totp = Value::not_preferred, .email = Value::disabled},
     "first - off"},
    {"a factor that is not known here is left alone",
     {kTotp, "A_NEW_FACTOR"},
     "A_NEW_FACTOR",
     {.totp = Value::preferred},
     "- first -"},
};

void a_conversion(void** state) {
  const auto& row = row_of<Conversion>(state);
  const auto preference =
      mfa_preference_of(row.update, account(row.enabled, row.preferred), policy::MfaConfig{});
  assert_true(preference.has_value());
  assert_text(words(*preference), row.sent);
}

void two_preferred_are_refused(void**) {
  const MfaPreferenceUpdate update{.sms = Value::preferred, .totp = Value::preferred, .email = {}};
  const auto result = mfa_preference_of(update, account({kSms, kTotp}), policy::MfaConfig{});
  assert_false(result.has_value());
  assert_true(result.error().kind == MfaErrorKind::invalid_parameter);
  assert_text(result.error().message, prompts::one_preferred_only());
}

// A change that takes a factor away, where a factor is required.
struct Removal {
  const char* row;
  std::vector<std::string> enabled;
  std::vector<Method> methods;
  bool require;
  MfaPreferenceUpdate update;
  bool refused;
};

const std::vector<Removal> kRemovals = {
    {"the only one", {kTotp}, {Method::totp}, true, {.totp = Value::disabled}, true},
    {"all of them",
     {kSms, kTotp},
     {Method::totp, Method::sms},
     true,
     {.sms = Value::disabled, .totp = Value::disabled},
     true},
    {"one of two",
     {kSms, kTotp},
     {Method::totp, Method::sms},
     true,
     {.sms = Value::disabled},
     false},
    {"the only accepted one of two",
     {kSms, kTotp},
     {Method::totp},
     true,
     {.totp = Value::disabled},
     true},
    {"the one that is not accepted",
     {kSms, kTotp},
     {Method::totp},
     true,
     {.sms = Value::disabled},
     false},
    {"the only one for another",
     {kTotp},
     {Method::totp, Method::sms},
     true,
     {.sms = Value::preferred, .totp = Value::disabled},
     false},
    {"the only one for one that is not accepted",
     {kTotp},
     {Method::totp},
     true,
     {.sms = Value::preferred, .totp = Value::disabled},
     true},
    {"the only one, where none is required",
     {kTotp},
     {Method::totp},
     false,
     {.totp = Value::disabled},
     false},
    {"the only one, where a custom challenge does",
     {kTotp},
     {Method::totp, Method::custom},
     true,
     {.totp = Value::disabled},
     false},
    {"one more, where none is accepted yet",
     {kSms},
     {Method::totp},
     true,
     {.email = Value::enabled},
     false},
    {"nothing in truth", {kTotp}, {Method::totp}, true, {.sms = Value::disabled}, false},
};

void a_removal(void** state) {
  const auto& row = row_of<Removal>(state);
  policy::MfaConfig mfa;
  mfa.require = row.require;
  mfa.methods = row.methods;
  const auto result = mfa_preference_of(row.update, account(row.enabled), mfa);
  assert_true(result.has_value() != row.refused);
  if (result) return;
  assert_true(result.error().kind == MfaErrorKind::refused);
  assert_text(result.error().message, prompts::factor_would_be_missing(row.methods));
  assert_true(result.error().message.contains(prompts::method_name(row.methods[0])));
}

void the_words_are_amplifys(void**) {
  using sign_in::mfa_preference_value;
  using sign_in::preferred_mfa;
  assert_true(mfa_preference_value("ENABLED") == Value::enabled);
  assert_true(mfa_preference_value("DISABLED") == Value::disabled);
  assert_true(mfa_preference_value("PREFERRED") == Value::preferred);
  assert_true(mfa_preference_value("NOT_PREFERRED") == Value::not_preferred);
  assert_true(preferred_mfa("TOTP") == PreferredMfa::totp);
  assert_true(preferred_mfa("SMS") == PreferredMfa::sms);
  assert_true(preferred_mfa("EMAIL") == PreferredMfa::email);
  assert_true(preferred_mfa("NOMFA") == PreferredMfa::none);
  for (const char* other : {"", "enabled", "ENABLED ", "NOMFA\n"}) {
    assert_false(mfa_preference_value(other).has_value());
    assert_false(preferred_mfa(other).has_value());
  }
}

void nomfa_switches_off_what_is_on(void**) {
  policy::MfaConfig mfa;
  mfa.require = false;
  const auto user = account({kSms, kTotp}, kSms);
  const auto off = mfa_preference_of(update_for(PreferredMfa::none, user), user, mfa);
  assert_text(words(*off), "off off -");
  const auto nothing = account({});
  const auto none = mfa_preference_of(update_for(PreferredMfa::none, nothing), nothing, mfa);
  assert_text(words(*none), "- - -");
}

void more_than_one_preferred_is_seen_at_once(void**) {
  assert_true(sign_in::prefers_two({.sms = Value::preferred, .totp = Value::preferred}));
  assert_false(sign_in::prefers_two({.sms = Value::enabled, .totp = Value::preferred}));
  assert_false(sign_in::prefers_two({}));
}

// alice has signed in with TOTP a minute ago.
struct Signed {
  Signed() : preferences(*world.keeper, world.clock) {
    (void)world.services();
    preferences.configure(world.config,
                          std::shared_ptr<cognito::UserPool>(std::shared_ptr<void>(), &world.pool));
    session = world.new_session();
    world.put(session);
    world.pool.user = account({kSms, kTotp}, kTotp);
    world.clock.advance(1min);
  }
  [[nodiscard]] cognito::Call call() { return world.clock.now() + 7s; }

  auto fetch(bool bypass_cache) {
    return *world.drive(preferences.fetch("alice", bypass_cache, call()));
  }

  World world;
  MfaPreferences preferences;
  Session session;
};

void what_is_enabled_is_fetched(void**) {
  Signed person;
  person.world.pool.user = account({kTotp, "A_NEW_FACTOR", kSms, kEmail}, kEmail);
  const auto state = person.fetch(false);
  assert_true(state->enabled == (std::vector<std::string>{"SMS", "TOTP", "EMAIL"}));
  assert_text(state->preferred, "EMAIL");
  person.world.pool.user = account({}, "A_NEW_FACTOR");
  person.world.clock.advance(std::chrono::seconds(2));
  const auto none = person.fetch(true);
  assert_true(none->enabled.empty());
  assert_text(none->preferred, "");
}

void it_is_cached_for_as_long_as_a_session_is_fresh(void**) {
  Signed person;
  (void)person.fetch(false);
  person.world.pool.user = account({kSms}, kSms);
  assert_text(person.fetch(false)->preferred, "TOTP");
  assert_text(person.fetch(true)->preferred, "TOTP");  // no loop asks the pool without a pause
  assert_int_equal(person.world.calls_of("get_user"), 1);
  person.world.clock.advance(std::chrono::seconds(2));
  assert_text(person.fetch(true)->preferred, "SMS");
  assert_int_equal(person.world.calls_of("get_user"), 2);

  person.world.pool.user = account({kTotp}, kTotp);
  person.world.clock.advance(person.world.config->session.revalidate);
  assert_text(person.fetch(false)->preferred, "TOTP");
}

void what_is_forgotten_is_asked_for_again(void**) {
  Signed person;
  (void)person.fetch(false);
  person.preferences.forget("bob");
  person.world.pool.user.preferred_factor = kSms;
  assert_text(person.fetch(true)->preferred, "TOTP");
  person.preferences.forget("alice");
  assert_text(person.fetch(false)->preferred, "SMS");
}

void nothing_is_fetched_without_a_session(void**) {
  Signed person;
  (void)person.fetch(false);
  (void)person.world.keeper->end_all("alice", "test");
  const auto state = person.fetch(false);
  assert_true(state.error().kind == MfaErrorKind::not_authorized);
  assert_text(state.error().message, prompts::no_session());
}

void a_session_that_the_pool_ended_gives_way_to_the_next(void**) {
  Signed person;
  Session newer = person.world.new_session();
  newer.binding.audit_session = 9;
  person.world.put(newer);
  person.world.pool.fail("refresh", ErrorKind::not_authorized, "Refresh Token has been revoked");
  assert_text(person.fetch(false)->preferred, "TOTP");
  assert_false(person.world.store->find(newer.id).has_value());
}

struct Trouble {
  const char* row;
  const char* operation;
  ErrorKind error;
  MfaErrorKind kind;
};

constexpr Trouble kTroubles[] = {
    {"the refresh is refused", "refresh", ErrorKind::not_authorized, MfaErrorKind::not_authorized},
    {"the pool is away", "refresh", ErrorKind::unreachable, MfaErrorKind::unavailable},
    {"no connection", "get_user", ErrorKind::not_connected, MfaErrorKind::unavailable},
    {"the pool did not say", "refresh", ErrorKind::too_many_requests, MfaErrorKind::failed},
    {"a shortage here", "get_user", ErrorKind::local_shortage, MfaErrorKind::failed},
    {"locked", "get_user", ErrorKind::attempts_exceeded, MfaErrorKind::too_many_requests},
    {"the token is over", "get_user", ErrorKind::not_authorized, MfaErrorKind::not_authorized},
    {"no such pool", "get_user", ErrorKind::resource_not_found, MfaErrorKind::resource_not_found},
    {"the account is gone", "get_user", ErrorKind::user_not_found, MfaErrorKind::not_authorized},
    {"a fault", "get_user", ErrorKind::internal_error, MfaErrorKind::failed},
    {"no answer", "get_user", ErrorKind::timed_out, MfaErrorKind::unavailable},
};

void an_error_says_what_to_do(void** state) {
  const auto& trouble = row_of<Trouble>(state);
  Signed person;
  person.world.pool.fail(trouble.operation, trouble.error, "raw text of the pool");
  const auto result = person.fetch(true);
  assert_false(result.has_value());
  assert_int_equal(static_cast<int>(result.error().kind), static_cast<int>(trouble.kind));
  assert_false(result.error().message.empty());
  assert_false(result.error().message.contains("raw text"));
}

void no_error_at_any_call_is_a_success(void**) {
  for (std::size_t call = 0; call < 3; ++call) {
    for (const cognito::ErrorRow& row : cognito::error_rows()) {
      Signed person;
      person.world.pool.fault_at = call;
      person.world.pool.fault = cognito::PoolError(row.kind, "raw text of the pool");
      const auto result = person.fetch(true);
      assert_false(result.has_value());
      assert_false(result.error().message.contains("raw text"));
    }
  }
}

void an_unconfigured_daemon_reads_nothing(void**) {
  Signed person;
  person.preferences.configure(nullptr, nullptr);
  assert_true(person.fetch(false).error().kind == MfaErrorKind::not_authorized);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  tests.add({
      cmocka_unit_test(two_preferred_are_refused),
      cmocka_unit_test(the_words_are_amplifys),
      cmocka_unit_test(nomfa_switches_off_what_is_on),
      cmocka_unit_test(more_than_one_preferred_is_seen_at_once),
      cmocka_unit_test(what_is_enabled_is_fetched),
      cmocka_unit_test(it_is_cached_for_as_long_as_a_session_is_fresh),
      cmocka_unit_test(what_is_forgotten_is_asked_for_again),
      cmocka_unit_test(nothing_is_fetched_without_a_session),
      cmocka_unit_test(a_session_that_the_pool_ended_gives_way_to_the_next),
      cmocka_unit_test(no_error_at_any_call_is_a_success),
      cmocka_unit_test(an_unconfigured_daemon_reads_nothing),
  });
  for (const Conversion& row : kConversions)
    tests.add(std::string("a conversion: ") + row.row, a_conversion, row);
  for (const Removal& row : kRemovals)
    tests.add(std::string("a removal: ") + row.row, a_removal, row);
  for (const Trouble& row : kTroubles)
    tests.add(std::string("trouble: ") + row.row, an_error_says_what_to_do, row);
  return tests.run("mfa_preference");
}
