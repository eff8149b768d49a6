#pragma once

#include <json/value.h>
#include <openssl/evp.h>

#include <ctime>
#include <memory>
#include <string>

namespace pamcognito::test {

inline constexpr char kIssuer[] = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example";
inline constexpr char kClient[] = "1example23456789";

// An RSA key with a kid, as a pool has two.
class SigningKey {
 public:
  explicit SigningKey(std::string kid);
  [[nodiscard]] const std::string& kid() const { return kid_; }
  [[nodiscard]] Json::Value jwk() const;
  // RS256 over the text.
  [[nodiscard]] std::string sign(const std::string& text) const;
  [[nodiscard]] EVP_PKEY* get() const { return key_.get(); }

 private:
  std::string kid_;
  std::shared_ptr<EVP_PKEY> key_;
};

// Two keys of the pool, and one that is not the pool's but has the kid of the first.
const SigningKey& access_key();
const SigningKey& id_key();
const SigningKey& foreign_key();

// The pool's JWKS.
std::string key_set();

// Claims of good tokens for alice, valid at `now`.
Json::Value access_claims(std::time_t now);
Json::Value id_claims(std::time_t now);

std::string base64url(const std::string& bytes);
std::string write(const Json::Value& value);
Json::Value header_for(const SigningKey& key);
std::string make_token(const Json::Value& header, const std::string& payload,
                       const SigningKey& key);
std::string make_token(const Json::Value& claims, const SigningKey& key);

}  // namespace pamcognito::test
