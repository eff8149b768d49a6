#include <algorithm>
#include <array>
#include <charconv>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "daemon/cognito/bounds.h"
#include "daemon/cognito/claim.h"
#include "daemon/prompts/texts.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using runtime::Level;
using runtime::Task;

struct Row {
  StoreFailure failure;
  Outcome outcome;
  std::string_view cause;  // for the log
  std::string (*text)();
};

// One row for each failure. A user is told no reason: the administrator finds it in the journal of
// cognitod-accounts.
constexpr std::array kRows = {
    Row{StoreFailure::another_person, Outcome::not_permitted, "account-of-another-person",
        &prompts::not_permitted},
    Row{StoreFailure::locked, Outcome::not_permitted, "account-locked", &prompts::not_permitted},
    Row{StoreFailure::not_permitted, Outcome::not_permitted, "account-not-permitted",
        &prompts::not_permitted},
    Row{StoreFailure::fault, Outcome::failed, "account-not-stored", &prompts::ask_administrator},
    Row{StoreFailure::unreachable, Outcome::failed, "accounts-unreachable",
        &prompts::ask_administrator},
};

SignInEnd end_of(StoreFailure failure) {
  const auto row = std::ranges::find(kRows, failure, &Row::failure);
  if (row == kRows.end())
    return make_end(Outcome::failed, "account-not-stored", prompts::ask_administrator(),
                    Level::error);
  return make_end(row->outcome, std::string(row->cause), row->text(),
                  row->outcome == Outcome::failed ? Level::error : Level::warning);
}

// Digits alone.
std::optional<uid_t> parse_uid(std::string_view text) {
  uid_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return uid;
}

// The keys are no reason to refuse a sign-in: cognitod-accounts leaves out what it does not accept,
// and an absent text removes them. It refuses a new account without the uid that accounts.conf
// demands.
AccountClaims claims_in(const SignInContext& context, const std::string& id_token) {
  AccountClaims claims;
  if (!context.services.account_attributes) return claims;
  const AccountAttributes attributes = context.services.account_attributes();
  const auto claim = [&](const std::string& name) {
    return name.empty() ? std::string()
                        : cognito::text_claim(id_token, name, cognito::kMaxAttribute).value_or("");
  };
  claims.ssh_keys = claim(attributes.ssh_keys);
  claims.uid = parse_uid(claim(attributes.uid));
  return claims;
}

}  // namespace

Task<StepResult<>> store_account(SignInContext* context, const cognito::VerifiedTokens* verified,
                                 const std::string* id_token) {
  // Nothing is kept of a test, and the identity was compared before.
  if (!context->request.has_stored_account || context->request.is_test) co_return StepResult<>();
  if (!context->services.store_account)
    co_return std::unexpected(end_of(StoreFailure::unreachable));
  const std::expected<void, StoreFailure> stored = co_await context->services.store_account(
      context->request.user, verified->sub, verified->groups, claims_in(*context, *id_token));
  if (!stored) co_return std::unexpected(end_of(stored.error()));
  co_return StepResult<>();
}

}  // namespace pamcognito::sign_in
