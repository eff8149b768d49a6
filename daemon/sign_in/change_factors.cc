// Goal::change_factors: sets up an authenticator, or changes which factors are used, with the
// access token of the sign-in that the same conversation began with. No earlier session counts: a
// process with the user's uid alone (a stolen SSH key, cron, a service, sudo -u) can change
// nothing.
#include <algorithm>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/cognito/error_table.h"
#include "daemon/prompts/texts.h"
#include "daemon/runtime/journal.h"
#include "daemon/sign_in/mfa_preference.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::PoolResult;
using cognito::UserState;
using runtime::Level;
using runtime::Task;
using What = sessions::FactorChangeNote::What;

bool has_totp(const UserState& user) {
  return std::ranges::find(user.enabled_factors, "SOFTWARE_TOKEN_MFA") !=
         user.enabled_factors.end();
}

std::unexpected<SignInEnd> refusal(const char* cause, std::string text) {
  return std::unexpected(make_end(Outcome::not_permitted, cause, std::move(text)));
}

// Whether the sign-in permits the change: an accepted factor of the account was given in it; or the
// account has none that would have to be given, and [mfa] enroll permits the first one at the
// caller's place. A pool that judged the risk low asked for no factor: that proves none.
StepResult<> check_permission(const SignInContext& context, const UserState& user) {
  if (context.proved.factor && context.accepts(*context.proved.factor)) return {};
  if (!context.is_to_set_up_totp() && user.enabled_factors.empty())
    return refusal("no-factor-yet", prompts::no_factor_to_change());
  if (!context.proved.factor && !user.enabled_factors.empty())
    return refusal("factor-not-asked", prompts::factor_was_not_asked());
  // A factor that `methods` does not name was given: it permits the first one that it names.
  if (context.proved.factor && (!context.is_to_set_up_totp() || has_totp(user)))
    return refusal("factor-not-accepted",
                   prompts::factor_not_accepted(context.config().mfa.methods));
  if (!context.has_place()) return refusal("no-place", prompts::no_place_for_set_up());
  if (!context.may_enrol_freely())
    return refusal("set-up-not-allowed", prompts::first_factor_elsewhere());
  return {};
}

SignInEnd changed(SignInEnd accepted, const char* cause, Notice notice) {
  accepted->cause = cause;
  accepted->notice = std::move(notice);
  accepted->tells_of_change = false;
  return accepted;
}

SignInEnd is_set_up(SignInEnd accepted) {
  return changed(std::move(accepted), "totp-set-up", Notice::info(prompts::totp_is_set_up()));
}

Task<SignInEnd> set_up_totp(SignInContext* context, SignInEnd accepted) {
  if (!context->has_time_to_enrol())
    co_return make_end(Outcome::failed, "no-time-to-set-up", prompts::no_time_to_set_up(true));
  std::string token = accepted->accepted->tokens.get().access_token;
  StepResult<Enrolment> enrolment =
      co_await enrol_totp(context, cognito::SetUpProof::by_access_token(token));
  if (!enrolment) {
    if (context->enrolled.perhaps_totp) report_factor_change(*context, What::app);
    co_return std::move(enrolment.error());
  }
  // From here on the new app counts, even if the next call fails.
  report_factor_change(*context, What::app);
  // A pool with optional factors asks for none that is not switched on.
  StepResult<> preferred = co_await prefer_totp(context, std::move(token), Prefer::if_none_is);
  if (!preferred) co_return std::move(preferred.error());
  accepted->factor = context->proved.factor;
  co_return is_set_up(std::move(accepted));
}

const char* cause_of(MfaErrorKind kind) {
  switch (kind) {
    case MfaErrorKind::refused:
      return "factor-would-be-missing";
    case MfaErrorKind::not_set_up:
      return "factor-not-set-up";
    case MfaErrorKind::invalid_parameter:
      return "preference-not-taken";
    case MfaErrorKind::too_many_requests:
      return "too-many-requests";
    case MfaErrorKind::unavailable:
      return "not-connected";
    case MfaErrorKind::not_authorized:
    case MfaErrorKind::resource_not_found:
    case MfaErrorKind::failed:
      break;
  }
  return "factors-not-changed";
}

SignInEnd not_changed(MfaError error) {
  const bool by_policy =
      error.kind == MfaErrorKind::refused || error.kind == MfaErrorKind::not_set_up;
  // The user signed in a moment ago: to do so first is no advice.
  if (error.kind == MfaErrorKind::not_authorized) error.message = prompts::pool_failed();
  SignInEnd end = make_end(by_policy ? Outcome::not_permitted : Outcome::failed,
                           cause_of(error.kind), std::move(error.message));
  end->detail = std::move(error.detail);
  return end;
}

Task<SignInEnd> set_preference(SignInContext* context, SignInEnd accepted, const UserState* user) {
  MfaResult<cognito::MfaPreference> preference =
      preference_for(*context->request.change, *user, context->config().mfa);
  if (!preference) co_return not_changed(std::move(preference.error()));
  if (is_empty(*preference)) co_return changed(std::move(accepted), "nothing-to-change", Notice());
  const bool something_new = switches_on(*preference, *user);
  std::string token = accepted->accepted->tokens.get().access_token;
  PoolResult<void> set = co_await context->services.pool->set_mfa_preference(
      std::move(token), *preference, context->step_deadline());
  if (set || cognito::error_row(set.error()).answer_lost())
    report_factor_change(*context, What::factors);
  if (!set) {
    SignInEnd end = not_changed(mfa_error_of(set.error(), something_new));
    end->request_id = set.error().request_id;
    co_return end;
  }
  co_return changed(std::move(accepted), "factors-changed", Notice());
}

// For the log and the note: an address, "seat", or nothing that is known.
std::string place_of(const SignInRequest& request) {
  if (!request.remote_host.empty()) return request.remote_host;
  if (!request.caller_is_root) {
    if (request.place.kind == CallerPlace::Kind::seat) return sessions::FactorChangeNote::kSeat;
    return request.place.address;
  }
  return {};
}

}  // namespace

Task<SignInEnd> change_factors(SignInContext* context, SignInEnd accepted) {
  // The sign-in itself was the set-up, because the pool demanded one.
  if (context->enrolled.totp && context->is_to_set_up_totp())
    co_return is_set_up(std::move(accepted));
  PoolResult<UserState> user = co_await context->services.pool->get_user(
      accepted->accepted->tokens.get().access_token, context->step_deadline());
  if (!user) co_return context->from_error(user.error());
  StepResult<> permitted = check_permission(*context, *user);
  if (!permitted) co_return std::move(permitted.error());
  if (context->is_to_set_up_totp()) {
    SignInEnd end = co_await set_up_totp(context, std::move(accepted));
    co_return end;
  }
  SignInEnd end = co_await set_preference(context, std::move(accepted), &*user);
  co_return end;
}

void report_factor_change(const SignInContext& context, What what) {
  const SignInRequest& request = context.request;
  sessions::FactorChangeNote note;
  note.at = context.services.clock->wall_time();
  note.what = what;
  note.from = place_of(request);
  // A user who sets something up in a sign-in sees it there.
  if (request.goal == Goal::sign_in) note.told.push_back(request.origin.key());
  const std::string from = note.from.empty() ? request.origin.key() : note.from;
  runtime::log(Level::notice,
               "second factors of " + request.user + ": " +
                   (what == What::app ? "an authenticator app was set up" : "changed") + ", from " +
                   from + " id=" + request.log_id,
               {{"ID", request.log_id},
                {"USER", request.user},
                {"SERVICE", request.service},
                {"ORIGIN", request.origin.key()},
                {"CAUSE", what == What::app ? "totp-set-up" : "factors-changed"},
                {"DETAIL", note.from}});
  context.services.known->note_factor_change(request.user, std::move(note));
  if (context.services.factors_changed) context.services.factors_changed(request.user);
}

std::string untold_factor_changes(const SignInContext& context) {
  if (context.request.goal != Goal::sign_in) return {};
  std::string text;
  for (const sessions::FactorChangeNote& note : context.services.known->untold_factor_changes(
           context.request.user, context.request.origin.key(),
           context.services.clock->wall_time())) {
    if (!text.empty()) text += "\n";
    text += prompts::factor_was_changed(note.what == What::app, note.at, note.from);
  }
  return text;
}

}  // namespace pamcognito::sign_in
