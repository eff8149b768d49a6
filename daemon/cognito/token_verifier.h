#pragma once

#include <string>
#include <vector>

#include "daemon/cognito/jwt.h"
#include "daemon/cognito/key_cache.h"

namespace pamcognito::cognito {

// Verifies the two tokens of a sign-in: signature, issuer, use, client, times, agreement.
class TokenVerifier {
 public:
  // `jwks_uris`: one for each issuer, in order. The references outlive every task.
  TokenVerifier(KeyCache& keys, runtime::Clock& clock, std::vector<std::string> issuers,
                std::vector<std::string> jwks_uris, std::string client_id);

  // `tokens` outlives the task.
  runtime::Task<PoolResult<VerifiedTokens>> verify(const Tokens* tokens, Call call);

 private:
  runtime::Task<PoolResult<JsonDocument>> verified_claims(const std::string* token, TokenUse use,
                                                          Call call);

  KeyCache& keys_;
  runtime::Clock& clock_;
  std::vector<std::string> issuers_;
  std::vector<std::string> jwks_uris_;
  std::string client_id_;
};

}  // namespace pamcognito::cognito
