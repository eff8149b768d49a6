#include "tests/pool/grants.h"

#include <utility>

#include "tests/pool/crypto.h"

namespace pamcognito::pool {

std::string GrantStore::issue(std::shared_ptr<Grant> grant, int64_t expires_life_ms) {
  // The sizes of a JWE with an RSA-wrapped key: header, key, IV, text, tag.
  const std::string header = R"({"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"})";
  std::string text = base64url_encode(header);
  for (const size_t size : {256U, 12U, 900U, 16U}) {
    text += "." + base64url_encode(random_bytes(size));
  }
  tokens_.emplace(text, RefreshToken{std::move(grant), expires_life_ms, std::nullopt});
  return text;
}

RefreshToken* GrantStore::find(const std::string& text) {
  const auto found = tokens_.find(text);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::string GrantStore::owner(const std::string& text) const {
  const auto found = tokens_.find(text);
  return found == tokens_.end() ? "" : found->second.grant->username;
}

void GrantStore::revoke(Grant& grant) {
  grant.revoked = true;
  if (!grant.origin_jti.empty()) revoked_.insert(grant.origin_jti);
}

void GrantStore::revoke_user(const std::string& username) {
  for (auto& [text, token] : tokens_) {
    if (token.grant->username == username) revoke(*token.grant);
  }
}

void GrantStore::keep_newest(const std::string& username, int64_t most) {
  std::map<int64_t, std::shared_ptr<Grant>> living;
  for (const auto& [text, token] : tokens_) {
    const Grant& grant = *token.grant;
    if (grant.username == username && !grant.revoked) living[grant.number] = token.grant;
  }
  for (auto oldest = living.begin(); static_cast<int64_t>(living.size()) > most;) {
    revoke(*oldest->second);
    oldest = living.erase(oldest);
  }
}

bool GrantStore::is_revoked(const std::string& origin_jti) const {
  return revoked_.contains(origin_jti);
}

void GrantStore::clear() {
  tokens_.clear();
  revoked_.clear();
}

}  // namespace pamcognito::pool
