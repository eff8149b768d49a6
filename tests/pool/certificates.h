#pragma once

#include <expected>
#include <string>

namespace pamcognito::pool {

// The files of a TLS server, in PEM form.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

// Takes `ca.pem`, `server.pem` and `server-key.pem` from the directory `state`, or makes an
// authority of its own and a server certificate for localhost, 127.0.0.1 and ::1 and writes them.
[[nodiscard]] std::expected<TlsFiles, std::string> load_or_make_certificates(
    const std::string& state);

}  // namespace pamcognito::pool
