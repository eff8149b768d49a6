#pragma once

#include <functional>
#include <string>

#include "daemon/cognito/user_pool.h"

namespace pamcognito::flows {

// Tokens of a sign-in. They are revoked with this object, whatever ends it (a refusal, a fault, a
// host process that died), unless a session has taken them over.
class PendingTokens {
 public:
  PendingTokens(cognito::Tokens tokens, std::function<void(std::string)> revoke_later);
  PendingTokens(PendingTokens&& other) noexcept;
  PendingTokens& operator=(PendingTokens&& other) noexcept;
  PendingTokens(const PendingTokens&) = delete;
  PendingTokens& operator=(const PendingTokens&) = delete;
  ~PendingTokens();

  [[nodiscard]] const cognito::Tokens& get() const noexcept { return tokens_; }
  // Hands them over: they are no longer revoked here.
  [[nodiscard]] cognito::Tokens take();

 private:
  cognito::Tokens tokens_;
  std::function<void(std::string)> revoke_later_;  // empty: moved from
};

}  // namespace pamcognito::flows
