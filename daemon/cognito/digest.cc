#include "daemon/cognito/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstddef>
#include <memory>

namespace pamcognito::cognito {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};

// Fetched once: a fetch by name at each use costs more than the hash.
const EVP_MD* sha256_method() {
  static const std::unique_ptr<EVP_MD, Free> method(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return method.get();
}

EVP_MAC* hmac_method() {
  static const std::unique_ptr<EVP_MAC, Free> method(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  return method.get();
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::optional<Digest> sha256(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), sha256_method(), nullptr) != 1) {
    return std::nullopt;
  }
  for (const auto part : parts) {
    if (EVP_DigestUpdate(context.get(), part.data(), part.size()) != 1) return std::nullopt;
  }
  Digest digest;
  if (EVP_DigestFinal_ex(context.get(), digest.bytes().data(), nullptr) != 1) return std::nullopt;
  return digest;
}

std::optional<Digest> hmac_sha256(std::string_view key,
                                  std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MAC_CTX, Free> context(EVP_MAC_CTX_new(hmac_method()));
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_end()};
  if (!context || EVP_MAC_init(context.get(), bytes_of(key), key.size(), params) != 1) {
    return std::nullopt;
  }
  for (const auto part : parts) {
    if (EVP_MAC_update(context.get(), bytes_of(part), part.size()) != 1) return std::nullopt;
  }
  Digest digest;
  std::size_t size = 0;
  if (EVP_MAC_final(context.get(), digest.bytes().data(), &size, digest.bytes().size()) != 1 ||
      size != digest.bytes().size()) {
    return std::nullopt;
  }
  return digest;
}

}  // namespace pamcognito::cognito
