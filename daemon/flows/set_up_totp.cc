#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "daemon/flows/mfa_preference.h"
#include "daemon/flows/steps.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::flows {
namespace {

using cognito::PoolResult;
using runtime::Level;
using runtime::Task;
using sessions::Session;

struct Basis {
  SignInId session;
  bool has_factor;
};

// The session of the request, if it is the user's and young enough to change factors by.
std::optional<Basis> basis_of(const SignInContext& context) {
  if (!context.request.session) return std::nullopt;
  for (const Session& session : context.services.sessions->sessions_of(context.request.user)) {
    if (session.id == *context.request.session &&
        MfaPreferences::is_recent(session, context.services.clock->boot_time()))
      return Basis{session.id, session.factor.has_value()};
  }
  return std::nullopt;
}

Ended sign_in_first() {
  return ended(Outcome::not_permitted, "no-recent-sign-in", prompts::sign_in_first());
}

Ended without_token(Revalidation standing) {
  switch (standing) {
    case Revalidation::unreachable:
      return ended(Outcome::failed, "not-connected", prompts::pool_unreachable(), Level::warning);
    case Revalidation::undecided:
      return ended(Outcome::failed, "undecided", prompts::pool_failed(), Level::warning);
    case Revalidation::good:
    case Revalidation::ended:
    case Revalidation::disabled:
    case Revalidation::reset_required:
      break;
  }
  return sign_in_first();
}

}  // namespace

Task<Ended> set_up_totp_by_session(SignInContext* context) {
  const std::optional<Basis> basis = basis_of(*context);
  if (!basis) co_return sign_in_first();
  // The session's sign-in gave the first factor, so "cannot be reached" is never the whole truth.
  context->first_factor_given = true;
  std::expected<std::string, Revalidation> token =
      co_await context->services.sessions->access_token(basis->session, context->step_deadline());
  if (!token) co_return without_token(token.error());

  // Who signed in without a factor may set up the first one of the account, and no other.
  if (!basis->has_factor) {
    if (!permits_first_factor(context->config().mfa))
      co_return ended(Outcome::not_permitted, "set-up-not-allowed",
                      prompts::first_factor_elsewhere());
    PoolResult<cognito::UserState> user =
        co_await context->services.pool->get_user(*token, context->step_deadline());
    if (!user) co_return context->from_error(user.error());
    if (!user->enabled_factors.empty()) co_return sign_in_first();
  }

  std::expected<Enrolment, Ended> enrolment =
      co_await enrol_totp(context, cognito::SetUpProof::by_access_token(*token));
  if (!enrolment) co_return std::move(enrolment.error());
  // A pool with optional factors asks for none that is not switched on.
  Ended trouble = co_await prefer_totp(context, std::move(*token), Prefer::if_none_is);
  if (trouble) co_return trouble;
  auto end = std::make_unique<SignInResult>(Outcome::success, "totp-set-up",
                                            Notice::info(prompts::totp_is_set_up()), Level::info);
  end->factor = context->factor;
  co_return end;
}

}  // namespace pamcognito::flows
