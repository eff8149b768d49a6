#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "tests/pool/crypto.h"
#include "tests/pool/settings.h"

namespace pamcognito::pool {

// An RSA key of 2048 bits that signs JWTs with RS256, and its name in the JWKS.
class SigningKey {
 public:
  [[nodiscard]] static SigningKey generate();
  // Reads the PEM file, or makes a key and writes it there.
  [[nodiscard]] static std::expected<SigningKey, std::string> load_or_make(const std::string& path);

  // Base64 with `+`, `/` and `=` in it, as Cognito's are: clients must not treat it as a file name.
  [[nodiscard]] const std::string& kid() const { return kid_; }
  [[nodiscard]] Json::Value jwk() const;
  // The signature of `text`, raw.
  [[nodiscard]] std::string sign(std::string_view text) const;
  [[nodiscard]] bool verifies(std::string_view text, std::string_view signature) const;
  [[nodiscard]] std::string public_pem() const;

 private:
  explicit SigningKey(Key key);

  Key key_;
  std::string kid_;
};

// Whom a pair of tokens is for.
struct TokenSubject {
  std::string username;
  std::string sub;
  std::map<std::string, std::string> attributes;
  std::vector<std::string> groups;
  std::string client_id;
  int64_t auth_time_s = 0;
  int64_t id_validity_s = 0;
  int64_t access_validity_s = 0;
  // "" where the client has no revocation.
  std::string origin_jti;
  std::string event_id;
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
  // The claims of an access token of ours; the error is Cognito's text.
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
