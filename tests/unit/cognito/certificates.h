#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace pamcognito::test {

struct FreeOpenssl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

// A certificate and its key, made for one test run.
struct Certificate {
  std::unique_ptr<EVP_PKEY, FreeOpenssl> key;
  std::unique_ptr<X509, FreeOpenssl> x509;

  [[nodiscard]] std::string pem() const;
};

Certificate make_authority(const std::string& name);
// For a server; `alternative_name` is in OpenSSL's notation: "IP:127.0.0.1,DNS:localhost".
Certificate issue(const Certificate& authority, const std::string& alternative_name);

// A file in a directory of its own, gone with this object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  [[nodiscard]] const std::string& path() const { return path_; }
  void overwrite(const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace pamcognito::test
