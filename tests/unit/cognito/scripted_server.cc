#include "tests/unit/cognito/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace pamcognito::test {

Peer::~Peer() {
  if (ssl_ != nullptr) {
    (void)SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
}

bool Peer::read_more() {
  char bytes[4096];
  const auto size = ssl_ != nullptr ? static_cast<ssize_t>(SSL_read(ssl_, bytes, sizeof bytes))
                                    : ::recv(socket_.get(), bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(size));
  return true;
}

std::optional<std::string> Peer::read_request() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  while (buffer_.find(kEnd) == std::string::npos) {
    if (!read_more()) return std::nullopt;
  }
  const std::size_t head = buffer_.find(kEnd) + kEnd.size();
  std::size_t body = 0;
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  if (const auto at = buffer_.find(kLength); at != std::string::npos && at < head) {
    body = std::strtoul(buffer_.c_str() + at + kLength.size(), nullptr, 10);
  }
  while (buffer_.size() < head + body) {
    if (!read_more()) return std::nullopt;
  }
  std::string request = buffer_.substr(0, head + body);
  buffer_.erase(0, head + body);
  return request;
}

bool Peer::write(const std::string& bytes) {
  if (ssl_ != nullptr) return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

void Peer::wait_for_close() {
  while (read_more()) buffer_.clear();
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listen();
}

ScriptedServer::ScriptedServer(Script script, const Certificate& certificate, int newest_version)
    : script_(std::move(script)), tls_(SSL_CTX_new(TLS_server_method())) {
  if (tls_ == nullptr || SSL_CTX_use_certificate(tls_, certificate.x509.get()) != 1 ||
      SSL_CTX_use_PrivateKey(tls_, certificate.key.get()) != 1) {
    throw std::runtime_error("TLS server");
  }
  if (newest_version != 0) {
    (void)SSL_CTX_set_max_proto_version(tls_, newest_version);
    (void)SSL_CTX_set_min_proto_version(tls_, newest_version);
    (void)SSL_CTX_set_cipher_list(tls_, "DEFAULT:@SECLEVEL=0");
  }
  listen();
}

void ScriptedServer::listen() {
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0) {
    throw std::runtime_error("listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

void ScriptedServer::accept_all() {
  while (true) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    const std::lock_guard lock(mutex_);
    open_.push_back(socket.get());
    threads_.emplace_back(
        [this, connection = connections_++, fd = socket.release()] { serve(Fd(fd), connection); });
  }
}

void ScriptedServer::serve(Fd socket, int connection) {
  const int number = socket.get();
  {
    SSL* ssl = nullptr;
    if (tls_ != nullptr) {
      ssl = SSL_new(tls_);
      (void)SSL_set_fd(ssl, number);
    }
    Peer peer(std::move(socket), ssl);
    if (ssl == nullptr || SSL_accept(ssl) == 1) script_(peer, connection);
    const std::lock_guard lock(mutex_);
    std::erase(open_, number);
  }
}

ScriptedServer::~ScriptedServer() {
  (void)::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) (void)::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  SSL_CTX_free(tls_);
}

std::string ScriptedServer::url() const {
  return (tls_ != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::string http_answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

}  // namespace pamcognito::test
