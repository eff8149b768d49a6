#include <string>
#include <utility>

#include "daemon/flows/steps.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::flows {
namespace {

using cognito::VerifiedTokens;
using runtime::Level;
using runtime::Task;
using sessions::KnownUser;

// An alias leads to whoever holds it now: a verified e-mail address goes over to the account that
// was confirmed last, and everybody may write a preferred_username. So only these claims count, and
// only until the first sign-in has pinned `sub`.
bool claims_the_user(const SignInContext& context, const VerifiedTokens& verified) {
  switch (context.config().access.identity) {
    case policy::Identity::username:
      return verified.username == context.cognito_name;
    case policy::Identity::email:
      return verified.email_verified && !verified.email.empty() &&
             verified.email == context.cognito_name;
    case policy::Identity::file:
      return false;
  }
  return false;
}

std::string account_of(const VerifiedTokens& verified) {
  return verified.username + " (sub " + verified.sub + ")";
}

Ended refused(std::string cause, std::string detail) {
  Ended end =
      ended(Outcome::not_permitted, std::move(cause), prompts::not_permitted(), Level::warning);
  end->detail = std::move(detail);
  return end;
}

Ended not_writable(std::string detail) {
  Ended end =
      ended(Outcome::failed, "identity-not-written", prompts::ask_administrator(), Level::error);
  end->detail = std::move(detail);
  return end;
}

}  // namespace

Ended identities_unreadable() {
  Ended end =
      ended(Outcome::failed, "identities-unreadable", prompts::ask_administrator(), Level::error);
  end->detail =
      "the identities could not be read when the daemon started or its configuration was "
      "loaded: nobody can sign in until they can; the log of that time says why";
  return end;
}

Ended check_identity(const SignInContext& context, const VerifiedTokens& verified) {
  const std::string& user = context.request.user;
  const sessions::KnownUsers& known = *context.services.known;
  if (!known.is_readable()) return identities_unreadable();
  if (verified.sub.empty()) return refused("identity", "the tokens name no sub");
  if (const KnownUser* pinned = known.find(user)) {
    if (pinned->sub == verified.sub) return nullptr;
    return refused("identity", "the pool signed in " + account_of(verified) + ", but " + user +
                                   " is pinned to sub " + pinned->sub +
                                   "; root may change that: cognitoctl identity pin");
  }
  if (claims_the_user(context, verified)) return nullptr;
  if (context.config().access.identity == policy::Identity::file)
    return refused("not-pinned",
                   user + " is not pinned yet; the pool signed in " + account_of(verified) +
                       "; if that is right, root may pin it: cognitoctl identity pin " + user +
                       " " + verified.sub);
  return refused("identity",
                 "the pool signed in " + account_of(verified) + ", not " + context.cognito_name);
}

Task<Ended> pin_identity(SignInContext* context, const VerifiedTokens* verified) {
  sessions::KnownUsers& known = *context->services.known;
  const std::string& user = context->request.user;
  if (known.find(user) == nullptr) {
    std::expected<void, std::string> pinned =
        co_await known.pin(user, verified->sub, sessions::PinnedBy::first_sign_in,
                           context->services.clock->wall_time());
    // Another sign-in may have been first, with another account.
    if (!pinned && known.find(user) == nullptr) co_return not_writable(std::move(pinned.error()));
  }
  co_return check_identity(*context, *verified);
}

}  // namespace pamcognito::flows
