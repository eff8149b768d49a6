#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/task.h"
#include "daemon/sessions/known_users.h"
#include "daemon/sign_in/sign_in_context.h"
#include "daemon/sign_in/sign_in_types.h"

// The steps that a sign-in is made of, each in a file of its own name. `context` outlives the task.
// A step returns the value with which the sign-in goes on, or std::unexpected with its end. The
// last ones (accept, change_password, change_factors) always return the end.
namespace pamcognito::sign_in {

// reauthenticate.cc: may a session of the user replace the sign-in? Asked before the first prompt.
// If not, the sign-in goes on in full, with the password that was typed, if one was.
runtime::Task<StepResult<>> reauthenticate(SignInContext* context);

// password_step.cc
// Asks for the password, unless it was typed; where policy allows it, an empty answer leads to a
// reset.
runtime::Task<StepResult<>> ask_password(SignInContext* context);
// Is the service one of those that begin with a reset?
bool begins_with_a_reset(const SignInContext& context);
// The question, and what becomes of its answer.
Prompt password_prompt(const SignInContext& context);
runtime::Task<StepResult<>> take_password(SignInContext* context, Secret typed);
// The first factor, with the budgets, until the pool asks for another one or hands out tokens. A
// reset or a confirmation that the pool wants first is done on the way.
runtime::Task<Step> prove_first_factor(SignInContext* context);

// challenge_step.cc: answers the pool's challenge, by its name.
runtime::Task<Step> answer_challenge(SignInContext* context,
                                     std::unique_ptr<cognito::Challenge> challenge);

// code_step.cc: SMS_MFA, EMAIL_OTP, SOFTWARE_TOKEN_MFA.
runtime::Task<Step> answer_code(SignInContext* context,
                                std::unique_ptr<cognito::Challenge> challenge,
                                cognito::Method method);

// factor_choice.cc: SELECT_MFA_TYPE.
runtime::Task<Step> choose_factor(SignInContext* context,
                                  std::unique_ptr<cognito::Challenge> challenge);
// The person's numbered choice, counted from 0, below `choices`; `question` is what is shown.
runtime::Task<StepResult<std::size_t>> ask_choice(SignInContext* context, std::string question,
                                                  std::size_t choices);

// new_password.cc: NEW_PASSWORD_REQUIRED.
runtime::Task<Step> set_new_password(SignInContext* context,
                                     std::unique_ptr<cognito::Challenge> challenge);
// A new password, typed twice, another one than the present.
runtime::Task<StepResult<Secret>> ask_new_password(SignInContext* context, bool demanded,
                                                   Notice notice);

// custom_challenge.cc: CUSTOM_CHALLENGE.
runtime::Task<Step> answer_custom(SignInContext* context,
                                  std::unique_ptr<cognito::Challenge> challenge);

// mfa_setup.cc: MFA_SETUP.
runtime::Task<Step> set_up_factor(SignInContext* context,
                                  std::unique_ptr<cognito::Challenge> challenge);

// totp_enrolment.cc
struct Enrolment {
  enum class State : std::uint8_t { done, challenge_session_over };
  State state;
  std::string challenge_session;  // done, by one: that to go on with

  explicit Enrolment(State state_, std::string challenge_session_ = {})
      : state(state_), challenge_session(std::move(challenge_session_)) {}
};
// Shows a new TOTP secret until a code of it was verified. One flow for a challenge session of
// MFA_SETUP and for an access token.
runtime::Task<StepResult<Enrolment>> enrol_totp(SignInContext* context, cognito::SetUpProof proof);
// Switches TOTP on, and makes it the preferred factor: always, or only where no other one is.
// GetUser is the judge of what is to be changed.
enum class Prefer : std::uint8_t { always, if_none_is };
runtime::Task<StepResult<>> prefer_totp(SignInContext* context, std::string access_token,
                                        Prefer prefer);

// password_reset.cc
enum class ResetCause : std::uint8_t {
  demanded,   // PasswordResetRequiredException: the administrator has sent a code
  forgotten,  // the person asks for it; nothing may tell whether the account exists
};
// Resets the password; context->typed.password is the new one then.
runtime::Task<StepResult<>> reset_password(SignInContext* context, ResetCause cause);

// confirm_sign_up.cc: UserNotConfirmedException. Confirms the account.
runtime::Task<StepResult<>> confirm_sign_up(SignInContext* context);

// identity.cc: is the account that the pool signed in this Linux user's? The pin decides; before
// there is one, a claim does.
StepResult<> check_identity(const SignInContext& context, const cognito::VerifiedTokens& verified);
// Pins the user to the account, if it is not pinned: on the disk before the sign-in is accepted.
runtime::Task<StepResult<>> pin_identity(SignInContext* context,
                                         const cognito::VerifiedTokens* verified);
// stored_account.cc: stores the sign-in of a user without a local account, or ends it if root's
// cognitod-accounts refuses it.
// `id_token`: the verified one, which may have the user's SSH keys.
runtime::Task<StepResult<>> store_account(SignInContext* context,
                                          const cognito::VerifiedTokens* verified,
                                          const std::string* id_token);
// No pin is known, so the sign-in is refused.
SignInEnd identities_unreadable();

// acceptance.cc: from tokens to the end: verified, the right person, allowed here, with the second
// factor that policy asks for, enrolled now where that is allowed.
runtime::Task<SignInEnd> accept(SignInContext* context, cognito::Tokens tokens);

// acceptance.cc: the end of a sign-in that has no time left to set up a factor.
SignInEnd no_time_to_enrol(const SignInContext& context);

// change_password.cc: after a sign-in that was accepted; returns its end.
Notice password_is_changed(const SignInContext& context);  // the last notice of a change
runtime::Task<SignInEnd> change_password(SignInContext* context, SignInEnd accepted);

// change_factors.cc
// After a sign-in that was accepted, and with its access token; returns its end.
runtime::Task<SignInEnd> change_factors(SignInContext* context, SignInEnd accepted);
// The pool has taken a change of the factors, or may have: it is logged, and the user is told of it
// at later sign-ins.
void report_factor_change(const SignInContext& context, sessions::FactorChangeNote::What what);
// The changes that the user was not told of where this sign-in comes from; empty: none.
std::string untold_factor_changes(const SignInContext& context);

}  // namespace pamcognito::sign_in
