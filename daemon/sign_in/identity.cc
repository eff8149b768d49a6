#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "common/ascii.h"
#include "common/text.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::VerifiedTokens;
using policy::Identity;
using runtime::Level;
using runtime::Task;
using sessions::KnownUser;
using sessions::PinnedBy;

constexpr std::size_t kShown = 256;  // bytes of a name or an address in the log

bool equals_but_for_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](char one, char other) { return ascii::lower(one) == ascii::lower(other); });
}

enum class Likeness : std::uint8_t { none, but_for_case, exact };

// An alias belongs to its present holder: a verified e-mail address passes to the account that was
// confirmed last, and every user may write a preferred_username. So only these claims count, and
// only until the first sign-in has pinned `sub`. An empty claim equals nothing.
Likeness likeness(const SignInContext& context, const VerifiedTokens& verified) {
  const Identity identity = context.config().access.identity;
  const bool by_email = identity == Identity::email;
  const std::string& claim = by_email ? verified.email : verified.username;
  if (identity == Identity::pinned || claim.empty() || (by_email && !verified.email_verified))
    return Likeness::none;
  if (claim == context.cognito_name) return Likeness::exact;
  return equals_but_for_case(claim, context.cognito_name) ? Likeness::but_for_case : Likeness::none;
}

std::string shown(std::string_view text) {
  return printable(text, kShown);
}

std::string account_of(const VerifiedTokens& verified) {
  return shown(verified.username) + " (sub " + shown(verified.sub) + ")";
}

// The value that was compared with the name that the user has to have.
std::string claim_of(Identity identity, const VerifiedTokens& verified) {
  if (identity != Identity::email) return account_of(verified);
  const std::string account = "the account " + account_of(verified);
  if (verified.email.empty()) return account + " without an e-mail address";
  return account + " with the e-mail address " + shown(verified.email) +
         (verified.email_verified ? "" : ", which is not verified");
}

std::unexpected<SignInEnd> refuse(std::string cause, std::string detail) {
  SignInEnd end =
      make_end(Outcome::not_permitted, std::move(cause), prompts::not_permitted(), Level::warning);
  end->detail = std::move(detail);
  return std::unexpected(std::move(end));
}

std::unexpected<SignInEnd> refuse_unwritable(std::string detail) {
  SignInEnd end =
      make_end(Outcome::failed, "identity-not-written", prompts::ask_administrator(), Level::error);
  end->detail = std::move(detail);
  return std::unexpected(std::move(end));
}

std::unexpected<SignInEnd> refuse_other_account(const SignInContext& context,
                                                const VerifiedTokens& verified,
                                                const KnownUser& pinned) {
  return refuse("another-account", "the pool signed in " + account_of(verified) + ", but " +
                                       context.request.user + " is pinned to sub " + pinned.sub +
                                       "; root may change that: cognitoctl identity pin");
}

std::unexpected<SignInEnd> refuse_unpinned(const SignInContext& context,
                                           const VerifiedTokens& verified) {
  const std::string& user = context.request.user;
  return refuse("not-pinned", user + " is not pinned yet; the pool signed in " +
                                  account_of(verified) +
                                  "; if that is right, root may pin it: cognitoctl identity pin " +
                                  user + " " + shown(verified.sub));
}

std::unexpected<SignInEnd> refuse_mismatch(const SignInContext& context,
                                           const VerifiedTokens& verified, Likeness alike) {
  std::string detail = "the pool signed in " +
                       claim_of(context.config().access.identity, verified) + ", not " +
                       shown(context.cognito_name);
  if (alike == Likeness::but_for_case)
    detail +=
        ": they differ by upper and lower case only; if the pool ignores case, set "
        "case_sensitive = no in [access]";
  return refuse("identity", std::move(detail));
}

// One account is one Linux user: a sign-in never pins an account that another sign-in has pinned to
// another user. A pin by root to another user prevents the sign-in only if the name is not exactly
// the account's.
StepResult<> check_holder(const SignInContext& context, const VerifiedTokens& verified,
                          Likeness alike) {
  const auto* const holder =
      context.services.known->other_holder(verified.sub, context.request.user);
  if (holder == nullptr || (holder->second.pinned_by == PinnedBy::root && alike == Likeness::exact))
    return {};
  return refuse("account-taken", "the pool signed in " + account_of(verified) +
                                     ", to which the Linux user " + holder->first +
                                     " is pinned; root may pin " + context.request.user +
                                     " as well: cognitoctl identity pin");
}

}  // namespace

SignInEnd identities_unreadable() {
  SignInEnd end = make_end(Outcome::failed, "identities-unreadable", prompts::ask_administrator(),
                           Level::error);
  end->detail =
      "the identities could not be read when the daemon started or its configuration was "
      "loaded: nobody can sign in until they can; the log of that time says why";
  return end;
}

StepResult<> check_identity(const SignInContext& context, const VerifiedTokens& verified) {
  const sessions::KnownUsers& known = *context.services.known;
  if (!known.is_readable()) return std::unexpected(identities_unreadable());
  if (verified.sub.empty()) return refuse("identity", "the tokens name no sub");
  if (const KnownUser* pinned = known.find(context.request.user)) {
    if (pinned->sub == verified.sub) return {};
    return refuse_other_account(context, verified, *pinned);
  }
  const policy::AccessConfig& access = context.config().access;
  if (access.identity == Identity::pinned) return refuse_unpinned(context, verified);
  const Likeness alike = likeness(context, verified);
  const Likeness wanted = access.case_sensitive ? Likeness::exact : Likeness::but_for_case;
  if (alike < wanted) return refuse_mismatch(context, verified, alike);
  return check_holder(context, verified, alike);
}

Task<StepResult<>> pin_identity(SignInContext* context, const VerifiedTokens* verified) {
  sessions::KnownUsers& known = *context->services.known;
  const std::string& user = context->request.user;
  if (known.find(user) == nullptr) {
    std::expected<void, std::string> pinned = co_await known.pin(
        user, verified->sub, PinnedBy::first_sign_in, context->services.clock->wall_time());
    // Another sign-in may have been first, of this user with another account, or of another user
    // with this one.
    if (!pinned && known.find(user) == nullptr) {
      StepResult<> identity = check_identity(*context, *verified);
      if (identity) identity = refuse_unwritable(std::move(pinned.error()));
      co_return identity;
    }
  }
  co_return check_identity(*context, *verified);
}

}  // namespace pamcognito::sign_in
