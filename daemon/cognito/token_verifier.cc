#include "daemon/cognito/token_verifier.h"

#include <algorithm>
#include <cstddef>
#include <expected>

namespace pamcognito::cognito {
namespace {

using runtime::Task;

std::unexpected<PoolError> rejected(TokenUse use, const std::string& reason) {
  const std::string which = use == TokenUse::access ? "access token: " : "id token: ";
  return std::unexpected(PoolError(ErrorKind::tokens_rejected, which + reason));
}

}  // namespace

TokenVerifier::TokenVerifier(KeyCache& keys, runtime::Clock& clock,
                             std::vector<std::string> issuers, std::vector<std::string> jwks_uris,
                             std::string client_id)
    : keys_(keys),
      clock_(clock),
      issuers_(std::move(issuers)),
      jwks_uris_(std::move(jwks_uris)),
      client_id_(std::move(client_id)) {}

Task<PoolResult<JsonDocument>> TokenVerifier::verified_claims(const std::string* token,
                                                              TokenUse use, Call call) {
  auto jwt = parse_jwt(*token);
  if (!jwt) co_return rejected(use, jwt.error());
  const auto issuer = std::ranges::find(issuers_, jwt->issuer);
  if (issuer == issuers_.end()) co_return rejected(use, "iss is not this pool");
  const auto index = static_cast<std::size_t>(issuer - issuers_.begin());
  if (index >= jwks_uris_.size()) {
    co_return std::unexpected(PoolError(ErrorKind::internal, "no JWKS URI for the issuer"));
  }
  PoolResult<PublicKey> key = co_await keys_.key(jwks_uris_[index], jwt->kid, call);
  if (!key) co_return std::unexpected(std::move(key.error()));
  if (!has_valid_signature(*jwt, key->get())) co_return rejected(use, "the signature is wrong");
  const auto claims = check_claims(jwt->claims.root(), use, client_id_, clock_.wall_time());
  if (!claims) co_return rejected(use, claims.error());
  co_return std::move(jwt->claims);
}

Task<PoolResult<VerifiedTokens>> TokenVerifier::verify(const Tokens* tokens, Call call) {
  PoolResult<JsonDocument> access =
      co_await verified_claims(&tokens->access_token, TokenUse::access, call);
  if (!access) co_return std::unexpected(std::move(access.error()));
  PoolResult<JsonDocument> id = co_await verified_claims(&tokens->id_token, TokenUse::id, call);
  if (!id) co_return std::unexpected(std::move(id.error()));
  auto identity = read_identity(access->root(), id->root());
  if (!identity) {
    co_return std::unexpected(PoolError(ErrorKind::tokens_rejected, std::move(identity.error())));
  }
  co_return std::move(*identity);
}

}  // namespace pamcognito::cognito
