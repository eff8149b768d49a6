#include "daemon/flows/pending_tokens.h"

#include <utility>

namespace pamcognito::flows {

PendingTokens::PendingTokens(cognito::Tokens tokens, std::function<void(std::string)> revoke_later)
    : tokens_(std::move(tokens)), revoke_later_(std::move(revoke_later)) {}

PendingTokens::PendingTokens(PendingTokens&& other) noexcept
    : tokens_(std::move(other.tokens_)), revoke_later_(std::exchange(other.revoke_later_, {})) {}

PendingTokens& PendingTokens::operator=(PendingTokens&& other) noexcept {
  if (this == &other) return *this;
  const PendingTokens replaced(std::move(*this));  // revokes what was here
  tokens_ = std::move(other.tokens_);
  revoke_later_ = std::exchange(other.revoke_later_, {});
  return *this;
}

cognito::Tokens PendingTokens::take() {
  revoke_later_ = {};
  return std::move(tokens_);
}

PendingTokens::~PendingTokens() {
  if (revoke_later_ && !tokens_.refresh_token.empty())
    revoke_later_(std::move(tokens_.refresh_token));
}

}  // namespace pamcognito::flows
