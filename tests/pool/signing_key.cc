#include "tests/pool/signing_key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <utility>

#include "tests/pool/files.h"

namespace pamcognito::pool {

namespace {

using Bio = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;

Bio make_memory() {
  Bio bio(BIO_new(BIO_s_mem()));
  require_crypto(bio != nullptr, "BIO");
  return bio;
}

std::string contents(const Bio& bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(length)};
}

std::string rsa_number(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  require_crypto(EVP_PKEY_get_bn_param(key, name, &raw) == 1, "RSA parameter");
  const BigNumber number(raw);
  std::string bytes(static_cast<size_t>(BN_num_bytes(raw)), '\0');
  BN_bn2bin(raw, reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

// Depends on the key alone, so that a pool that starts again keeps its names.
std::string name_of(const EVP_PKEY* key) {
  const std::string modulus = rsa_number(key, OSSL_PKEY_PARAM_RSA_N);
  for (int round = 0;; ++round) {
    std::string kid = base64_encode(sha256(std::to_string(round) + modulus));
    if (kid.find('+') != std::string::npos && kid.find('/') != std::string::npos) return kid;
  }
}

}  // namespace

SigningKey::SigningKey(Key key) : key_(std::move(key)), kid_(name_of(key_.get())) {}

SigningKey SigningKey::generate() {
  Key key(EVP_RSA_gen(2048));
  require_crypto(key != nullptr, "RSA key");
  return SigningKey(std::move(key));
}

std::expected<SigningKey, std::string> SigningKey::load_or_make(const std::string& path) {
  if (const auto pem = read_file(path)) {
    const Bio bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
      return std::unexpected(path + ": not an RSA key in PEM form");
    }
    return SigningKey(std::move(key));
  }
  SigningKey made = generate();
  const Bio bio = make_memory();
  require_crypto(PEM_write_bio_PrivateKey(bio.get(), made.key_.get(), nullptr, nullptr, 0, nullptr,
                                          nullptr) == 1,
                 "PEM of a key");
  if (const auto written = write_file(path, contents(bio), 0600); !written) {
    return std::unexpected(written.error());
  }
  return made;
}

Json::Value SigningKey::jwk() const {
  Json::Value out;
  out["kid"] = kid_;
  out["alg"] = "RS256";
  out["kty"] = "RSA";
  out["use"] = "sig";
  out["n"] = base64url_encode(rsa_number(key_.get(), OSSL_PKEY_PARAM_RSA_N));
  out["e"] = base64url_encode(rsa_number(key_.get(), OSSL_PKEY_PARAM_RSA_E));
  return out;
}

std::string SigningKey::sign(std::string_view text) const {
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  size_t length = signature.size();
  require_crypto(
      EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(),
                            nullptr) == 1 &&
          EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                         reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1,
      "RS256 signature");
  signature.resize(length);
  return signature;
}

bool SigningKey::verifies(std::string_view text, std::string_view signature) const {
  const DigestContext context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(),
                                 nullptr) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

std::string SigningKey::public_pem() const {
  const Bio bio = make_memory();
  require_crypto(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1, "PEM of a public key");
  return contents(bio);
}

}  // namespace pamcognito::pool
