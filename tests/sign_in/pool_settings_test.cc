#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "daemon/prompts/texts.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scripted.h"

// Pool setting × user state × policy: what the pool's settings make of a user's sign-in on the
// wire, and what policy makes of that.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;
using policy::Enroll;
using sign_in::SignInResult;

// The pool's MFA setting with what the user has set up, as it shows after the first factor.
enum class Asks : std::uint8_t {
  nothing,
  totp,
  sms,
  choice,
  totp_set_up,
  email_set_up,
  sms_set_up
};

struct Pool {
  const char* row;
  Asks asks;
  std::vector<std::string> factors;  // of the account
};

const Pool kPools[] = {
    {"pool OFF, user without a factor", Asks::nothing, {}},
    {"pool OFF, user with TOTP from before", Asks::nothing, {"SOFTWARE_TOKEN_MFA"}},
    {"pool OPTIONAL, user without a factor", Asks::nothing, {}},
    {"pool OPTIONAL, user with TOTP", Asks::totp, {"SOFTWARE_TOKEN_MFA"}},
    {"pool OPTIONAL, user with SMS", Asks::sms, {"SMS_MFA"}},
    {"pool OPTIONAL, user with both and none preferred",
     Asks::choice,
     {"SMS_MFA", "SOFTWARE_TOKEN_MFA"}},
    {"pool OPTIONAL, user with TOTP, low risk", Asks::nothing, {"SOFTWARE_TOKEN_MFA"}},
    {"pool OPTIONAL, user with SMS, low risk", Asks::nothing, {"SMS_MFA"}},
    {"pool ON, user with TOTP", Asks::totp, {"SOFTWARE_TOKEN_MFA"}},
    {"pool ON, user with SMS", Asks::sms, {"SMS_MFA"}},
    {"pool ON, user without a factor, TOTP to set up", Asks::totp_set_up, {}},
    {"pool ON, user without a factor, e-mail to set up", Asks::email_set_up, {}},
    {"pool ON, user without a factor, only SMS to set up", Asks::sms_set_up, {}},
};

enum class State : std::uint8_t { confirmed, force_change_password, reset_required, unconfirmed };

struct UserState {
  const char* row;
  State state;
};

constexpr UserState kStates[] = {
    {"CONFIRMED", State::confirmed},
    {"FORCE_CHANGE_PASSWORD", State::force_change_password},
    {"RESET_REQUIRED", State::reset_required},
    {"UNCONFIRMED", State::unconfirmed},
};

struct Policy {
  bool require;
  Enroll enroll;
  std::vector<Method> methods;

  [[nodiscard]] bool accepts(Method method) const {
    return std::ranges::find(methods, method) != methods.end();
  }
  // The sign-in of these tests is remote.
  [[nodiscard]] bool enrols_freely() const {
    return enroll == Enroll::anywhere && accepts(Method::totp);
  }
};

std::vector<Policy> policies() {
  std::vector<Policy> all;
  for (const bool require : {true, false})
    for (const Enroll enroll :
         {Enroll::never, Enroll::when_required, Enroll::at_console, Enroll::anywhere})
      for (const auto& methods : {std::vector{Method::totp}, std::vector{Method::sms},
                                  std::vector{Method::totp, Method::email, Method::sms}})
        all.push_back({require, enroll, methods});
  return all;
}

std::string name_of(const Policy& policy) {
  constexpr const char* enroll[] = {"never", "when-required", "at-console", "anywhere"};
  std::string text = std::string("require = ") + (policy.require ? "yes" : "no") +
                     ", enroll = " + enroll[static_cast<std::size_t>(policy.enroll)] +
                     ", methods =";
  for (const Method method : policy.methods)
    text += method == Method::totp ? " totp" : method == Method::sms ? " sms" : " email";
  return text;
}

void script_factor(World& world, const Pool& pool, const Policy& policy) {
  switch (pool.asks) {
    case Asks::nothing:
      break;
    case Asks::totp:
      world.pool.reply_challenge(ChallengeName::software_token_mfa);
      break;
    case Asks::sms:
      world.pool.reply_challenge(ChallengeName::sms_mfa);
      break;
    case Asks::choice:
      world.pool.reply_challenge(ChallengeName::select_mfa_type,
                                 {{"MFAS_CAN_CHOOSE", R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])"}});
      world.pool.reply_challenge(policy.accepts(Method::totp) ? ChallengeName::software_token_mfa
                                                              : ChallengeName::sms_mfa);
      break;
    case Asks::totp_set_up:
      world.pool.reply_challenge(ChallengeName::mfa_setup,
                                 {{"MFAS_CAN_SETUP", R"(["SOFTWARE_TOKEN_MFA"])"}});
      break;
    case Asks::email_set_up:
      world.pool.reply_challenge(ChallengeName::mfa_setup,
                                 {{"MFAS_CAN_SETUP", R"(["EMAIL_OTP"])"}});
      world.pool.reply_challenge(ChallengeName::email_otp);
      break;
    case Asks::sms_set_up:
      world.pool.reply_challenge(ChallengeName::mfa_setup, {{"MFAS_CAN_SETUP", R"(["SMS_MFA"])"}});
      break;
  }
  world.pool.reply_tokens();
}

void script_state(World& world, State state) {
  switch (state) {
    case State::confirmed:
      break;
    case State::force_change_password:
      world.pool.reply_challenge(ChallengeName::new_password_required);
      break;
    case State::reset_required:
      world.pool.reply_error(ErrorKind::password_reset_required);
      break;
    case State::unconfirmed:
      world.pool.reply_error(ErrorKind::user_not_confirmed);
      break;
  }
}

// A person who answers every question.
void answer_everything(World& world) {
  world.person->before_answer = [&world] {
    switch (world.person->purposes.back()) {
      case Purpose::password:
        world.person->answers = {"right password"};
        break;
      case Purpose::new_password:
      case Purpose::new_password_again:
        world.person->answers = {"new password"};
        break;
      case Purpose::code:
        world.person->answers = {"123456"};
        break;
      case Purpose::choice:
        world.person->answers = {"1"};
        break;
      case Purpose::other:
      case Purpose::password_and_code:
        world.person->answers = {"alice@example.com"};
        break;
    }
  };
}

// The rules of policy, written a second time.
bool lets_in(const Pool& pool, const Policy& policy) {
  switch (pool.asks) {
    case Asks::nothing:
      return !policy.require || (policy.enrols_freely() && pool.factors.empty());
    case Asks::totp:
      return policy.accepts(Method::totp);
    case Asks::sms:
      return policy.accepts(Method::sms) || policy.enrols_freely();
    case Asks::choice:
      return policy.accepts(Method::totp) || policy.accepts(Method::sms);
    case Asks::totp_set_up:
      return policy.enroll != Enroll::never && policy.accepts(Method::totp);
    case Asks::email_set_up:
      return policy.enroll != Enroll::never && policy.accepts(Method::email);
    case Asks::sms_set_up:
      return false;
  }
  return false;
}

struct Cell {
  std::string row;
  const Pool* pool;
  State state;
};

void under_each_policy(void** state) {
  const auto& cell = row_of<Cell>(state);
  for (const Policy& policy : policies()) {
    World world;
    world.config->mfa.require = policy.require;
    world.config->mfa.enroll = policy.enroll;
    world.config->mfa.methods = policy.methods;
    world.pool.user.enabled_factors = cell.pool->factors;
    script_state(world, cell.state);
    script_factor(world, *cell.pool, policy);
    answer_everything(world);
    {
      const SignInResult result = world.run();
      const Outcome expected =
          lets_in(*cell.pool, policy) ? Outcome::success : Outcome::not_permitted;
      if (result.outcome != expected)
        fail_msg("%s: %s (%s)", name_of(policy).c_str(),
                 std::string(to_string(result.outcome)).c_str(), result.cause.c_str());
      const bool accepted = result.factor && policy.accepts(*result.factor);
      if (result.outcome == Outcome::success) assert_true(accepted || !policy.require);
    }
    assert_int_equal(world.revoked.size(), world.pool.issued);
  }
}

// The rows of policy's table, one by one.

void no_factor_and_require_no_lets_in(void**) {
  World world;
  world.config->mfa.require = false;
  world.pool.reply_tokens();
  const SignInResult result = world.run();
  assert_outcome(result.outcome, Outcome::success);
  assert_false(result.factor.has_value());
  assert_text(world.operations(), "sign_in, verify");
}

void no_factor_is_enrolled_where_that_is_allowed(void**) {
  World world;
  world.config->mfa.enroll = Enroll::anywhere;
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  assert_true(world.run().factor == Method::totp);
}

void no_factor_and_no_enrolment_is_refused_with_the_remedy_and_revoked(void**) {
  World world;
  world.pool.reply_tokens();
  {
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::not_permitted);
    assert_text(result.notice.text, prompts::second_factor_needed());
  }
  assert_int_equal(world.revoked.size(), 1);
}

void a_factor_outside_methods_is_completed_and_totp_enrolled(void**) {
  World world;
  world.config->mfa.enroll = Enroll::anywhere;
  world.config->mfa.methods = {Method::totp};
  world.pool.user.enabled_factors = {"SMS_MFA"};
  world.pool.user.preferred_factor = "SMS_MFA";
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "4711", "123456"};
  assert_true(world.run().factor == Method::totp);
  assert_text(world.operations(),
              "sign_in, respond SMS_MFA, verify, get_user, associate, verify_totp, get_user, "
              "set_preference");
}

void a_factor_outside_methods_is_no_factor_while_the_enrolment_is_not_done(void**) {
  for (const char* code : {"", "12345", "abcdef"}) {
    World world;
    world.config->mfa.enroll = Enroll::anywhere;
    world.config->mfa.methods = {Method::totp};
    world.pool.reply_challenge(ChallengeName::sms_mfa);
    world.pool.reply_tokens();
    world.person->answers = {"right password", "4711", code, code, code};
    assert_outcome(world.run().outcome, Outcome::tries_exhausted);
    assert_int_equal(world.revoked.size(), 1);
  }
}

void a_factor_outside_methods_without_enrolment_is_refused_naming_the_accepted_ones(void**) {
  for (const Enroll enroll : {Enroll::never, Enroll::when_required, Enroll::at_console}) {
    World world;
    world.config->mfa.enroll = enroll;
    world.config->mfa.methods = {Method::totp, Method::email};
    world.pool.reply_challenge(ChallengeName::sms_mfa);
    world.person->answers = {"right password", "4711"};
    const SignInResult result = world.run();
    assert_outcome(result.outcome, Outcome::not_permitted);
    assert_text(result.notice.text, prompts::factor_not_accepted({Method::totp, Method::email}));
    assert_int_equal(world.person->prompts.size(), 1);
  }
}

void mfa_setup_enrols_unless_enrol_is_no(void**) {
  for (const Enroll enroll :
       {Enroll::never, Enroll::when_required, Enroll::at_console, Enroll::anywhere}) {
    World world;
    world.config->mfa.enroll = enroll;
    world.pool.reply_challenge(ChallengeName::mfa_setup);
    world.pool.reply_tokens();
    world.person->answers = {"right password", "123456"};
    assert_outcome(world.run().outcome,
                   enroll == Enroll::never ? Outcome::not_permitted : Outcome::success);
  }
}

void several_none_preferred_takes_the_first_of_methods(void**) {
  for (const auto& [methods, chosen] :
       {std::pair{std::vector{Method::email, Method::sms, Method::totp}, "SMS_MFA"},
        std::pair{std::vector{Method::totp, Method::sms}, "SOFTWARE_TOKEN_MFA"}}) {
    World world;
    world.config->mfa.methods = methods;
    world.pool.reply_challenge(ChallengeName::select_mfa_type,
                               {{"MFAS_CAN_CHOOSE", R"(["SOFTWARE_TOKEN_MFA","SMS_MFA"])"}});
    (void)world.run();
    assert_text(world.pool.calls.at(1).values.at("ANSWER"), chosen);
  }
}

void several_none_of_methods_is_refused_before_any_message(void**) {
  World world;
  world.config->mfa.methods = {Method::email};
  world.config->mfa.enroll = Enroll::anywhere;
  world.pool.reply_challenge(ChallengeName::select_mfa_type,
                             {{"MFAS_CAN_CHOOSE", R"(["SOFTWARE_TOKEN_MFA","SMS_MFA"])"}});
  assert_outcome(world.run().outcome, Outcome::not_permitted);
  assert_text(world.operations(), "sign_in");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  tests.add({
      cmocka_unit_test(no_factor_and_require_no_lets_in),
      cmocka_unit_test(no_factor_is_enrolled_where_that_is_allowed),
      cmocka_unit_test(no_factor_and_no_enrolment_is_refused_with_the_remedy_and_revoked),
      cmocka_unit_test(a_factor_outside_methods_is_completed_and_totp_enrolled),
      cmocka_unit_test(a_factor_outside_methods_is_no_factor_while_the_enrolment_is_not_done),
      cmocka_unit_test(
          a_factor_outside_methods_without_enrolment_is_refused_naming_the_accepted_ones),
      cmocka_unit_test(mfa_setup_enrols_unless_enrol_is_no),
      cmocka_unit_test(several_none_preferred_takes_the_first_of_methods),
      cmocka_unit_test(several_none_of_methods_is_refused_before_any_message),
  });
  std::deque<Cell> cells;
  for (const Pool& pool : kPools) {
    for (const UserState& user : kStates) {
      cells.push_back({std::string(pool.row) + ", " + user.row, &pool, user.state});
      tests.add(cells.back().row, under_each_policy, cells.back());
    }
  }
  return tests.run("pool_settings");
}
