#include "tests/unit/cognito/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <ios>
#include <stdexcept>

namespace pamcognito::test {
namespace {

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL could not make a test certificate");
}

void add_extension(X509* certificate, X509* authority, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, authority, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

Certificate make(const std::string& name, const Certificate* authority) {
  Certificate made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.x509.reset(X509_new());
  must(made.key && made.x509);
  X509* x509 = made.x509.get();
  must(X509_set_version(x509, X509_VERSION_3) == 1);
  must(ASN1_INTEGER_set(X509_get_serialNumber(x509), authority == nullptr ? 1 : 2) == 1);
  must(X509_gmtime_adj(X509_getm_notBefore(x509), -3600) != nullptr);
  must(X509_gmtime_adj(X509_getm_notAfter(x509), 24 * 3600) != nullptr);
  must(X509_set_pubkey(x509, made.key.get()) == 1);
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                  0) == 1);
  const X509* issuer = authority == nullptr ? x509 : authority->x509.get();
  must(X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1);
  return made;
}

void sign(Certificate& certificate, EVP_PKEY* key) {
  must(X509_sign(certificate.x509.get(), key, EVP_sha256()) > 0);
}

}  // namespace

std::string Certificate::pem() const {
  BIO* memory = BIO_new(BIO_s_mem());
  must(memory != nullptr && PEM_write_bio_X509(memory, x509.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return text;
}

Certificate make_authority(const std::string& name) {
  Certificate authority = make(name, nullptr);
  add_extension(authority.x509.get(), authority.x509.get(), NID_basic_constraints,
                "critical,CA:TRUE");
  sign(authority, authority.key.get());
  return authority;
}

Certificate issue(const Certificate& authority, const std::string& alternative_name) {
  Certificate server = make("test server", &authority);
  add_extension(server.x509.get(), authority.x509.get(), NID_subject_alt_name, alternative_name);
  sign(server, authority.key.get());
  return server;
}

TemporaryFile::TemporaryFile(const std::string& content) {
  char path[] = "/tmp/pam-cognito-test-XXXXXX";
  const int fd = ::mkstemp(path);
  if (fd < 0) throw std::runtime_error("mkstemp");
  (void)::close(fd);
  path_ = path;
  overwrite(content);
}

TemporaryFile::~TemporaryFile() {
  (void)::unlink(path_.c_str());
}

void TemporaryFile::overwrite(const std::string& content) const {
  std::ofstream(path_, std::ios::trunc) << content;
}

}  // namespace pamcognito::test
