#pragma once

#include <functional>
#include <string>

#include "daemon/cognito/user_pool.h"

namespace pamcognito::flows {

// Tokens of a sign-in. They are revoked with this object, whatever ends it: a success that was
// taken over (nothing uses them after), a refusal, a fault, a host process that died.
class PendingTokens {
 public:
  PendingTokens(cognito::Tokens tokens, std::function<void(std::string)> revoke_later);
  PendingTokens(PendingTokens&& other) noexcept;
  PendingTokens& operator=(PendingTokens&& other) noexcept;
  PendingTokens(const PendingTokens&) = delete;
  PendingTokens& operator=(const PendingTokens&) = delete;
  ~PendingTokens();

  [[nodiscard]] const cognito::Tokens& get() const noexcept { return tokens_; }

 private:
  cognito::Tokens tokens_;
  std::function<void(std::string)> revoke_later_;  // empty: moved from
};

}  // namespace pamcognito::flows
