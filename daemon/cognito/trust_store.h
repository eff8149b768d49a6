#pragma once

#include <openssl/x509.h>

#include <expected>
#include <memory>
#include <string>

namespace pamcognito::cognito {

struct FreeTrustStore {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using TrustStore = std::unique_ptr<X509_STORE, FreeTrustStore>;

// The certificates of a PEM file, read once: libcurl would parse the file again at every
// connection, which takes 30 ms. The error names the file and says what is wrong with it.
std::expected<TrustStore, std::string> load_trust_store(const std::string& ca_file);

}  // namespace pamcognito::cognito
