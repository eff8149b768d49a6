#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cognito/error_table.h"
#include "daemon/sign_in/code.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scenarios.h"

// Every row of the tables, attacked at every call and every prompt: nobody gets in without the
// factor that policy asks for, no token outlives its sign-in, and "unavailable" (which may let a
// local password do instead) never comes once more than the first password was asked for or sent.
namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using sign_in::SignInResult;

std::size_t count_calls(const Scenario& scenario) {
  const std::string_view operations = scenario.operations;
  return static_cast<std::size_t>(std::ranges::count(operations, ',')) + 1;
}

std::size_t count_prompts(const Scenario& scenario) {
  World world;
  scenario.prepare(world);
  return world.person->answers.size();
}

Outcome run(World& world) {
  const SignInResult result = world.run();
  assert_true((result.outcome == Outcome::success && !result.reused) ==
              (result.accepted != nullptr));
  if (result.outcome == Outcome::success && world.config->mfa.require)
    assert_true(result.factor &&
                std::ranges::count(world.config->mfa.methods, *result.factor) == 1);
  return result.outcome;
}

void assert_all_revoked(const World& world) {
  assert_int_equal(world.revoked.size(), world.pool.issued);
}

// A session of the person's is there, so no tokens are handed out.
bool begins_with_a_session(const World& world) {
  return world.store->size() > 0;
}

void success_only_with_all_of_it(void** state) {
  const auto& scenario = row_of<Scenario>(state);
  World world;
  scenario.prepare(world);
  assert_outcome(run(world), Outcome::success);
  assert_text(world.operations(), scenario.operations);
  assert_true(world.person->answers.empty());
  assert_int_equal(world.pool.issued, begins_with_a_session(world) ? 0 : 1);
  assert_all_revoked(world);
}

bool password_went_out_before(const World& world, std::size_t call) {
  if (world.config->pool.auth_flow == cognito::AuthFlow::custom) return call > 1;
  return std::ranges::any_of(world.pool.calls.begin(),
                             world.pool.calls.begin() + static_cast<std::ptrdiff_t>(call),
                             [](const PoolCall& each) { return each.operation == "sign_in"; });
}

void expect_closed(const Scenario& scenario, std::size_t call, ErrorKind kind, bool password_sent) {
  World world;
  scenario.prepare(world);
  world.pool.fault_at = call;
  world.pool.fault = cognito::PoolError(kind, "raw text of the pool");
  world.pool.fault.password_sent = password_sent;
  const Outcome outcome = run(world);
  assert_true(world.pool.calls.size() > call);
  const std::string& operation = world.pool.calls[call].operation;
  // Whether a code could be sent to a forgetful person is told to nobody, so it ends nothing.
  const bool hidden =
      operation == "forgot_password" && cognito::error_row(kind).depends_on_account();
  const bool may_be_unavailable = kind == ErrorKind::unreachable && !password_sent &&
                                  world.person->prompts.size() <= 1 &&
                                  !password_went_out_before(world, call);
  if ((outcome == Outcome::success && !hidden) ||
      (outcome == Outcome::unavailable && !may_be_unavailable))
    fail_msg("%s answers %s: %s", operation.c_str(),
             std::string(cognito::error_row(kind).word).c_str(),
             std::string(to_string(outcome)).c_str());
  assert_all_revoked(world);
}

// A check of a password takes a tenth of a second, so this row makes do with an error for each
// thing that the pool can be taken to say; the row without a password walks all of them.
bool is_slow(const Scenario& scenario) {
  return scenario.row == std::string_view("a session and its password stand in");
}
bool is_of_a_kind_of_its_own(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::user_disabled:
    case ErrorKind::password_reset_required:
    case ErrorKind::not_authorized:
    case ErrorKind::not_connected:
    case ErrorKind::unreachable:
    case ErrorKind::too_many_requests:
    case ErrorKind::local_shortage:
    case ErrorKind::tokens_rejected:
    case ErrorKind::internal:
      return true;
    default:
      return false;
  }
}

void errors_at_every_call(void** state) {
  const auto& scenario = row_of<Scenario>(state);
  for (std::size_t call = 0; call < count_calls(scenario); ++call) {
    for (const cognito::ErrorRow& row : cognito::error_rows()) {
      if (is_slow(scenario) && !is_of_a_kind_of_its_own(row.kind)) continue;
      expect_closed(scenario, call, row.kind, true);
      expect_closed(scenario, call, row.kind, false);
    }
  }
}

void hanging_up_at_every_prompt(void** state) {
  const auto& scenario = row_of<Scenario>(state);
  for (std::size_t prompt = 0; prompt < count_prompts(scenario); ++prompt) {
    World world;
    scenario.prepare(world);
    world.person->answers.resize(prompt);
    assert_outcome(run(world), Outcome::conversation_broken);
    assert_int_equal(world.person->prompts.size(), prompt + 1);
    assert_all_revoked(world);
  }
}

void time_out_at_every_prompt(void** state) {
  const auto& scenario = row_of<Scenario>(state);
  for (std::size_t prompt = 0; prompt < count_prompts(scenario); ++prompt) {
    World world;
    scenario.prepare(world);
    world.person->before_answer = [&world, prompt] {
      world.person->never_answers = world.person->prompts.size() == prompt + 1;
    };
    {
      sign_in::SignIn sign_in(world.services(), world.request(), world.person.get());
      assert_false(world.drive(sign_in.run()).has_value());
      assert_true(world.person->is_stuck);
    }
    assert_all_revoked(world);
  }
}

// The sign-in with tokens in the place of one answer; nullopt: it was answered as ever, because it
// begins with tokens, or the call cannot hand them out.
std::optional<Outcome> with_tokens_at(const Scenario& scenario, std::size_t call, World& world) {
  scenario.prepare(world);
  world.pool.tokens_at = call;
  const Outcome outcome = run(world);
  if (world.operations() == scenario.operations) return std::nullopt;
  return outcome;
}

bool can_hand_out_tokens_early(const Scenario& scenario) {
  for (std::size_t call = 0; call < scenario.factor_call; ++call) {
    World world;
    if (with_tokens_at(scenario, call, world)) return true;
  }
  return false;
}

void tokens_before_the_factor(void** state) {
  const auto& scenario = row_of<Scenario>(state);
  int attacks = 0;
  for (std::size_t call = 0; call < scenario.factor_call; ++call) {
    World world;
    const std::optional<Outcome> outcome = with_tokens_at(scenario, call, world);
    if (!outcome) continue;
    ++attacks;
    assert_outcome(*outcome, Outcome::not_permitted);
    assert_all_revoked(world);
  }
  assert_true(attacks > 0);
}

void wrong_answers(void** state) {
  const auto& scenario = row_of<Scenario>(state);
  for (std::size_t prompt = 0; prompt < count_prompts(scenario); ++prompt) {
    // A decoy, a code that is too short, nothing.
    for (const char* wrong : {"\x08\n\r\x7fINCORRECT", "0", "\t"}) {
      World world;
      scenario.prepare(world);
      const bool any_answer_goes =
          scenario.row == std::string_view("CUSTOM_CHALLENGE after the password");
      world.person->answers.at(prompt) = wrong;
      const bool taken_by_the_pool =
          std::string_view(wrong) == "0" &&
          ((prompt == 0 && !begins_with_a_session(world)) || any_answer_goes);
      // Nothing is the first of a list.
      const bool is_the_default =
          std::string_view(wrong) == "\t" && prompt == 1 &&
          scenario.row == std::string_view("SELECT_MFA_TYPE, the person chooses");
      const Outcome outcome = run(world);
      if (!taken_by_the_pool && !is_the_default) assert_true(outcome != Outcome::success);
      assert_all_revoked(world);
    }
  }
}

// A sign-in that begins with a password, and asks more where no password belongs. Custom answers
// are exempt: a password may be one.
bool can_repeat_the_password(const Scenario& scenario) {
  World world;
  scenario.prepare(world);
  if (world.person->answers.size() < 2) return false;
  const std::string password = world.person->answers.front();
  return sign_in::is_typed_text(password) &&
         !sign_in::code_in(password, sign_in::CodeForm::message) &&
         world.config->mfa.methods != std::vector{cognito::Method::custom};
}

void the_password_at_every_prompt(void** state) {
  World world;
  row_of<Scenario>(state).prepare(world);
  const std::string password = world.person->answers.front();
  for (std::string& answer : world.person->answers) answer = password;
  const Outcome outcome = run(world);
  assert_true(outcome == Outcome::conversation_broken || outcome == Outcome::tries_exhausted);
  assert_all_revoked(world);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  for (const Scenario& scenario : scenarios()) {
    const std::string row = scenario.row;
    tests.add(row + ": lets the person in", success_only_with_all_of_it, scenario);
    tests.add(row + ": fails closed at every error of every call", errors_at_every_call, scenario);
    tests.add(row + ": fails closed when the caller hangs up at any prompt",
              hanging_up_at_every_prompt, scenario);
    tests.add(row + ": revokes its tokens when time runs out at any prompt",
              time_out_at_every_prompt, scenario);
    if (can_hand_out_tokens_early(scenario))
      tests.add(row + ": fails closed when tokens come before the factor", tokens_before_the_factor,
                scenario);
    tests.add(row + ": fails closed at a wrong answer to any prompt", wrong_answers, scenario);
    if (can_repeat_the_password(scenario))
      tests.add(row + ": fails closed when the caller repeats the password",
                the_password_at_every_prompt, scenario);
  }
  return tests.run("fail_closed");
}
