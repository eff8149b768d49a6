#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "tests/unit/cognito/certificates.h"

namespace pamcognito::test {

// One accepted connection, as the script of a test handles it. It closes when the script returns.
class Peer {
 public:
  Peer(Fd socket, SSL* ssl) : socket_(std::move(socket)), ssl_(ssl) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  // A whole request, head and body; nullopt: the client closed.
  std::optional<std::string> read_request();
  // Bytes that make no whole request.
  [[nodiscard]] bool received_something() const { return !buffer_.empty(); }
  // False: the client is gone.
  bool write(const std::string& bytes);
  // Waits until the client closes.
  void wait_for_close();

 private:
  bool read_more();
  Fd socket_;
  SSL* ssl_;
  std::string buffer_;
};

// A server on 127.0.0.1 whose every connection runs `script` in a thread of its own. TLS if it has
// a certificate.
class ScriptedServer {
 public:
  // `connection` counts from 0.
  using Script = std::function<void(Peer& peer, int connection)>;

  explicit ScriptedServer(Script script);
  // `newest_version`: 0, or TLS1_1_VERSION for a server that knows nothing newer.
  ScriptedServer(Script script, const Certificate& certificate, int newest_version = 0);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // http://127.0.0.1:PORT or https://127.0.0.1:PORT
  [[nodiscard]] std::string url() const;
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void listen();
  void accept_all();
  void serve(Fd socket, int connection);

  Script script_;
  SSL_CTX* tls_ = nullptr;
  Fd listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;  // sockets to shut down at the end
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// An answer with a Content-Length.
std::string http_answer(int status, const std::string& body, const std::string& headers = "");

}  // namespace pamcognito::test
