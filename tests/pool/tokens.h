#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/pool/signing_key.h"

namespace pamcognito::pool {

// The user and client of a pair of tokens.
struct TokenSubject {
  std::string username;
  std::string sub;
  std::map<std::string, std::string> attributes;
  std::vector<std::string> groups;
  std::vector<std::string> roles;
  std::string client_id;
  int64_t auth_time_s = 0;
  int64_t id_validity_s = 0;
  int64_t access_validity_s = 0;
  // "" where the client has no revocation.
  std::string origin_jti;
  std::string event_id;
  // "" where no device is involved.
  std::string device_key;
};

// How tokens are to be wrong; README.md lists the kinds. An empty kind is an honest pair.
struct Forgery {
  std::string kind;
  std::string token = "both";
  // Claims to set, or to remove by null, before an honest signature.
  Json::Value id_claims;
  Json::Value access_claims;
};

struct TokenPair {
  std::string id;
  std::string access;
};

// The pool's two keys: one signs id tokens, the other access tokens.
class TokenIssuer {
 public:
  TokenIssuer(SigningKey id_key, SigningKey access_key);
  // With keys that live in the directory `state`.
  [[nodiscard]] static std::expected<TokenIssuer, std::string> open(const std::string& state);

  void set_issuer(std::string issuer) { issuer_ = std::move(issuer); }
  [[nodiscard]] const std::string& issuer() const { return issuer_; }
  [[nodiscard]] TokenPair issue(const TokenSubject& subject, int64_t now_s,
                                const Forgery& forgery) const;
  // The claims of an access token that this pool made; the error is Cognito's text.
  [[nodiscard]] std::expected<Json::Value, std::string> verify_access(const std::string& jwt,
                                                                      int64_t now_s) const;
  [[nodiscard]] Json::Value jwks() const;
  // Two new keys; the old ones stay in the JWKS if asked for.
  void rotate(bool keep_old);
  [[nodiscard]] std::vector<std::string> kids() const;

 private:
  [[nodiscard]] std::string sign(const Json::Value& claims, const SigningKey& key,
                                 const std::string& forgery_kind) const;

  SigningKey id_key_;
  SigningKey access_key_;
  std::vector<SigningKey> old_keys_;
  std::string issuer_;
};

}  // namespace pamcognito::pool
