#pragma once

#include <expected>
#include <memory>
#include <string>

#include "common/fd.h"
#include "tests/pool/certificates.h"
#include "tests/pool/pool.h"

struct MHD_Daemon;

namespace pamcognito::pool {

// A socket that listens on a numeric IPv4 or IPv6 address.
struct Listener {
  Fd socket;
  int port = 0;
};
// `port` 0 lets the kernel pick.
[[nodiscard]] std::expected<Listener, std::string> listen_on(const std::string& address, int port);

// The HTTPS server: reads requests, hands them to the API or the admin API, delivers the answers,
// also the ones that a fault wants delivered badly. One thread per connection.
class Server {
 public:
  // Null when the server cannot start. The pool must outlive the server.
  // `priorities` is a GnuTLS priority string, or "" for TLS 1.2 and 1.3.
  [[nodiscard]] static std::unique_ptr<Server> start(Pool& pool, Listener listener,
                                                     const TlsFiles& tls,
                                                     const std::string& priorities);
  // Ends every open connection and waits for its thread.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  Server() = default;

  Pool* pool_ = nullptr;
  MHD_Daemon* daemon_ = nullptr;
  TlsFiles tls_;
};

}  // namespace pamcognito::pool
