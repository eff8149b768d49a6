#include <algorithm>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "daemon/cognito/error_table.h"
#include "daemon/prompts/qr.h"
#include "daemon/prompts/texts.h"
#include "daemon/runtime/host_name.h"
#include "daemon/sign_in/code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::ErrorKind;
using cognito::PoolResult;
using cognito::SetUpProof;
using cognito::SoftwareToken;
using cognito::SoftwareTokenCheck;
using policy::Qr;
using runtime::Task;

constexpr std::string_view kWireName = "SOFTWARE_TOKEN_MFA";
// How often the secret may be shown in another form.
constexpr int kShows = 6;

// The other form that a person asks for in place of a code; nullopt: none.
struct Form {
  Qr qr;
  bool inverted = false;
};
std::optional<Form> other_form(std::string_view typed, Form present) {
  const std::string_view word = trimmed(typed);
  if (word == "i" || word == "I")
    return Form{present.qr == Qr::none ? Qr::half_blocks : present.qr, !present.inverted};
  if (word == "a" || word == "A") return Form{Qr::ascii, present.inverted};
  if (word == "n" || word == "N") return Form{Qr::none};
  if (word == "s" || word == "S") return present;
  return std::nullopt;
}

// Why the pool did not take the code; empty: for another reason than the code.
std::string why_not(const PoolResult<SoftwareTokenCheck>& check, unsigned attempts_left) {
  if (check) return prompts::wrong_code(attempts_left);
  switch (check.error().kind) {
    case ErrorKind::code_mismatch:
    case ErrorKind::enable_software_token_mfa:
      return prompts::wrong_code(attempts_left);
    case ErrorKind::expired_code:
      return prompts::code_already_used();
    default:
      return {};
  }
}

SetUpProof with_session(const SetUpProof& proof, const std::string& newer) {
  if (!proof.access_token.empty()) return SetUpProof::by_access_token(proof.access_token);
  return SetUpProof::by_challenge_session(newer.empty() ? proof.challenge_session : newer);
}

// One enrolment after the pool has made its secret.
class TotpSetUpDialogue {
 public:
  TotpSetUpDialogue(SignInContext* context, std::string secret, SetUpProof proof)
      : context_(context),
        setup_{.secret = std::move(secret),
               .issuer = context->config().mfa.app_label,
               .account = context->cognito_name,
               .demanded = !context->is_to_set_up_totp(),
               .no_qr_here = context->profile.qr == Qr::none &&
                             context->profile.deadline_from == policy::DeadlineFrom::first_answer},
        proof_(std::move(proof)),
        received_(context->services.clock->now()),
        form_{context->profile.qr} {}

  Task<StepResult<Enrolment>> run() {
    for (int tries = 0; tries < kTries;) {
      StepResult<Secret> answer = co_await context_->ask(next_prompt());
      if (!answer) co_return std::unexpected(std::move(answer.error()));
      const auto form =
          context_->request.plain_uri ? std::nullopt : other_form(answer->reveal(), form_);
      if (form && shows_++ < kShows) {
        form_ = *form;
        setup_.inverted = form->inverted;
        show_secret_ = true;
        continue;
      }
      ++tries;
      const auto code = code_in(answer->reveal(), CodeForm::totp);
      if (!code) {
        context_->report.notice = Notice::error(prompts::not_a_totp_code());
        continue;
      }
      PoolResult<SoftwareTokenCheck> check =
          co_await context_->services.pool->verify_software_token(
              proof_, std::string(*code), device_name(), context_->step_deadline());
      if (check && check->verified)
        co_return Enrolment(Enrolment::State::done,
                            with_session(proof_, check->challenge_session).challenge_session);
      if (check) {
        proof_ = with_session(proof_, check->challenge_session);
      } else if (!proof_.challenge_session.empty() &&
                 context_->challenge_session_is_over(check.error(), received_)) {
        co_return Enrolment(Enrolment::State::challenge_session_over);
      }
      std::string reason = why_not(check, static_cast<unsigned>(kTries - tries));
      if (!check && cognito::error_row(check.error()).answer_lost())
        context_->enrolled.perhaps_totp = true;
      if (reason.empty()) co_return std::unexpected(context_->from_error(check.error()));
      context_->report.notice = Notice::error(std::move(reason));
    }
    co_return std::unexpected(
        make_end(Outcome::tries_exhausted, "wrong-code", prompts::too_many_wrong_codes({})));
  }

 private:
  Prompt next_prompt() { return {question(), Purpose::code, context_->profile.show_code}; }
  std::string question() {
    if (context_->request.plain_uri)
      return prompts::otpauth_uri(setup_.secret, setup_.issuer, setup_.account);
    const bool show = std::exchange(show_secret_, false);
    setup_.left = context_->time_left();
    return show ? prompts::totp_setup(setup_, form_.qr) : prompts::totp_setup_again();
  }
  [[nodiscard]] std::string device_name() const {
    const std::string& chosen = context_->request.device_name;
    return chosen.empty() ? context_->request.user + "@" + runtime::host_name() : chosen;
  }

  SignInContext* context_;
  prompts::TotpSetup setup_;
  SetUpProof proof_;
  runtime::MonotonicTime received_;
  Form form_;
  bool show_secret_ = true;
  int shows_ = 0;
};

bool lists(const cognito::UserState& user, std::string_view factor) {
  return std::ranges::find(user.enabled_factors, factor) != user.enabled_factors.end();
}

}  // namespace

Task<StepResult<Enrolment>> enrol_totp(SignInContext* context, SetUpProof proof) {
  PoolResult<SoftwareToken> token =
      co_await context->services.pool->associate_software_token(proof, context->step_deadline());
  if (!token) {
    if (token.error().kind == ErrorKind::software_token_mfa_not_found) {
      SignInEnd end =
          make_end(Outcome::not_permitted, "totp-not-in-pool", prompts::cannot_set_up());
      end->detail = token.error().message;
      end->request_id = token.error().request_id;
      co_return std::unexpected(std::move(end));
    }
    co_return std::unexpected(context->from_error(token.error()));
  }
  TotpSetUpDialogue showing(context, std::move(token->secret_code),
                            with_session(proof, token->challenge_session));
  StepResult<Enrolment> enrolment = co_await showing.run();
  if (enrolment && enrolment->state == Enrolment::State::done) {
    context->enrolled.totp = true;
    context->give_factor(cognito::Method::totp);
  }
  co_return enrolment;
}

Task<StepResult<>> prefer_totp(SignInContext* context, std::string access_token, Prefer prefer) {
  PoolResult<cognito::UserState> user =
      co_await context->services.pool->get_user(access_token, context->step_deadline());
  if (!user) co_return std::unexpected(context->from_error(user.error()));
  const bool listed = lists(*user, kWireName);
  const bool another_is_preferred =
      !user->preferred_factor.empty() && user->preferred_factor != kWireName;
  const bool stays_behind = another_is_preferred && prefer == Prefer::if_none_is;
  if (listed && (stays_behind || user->preferred_factor == kWireName)) co_return StepResult<>();

  // Only what changes is named: a factor that was never set up must not be.
  cognito::MfaPreference preference;
  preference.totp = {.enabled = true, .preferred = !stays_behind};
  const cognito::FactorPreference no_longer_first{.enabled = true, .preferred = false};
  if (!stays_behind && user->preferred_factor == "SMS_MFA") preference.sms = no_longer_first;
  if (!stays_behind && user->preferred_factor == "EMAIL_OTP") preference.email = no_longer_first;
  PoolResult<void> set = co_await context->services.pool->set_mfa_preference(
      std::move(access_token), preference, context->step_deadline());
  if (!set) co_return std::unexpected(context->from_error(set.error()));
  co_return StepResult<>();
}

}  // namespace pamcognito::sign_in
