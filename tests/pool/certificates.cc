#include "tests/pool/certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/types.h>

#include <memory>
#include <tuple>

#include "tests/pool/crypto.h"
#include "tests/pool/files.h"

namespace pamcognito::pool {

namespace {

using Bio = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, OpensslFree<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

constexpr long kDaySeconds = 24L * 3600;
constexpr long kLifetimeSeconds = 3650L * kDaySeconds;

struct Identity {
  Key key;
  Certificate certificate;
};

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  require_crypto(key != nullptr, "EC key");
  return key;
}

void extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  require_crypto(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
                 "certificate extension");
}

// A certificate for a new key, not signed yet.
Identity draft(const char* common_name) {
  Identity made{make_key(), Certificate(X509_new())};
  X509* certificate = made.certificate.get();
  const BigNumber serial = BigNumber(BN_new());
  require_crypto(BN_rand(serial.get(), 120, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1, "serial");
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate));
  X509_set_version(certificate, X509_VERSION_3);
  // A day back, for clients whose clock is a little behind.
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kLifetimeSeconds);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  return made;
}

void sign(X509* certificate, const Identity& authority) {
  require_crypto(
      X509_set_issuer_name(certificate, X509_get_subject_name(authority.certificate.get())) == 1 &&
          X509_sign(certificate, authority.key.get(), EVP_sha256()) > 0,
      "certificate signature");
}

Identity make_authority() {
  Identity authority = draft("cognito-pool test authority");
  X509* certificate = authority.certificate.get();
  extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(certificate, certificate, NID_subject_key_identifier, "hash");
  sign(certificate, authority);
  return authority;
}

Identity make_server(const Identity& authority) {
  Identity server = draft("localhost");
  X509* certificate = server.certificate.get();
  X509* issuer = authority.certificate.get();
  extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  extend(certificate, issuer, NID_key_usage, "critical,digitalSignature");
  extend(certificate, issuer, NID_ext_key_usage, "serverAuth");
  extend(certificate, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  extend(certificate, issuer, NID_subject_key_identifier, "hash");
  extend(certificate, issuer, NID_authority_key_identifier, "keyid");
  sign(certificate, authority);
  return server;
}

std::string pem_of(const Key& key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require_crypto(
      PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
      "PEM of a key");
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(length)};
}

std::string pem_of(const Certificate& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require_crypto(PEM_write_bio_X509(bio.get(), certificate.get()) == 1, "PEM of a certificate");
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(length)};
}

}  // namespace

std::expected<TlsFiles, std::string> load_or_make_certificates(const std::string& state) {
  const auto certificate = read_file(state + "/server.pem");
  const auto key = read_file(state + "/server-key.pem");
  if (certificate && key && read_file(state + "/ca.pem")) return TlsFiles{*certificate, *key};

  const Identity authority = make_authority();
  const Identity server = make_server(authority);
  TlsFiles files{pem_of(server.certificate), pem_of(server.key)};
  for (const auto& [name, contents, mode] :
       {std::tuple{"/ca-key.pem", pem_of(authority.key), mode_t{0600}},
        std::tuple{"/server-key.pem", files.key, mode_t{0600}},
        std::tuple{"/server.pem", files.certificate, mode_t{0644}},
        std::tuple{"/ca.pem", pem_of(authority.certificate), mode_t{0644}}}) {
    if (auto written = write_file(state + name, contents, mode); !written) {
      return std::unexpected(written.error());
    }
  }
  return files;
}

}  // namespace pamcognito::pool
