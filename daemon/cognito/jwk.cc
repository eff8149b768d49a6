#include "daemon/cognito/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <utility>

#include "daemon/cognito/base64.h"
#include "daemon/cognito/bounds.h"
#include "daemon/cognito/json.h"

namespace pamcognito::cognito {
namespace {

constexpr int kMinModulusBits = 2048;
constexpr int kMaxModulusBits = 8192;
constexpr int kMaxExponentBits = 32;

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIGNUM> number_of(const Json::Value& jwk, const char* name) {
  const auto text = required_string(jwk, name, kMaxKeyNumber);
  if (!text) return nullptr;
  const auto bytes = base64url_decode(*text);
  if (!bytes) return nullptr;
  return Owned<BIGNUM>(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes->data()),
                                 static_cast<int>(bytes->size()), nullptr));
}

PublicKey make_rsa_key(const BIGNUM* modulus, const BIGNUM* exponent) {
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent) != 1) {
    return nullptr;
  }
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return PublicKey(key, EVP_PKEY_free);
}

bool is_absent_or(const Json::Value& jwk, const char* name, std::string_view wanted) {
  const auto text = optional_string(jwk, name, kMaxKeyId);
  return text && (!*text || **text == wanted);
}

// Null: not a key for RS256, or not a sound one. Other keys of the set may still serve.
PublicKey parse_key(const Json::Value& jwk) {
  const auto type = required_string(jwk, "kty", kMaxKeyId);
  if (!type || *type != "RSA" || !is_absent_or(jwk, "use", "sig") ||
      !is_absent_or(jwk, "alg", "RS256")) {
    return nullptr;
  }
  const auto modulus = number_of(jwk, "n");
  const auto exponent = number_of(jwk, "e");
  if (!modulus || !exponent) return nullptr;
  const int modulus_bits = BN_num_bits(modulus.get());
  if (modulus_bits < kMinModulusBits || modulus_bits > kMaxModulusBits ||
      BN_num_bits(exponent.get()) > kMaxExponentBits || BN_num_bits(exponent.get()) < 2 ||
      BN_is_odd(exponent.get()) == 0) {
    return nullptr;
  }
  return make_rsa_key(modulus.get(), exponent.get());
}

}  // namespace

std::expected<KeySet, std::string> parse_key_set(std::string_view text) {
  const auto set = parse_json_object(text);
  if (!set) return std::unexpected(set.error());
  const Json::Value& keys = set->root()["keys"];
  if (!keys.isArray()) return std::unexpected("keys is not a list");
  if (keys.size() > kMaxKeys) return std::unexpected("too many keys");
  KeySet found;
  for (const Json::Value& jwk : keys) {
    auto kid = required_string(jwk, "kid", kMaxKeyId);
    if (!kid) continue;
    PublicKey key = parse_key(jwk);
    if (!key) continue;
    if (!found.emplace(std::move(*kid), std::move(key)).second) {
      return std::unexpected("two keys have the same kid");
    }
  }
  return found;
}

}  // namespace pamcognito::cognito
