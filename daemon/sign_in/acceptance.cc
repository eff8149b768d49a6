#include <algorithm>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "daemon/policy/access.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::PoolResult;
using cognito::VerifiedTokens;
using runtime::Level;
using runtime::Task;

bool has_accepted_factor(const SignInContext& context) {
  return context.proved.factor && context.accepts(*context.proved.factor);
}

// The remedy is in the text: what is missing, or what is accepted instead.
SignInEnd factor_missing(const SignInContext& context) {
  if (!context.proved.factor)
    return make_end(Outcome::not_permitted, "no-second-factor", prompts::second_factor_needed());
  return make_end(Outcome::not_permitted, "factor-not-accepted",
                  prompts::factor_not_accepted(context.config().mfa.methods));
}

// The pool did not ask for an accepted factor. The user sets one up now, if that is allowed here
// and the account has none. An authenticator that the account has is never replaced without being
// asked for. If no factor was given (the pool judged the risk low), any factor of the account
// prevents the set-up: otherwise an attacker who knows the password could enrol past it.
Task<StepResult<>> enrol_or_refuse(SignInContext* context, std::string access_token) {
  if (!context->may_enrol_freely()) co_return std::unexpected(factor_missing(*context));
  PoolResult<cognito::UserState> user =
      co_await context->services.pool->get_user(access_token, context->step_deadline());
  if (!user) co_return std::unexpected(context->from_error(user.error()));
  const auto& factors = user->enabled_factors;
  const bool in_the_way = context->proved.factor
                              ? std::ranges::find(factors, "SOFTWARE_TOKEN_MFA") != factors.end()
                              : !factors.empty();
  if (in_the_way) co_return std::unexpected(factor_missing(*context));
  if (!context->has_time_to_enrol()) co_return std::unexpected(no_time_to_enrol(*context));

  StepResult<Enrolment> enrolment =
      co_await enrol_totp(context, cognito::SetUpProof::by_access_token(std::move(access_token)));
  if (!enrolment) co_return std::unexpected(std::move(enrolment.error()));
  co_return StepResult<>();
}

// Notes the groups for the account phase of later logins.
void remember(const SignInContext& context, const VerifiedTokens& verified) {
  context.services.known->verified(context.request.user, verified.groups,
                                   context.services.clock->wall_time());
}

}  // namespace

SignInEnd no_time_to_enrol(const SignInContext& context) {
  return make_end(Outcome::failed, "no-time-to-set-up",
                  prompts::no_time_to_set_up(context.service_has_time_to_enrol()));
}

Task<SignInEnd> accept(SignInContext* context, cognito::Tokens tokens) {
  sessions::PendingTokens pending(std::move(tokens), context->services.revoke_later);
  if (!context->proved.first_factor) co_return no_first_factor();
  PoolResult<VerifiedTokens> verified =
      co_await context->services.pool->verify(&pending.get(), context->step_deadline());
  if (!verified) co_return context->from_error(verified.error());
  StepResult<> identity = check_identity(*context, *verified);
  if (!identity) co_return std::move(identity.error());
  if (!policy::access_permitted(context->config(), context->request.user, context->request.service,
                                verified->groups))
    co_return make_end(Outcome::not_permitted, "access", prompts::not_permitted());

  // A change of factors has a stricter rule of its own: change_factors().
  const bool needs_factor =
      context->config().mfa.require && context->request.goal != Goal::change_factors;
  if (needs_factor && !has_accepted_factor(*context)) {
    StepResult<> enrolled = co_await enrol_or_refuse(context, pending.get().access_token);
    if (!enrolled) co_return std::move(enrolled.error());
    if (!has_accepted_factor(*context)) co_return factor_missing(*context);
  }
  if (context->enrolled.totp) {
    StepResult<> preferred =
        co_await prefer_totp(context, pending.get().access_token, Prefer::always);
    if (!preferred) co_return std::move(preferred.error());
  }

  // First, because a refused sign-in pins nothing.
  StepResult<> stored = co_await store_account(context, &*verified, &pending.get().id_token);
  if (!stored) co_return std::move(stored.error());
  StepResult<> pinned = co_await pin_identity(context, &*verified);
  if (!pinned) co_return std::move(pinned.error());
  remember(*context, *verified);

  auto end = std::make_unique<SignInResult>(Outcome::success, "signed-in", Notice(), Level::info);
  std::string told = untold_factor_changes(*context);
  end->tells_of_change = !told.empty();
  if (context->enrolled.totp) told += (told.empty() ? "" : "\n") + prompts::totp_is_set_up();
  // Without this text, a user whose sign-ins are not kept sees only that sudo asks for everything
  // each time.
  if (context->services.sessions->was_not_kept(context->request.user))
    told += (told.empty() ? "" : " ") + prompts::session_not_kept();
  if (!told.empty()) end->notice = Notice::info(std::move(told));
  // After the notice: a user who sets a factor up in this sign-in knows of it.
  if (context->enrolled.totp || context->enrolled.email)
    report_factor_change(*context, context->enrolled.totp
                                       ? sessions::FactorChangeNote::What::app
                                       : sessions::FactorChangeNote::What::factors);
  end->request_id = pending.get().request_id;
  end->accepted =
      std::make_unique<SignInResult::Accepted>(std::move(pending), std::move(*verified));
  end->factor = context->proved.factor;
  co_return end;
}

}  // namespace pamcognito::sign_in
