#include "tests/unit/cognito/token_factory.h"

#include <json/writer.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <stdexcept>
#include <utility>

#include "daemon/cognito/base64.h"

namespace pamcognito::test {
namespace {

std::string number(EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) throw std::runtime_error("RSA parameter");
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
  (void)BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(value);
  return bytes;
}

}  // namespace

SigningKey::SigningKey(std::string kid)
    : kid_(std::move(kid)), key_(EVP_RSA_gen(2048), EVP_PKEY_free) {}

Json::Value SigningKey::jwk() const {
  Json::Value jwk;
  jwk["kid"] = kid_;
  jwk["alg"] = "RS256";
  jwk["kty"] = "RSA";
  jwk["use"] = "sig";
  jwk["n"] = base64url(number(key_.get(), OSSL_PKEY_PARAM_RSA_N));
  jwk["e"] = base64url(number(key_.get(), OSSL_PKEY_PARAM_RSA_E));
  return jwk;
}

std::string SigningKey::sign(const std::string& text) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::string signature(256, '\0');
  std::size_t size = signature.size();
  const bool done =
      EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
      EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  EVP_MD_CTX_free(context);
  if (!done) throw std::runtime_error("RS256");
  return signature;
}

const SigningKey& access_key() {
  static const SigningKey key("access+key/1=");
  return key;
}

const SigningKey& id_key() {
  static const SigningKey key("id-key");
  return key;
}

const SigningKey& foreign_key() {
  static const SigningKey key(access_key().kid());
  return key;
}

std::string key_set() {
  Json::Value set;
  set["keys"].append(access_key().jwk());
  set["keys"].append(id_key().jwk());
  return write(set);
}

Json::Value access_claims(std::time_t now) {
  Json::Value claims;
  claims["sub"] = "11111111-2222-3333-4444-555555555555";
  claims["username"] = "alice";
  claims["client_id"] = kClient;
  claims["token_use"] = "access";
  claims["scope"] = "aws.cognito.signin.user.admin";
  claims["iss"] = kIssuer;
  claims["iat"] = static_cast<Json::Int64>(now);
  claims["exp"] = static_cast<Json::Int64>(now + 3600);
  claims["cognito:groups"].append("linux-users");
  claims["cognito:groups"].append("linux-admins");
  return claims;
}

Json::Value id_claims(std::time_t now) {
  Json::Value claims;
  claims["sub"] = "11111111-2222-3333-4444-555555555555";
  claims["cognito:username"] = "alice";
  claims["aud"] = kClient;
  claims["token_use"] = "id";
  claims["iss"] = kIssuer;
  claims["iat"] = static_cast<Json::Int64>(now);
  claims["exp"] = static_cast<Json::Int64>(now + 3600);
  claims["email"] = "alice@example.com";
  claims["email_verified"] = true;
  return claims;
}

std::string base64url(const std::string& bytes) {
  std::string text =
      cognito::base64_encode({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::string write(const Json::Value& value) {
  Json::StreamWriterBuilder builder;
  builder["indentation"] = "";
  return Json::writeString(builder, value);
}

Json::Value header_for(const SigningKey& key) {
  Json::Value header;
  header["kid"] = key.kid();
  header["alg"] = "RS256";
  return header;
}

std::string make_token(const Json::Value& header, const std::string& payload,
                       const SigningKey& key) {
  const std::string signed_part = base64url(write(header)) + "." + base64url(payload);
  return signed_part + "." + base64url(key.sign(signed_part));
}

std::string make_token(const Json::Value& claims, const SigningKey& key) {
  return make_token(header_for(key), write(claims), key);
}

}  // namespace pamcognito::test
