#include "daemon/cognito/curl_http.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include "daemon/cognito/curl_transfer.h"
#include "daemon/runtime/idle_memory.h"

namespace pamcognito::cognito {
namespace {

using runtime::MonotonicTime;
using runtime::Task;

constexpr std::size_t kMaxConnections = 64;
constexpr long kMaxIdleConnections = 8;
constexpr runtime::milliseconds kLateProbe{500};
constexpr runtime::seconds kWarmTime{15};  // well before libcurl would refuse to use it again

std::uint32_t epoll_events(int what) {
  switch (what) {
    case CURL_POLL_IN:
      return EPOLLIN;
    case CURL_POLL_OUT:
      return EPOLLOUT;
    case CURL_POLL_INOUT:
      return EPOLLIN | EPOLLOUT;
    default:
      return 0;
  }
}

int curl_events(std::uint32_t events) {
  int select = 0;
  if ((events & (EPOLLIN | EPOLLHUP)) != 0) select |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) select |= CURL_CSELECT_OUT;
  if ((events & EPOLLERR) != 0) select |= CURL_CSELECT_ERR;
  return select;
}

// Nothing to read: neither the end of the stream nor an alert before it.
bool is_quiet(curl_socket_t socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

Probe probe_result(const CurlTransfer::Connection& connection) {
  switch (connection.code) {
    case CURLE_OK:
      return Probe::reached;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Probe::foreign;
    case CURLE_COULDNT_RESOLVE_HOST:
      return connection.own_shortage ? Probe::undecided : Probe::unresolved;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
      return connection.own_shortage || connection.tcp_connected ? Probe::undecided : Probe::failed;
    default:
      return Probe::undecided;
  }
}

}  // namespace

// Takes the handle back however a coroutine's frame ends: at its end, or by its destruction.
struct CurlHttp::Stop {
  CurlHttp& http;
  const CurlTransfer& transfer;
  Stop(CurlHttp& http_, const CurlTransfer& transfer_) : http(http_), transfer(transfer_) {}
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;
  ~Stop() { http.stop(transfer); }
};

// Waits for the end of one transfer. The verdict reaches it by way of the loop, and only if it is
// still there then.
class CurlHttp::Running {
 public:
  Running() : end_(std::make_shared<runtime::OneShot<CURLcode>>()) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() = default;

  void finish(runtime::EventLoop& loop, CURLcode code) {
    if (std::exchange(finished_, true)) return;
    loop.post([weak = std::weak_ptr(end_), code] {
      if (const auto end = weak.lock()) end->report(code);
    });
  }
  runtime::OneShot<CURLcode>& end() { return *end_; }

  // TLS begins once the TCP connection is open. libcurl 7.88 tells of that connection only after
  // the handshake.
  void note_tls() noexcept { tls_began_ = true; }
  [[nodiscard]] bool tls_began() const noexcept { return tls_began_; }

 private:
  std::shared_ptr<runtime::OneShot<CURLcode>> end_;
  bool finished_ = false;
  bool tls_began_ = false;
};

std::expected<std::unique_ptr<CurlHttp>, std::string> CurlHttp::create(runtime::EventLoop& loop,
                                                                       const Settings& settings) {
  // CURLOPT_NOSIGNAL leaves SIGPIPE to the program, and OpenSSL writes to connections that are
  // gone.
  (void)::signal(SIGPIPE, SIG_IGN);
  auto trust_store = load_trust_store(settings.ca_file);
  if (!trust_store) return std::unexpected(std::move(trust_store.error()));
  return std::unique_ptr<CurlHttp>(new CurlHttp(loop, settings, std::move(*trust_store)));
}

CurlHttp::CurlHttp(runtime::EventLoop& loop, Settings settings, TrustStore trust_store)
    : loop_(loop), settings_(std::move(settings)), trust_store_(std::move(trust_store)) {}

CurlHttp::~CurlHttp() {
  close_multi();
}

bool CurlHttp::open_multi() {
  if (multi_ != nullptr) return true;
  multi_ = curl_multi_init();
  if (multi_ == nullptr) return false;
  (void)curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlHttp::watch_socket);
  (void)curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  (void)curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlHttp::set_timer);
  (void)curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  (void)curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  (void)curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                          static_cast<long>(kMaxConnections));
  (void)curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
  return true;
}

void CurlHttp::close_multi() {
  if (multi_ != nullptr) curl_multi_cleanup(std::exchange(multi_, nullptr));
  timer_.reset();
  watches_.clear();
  last_used_.clear();
}

int CurlHttp::watch_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto& http = *static_cast<CurlHttp*>(self);
  if (what == CURL_POLL_REMOVE) {
    http.watches_.erase(socket);
    return 0;
  }
  try {
    auto& watch = http.watches_[socket];
    if (watch) {
      watch->set_events(epoll_events(what));
    } else {
      watch = std::make_unique<runtime::IoWatch>(
          http.loop_, socket, epoll_events(what),
          [&http, socket](std::uint32_t events) { http.act(socket, curl_events(events)); });
    }
  } catch (...) {
    http.watches_.erase(socket);
    return -1;
  }
  return 0;
}

int CurlHttp::set_timer(CURLM*, long milliseconds, void* self) {
  auto& http = *static_cast<CurlHttp*>(self);
  try {
    if (milliseconds < 0) {
      http.timer_.reset();
    } else {
      http.timer_.emplace(http.loop_, http.loop_.now() + runtime::milliseconds(milliseconds),
                          [&http] { http.act(CURL_SOCKET_TIMEOUT, 0); });
    }
  } catch (...) {
    return -1;
  }
  return 0;
}

curl_socket_t CurlHttp::open_socket(void*, curlsocktype, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int CurlHttp::close_socket(void* self, curl_socket_t socket) {
  auto& http = *static_cast<CurlHttp*>(self);
  http.watches_.erase(socket);  // before the number can mean something else
  http.last_used_.erase(socket);
  return ::close(socket);
}

CURLcode CurlHttp::trust(CURL* easy, void* ssl_context, void* self) {
  char* running = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &running) == CURLE_OK && running != nullptr)
    reinterpret_cast<Running*>(running)->note_tls();
  auto* context = static_cast<SSL_CTX*>(ssl_context);
  SSL_CTX_set1_cert_store(context, static_cast<CurlHttp*>(self)->trust_store_.get());
  // An idle connection keeps no buffer with what it has last received.
  (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return CURLE_OK;
}

bool CurlHttp::start(const CurlTransfer& transfer, Running& running) {
  CURL* easy = transfer.handle();
  if (easy == nullptr || !open_multi()) return false;
  (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, &running);
  (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlHttp::open_socket);
  (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlHttp::close_socket);
  (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &CurlHttp::trust) != CURLE_OK ||
      curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this) != CURLE_OK ||
      curl_multi_add_handle(multi_, easy) != CURLM_OK) {
    return false;
  }
  ++running_;
  idle_timer_.reset();
  return true;
}

void CurlHttp::stop(const CurlTransfer& transfer) {
  (void)curl_multi_remove_handle(multi_, transfer.handle());
  --running_;
  close_when_idle();
}

void CurlHttp::act(curl_socket_t socket, int events) {
  int still_running = 0;
  (void)curl_multi_socket_action(multi_, socket, events, &still_running);
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* running = nullptr;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &running);
    if (message->data.result == CURLE_OK) remember_connection(message->easy_handle);
    reinterpret_cast<Running*>(running)->finish(loop_, message->data.result);
  }
}

void CurlHttp::remember_connection(CURL* easy) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK &&
      socket != CURL_SOCKET_BAD) {
    last_used_[socket] = loop_.now();
  }
}

// libcurl closes an old connection only when it looks for one to use. This closes them in time, and
// gives their memory back.
void CurlHttp::close_when_idle() {
  if (running_ > 0) return;
  try {
    idle_timer_.emplace(loop_, loop_.now() + settings_.idle_time, [this] {
      idle_timer_.reset();
      if (running_ > 0) return;
      close_multi();
      runtime::give_back_idle_memory();
    });
  } catch (...) {
    // The loop has ended, or there is no memory: the connections go with this object.
    idle_timer_.reset();
  }
}

bool CurlHttp::has_warm_connection() const {
  const MonotonicTime now = loop_.now();
  const auto warm = std::ranges::count_if(last_used_, [&](const auto& connection) {
    return now - connection.second < kWarmTime && is_quiet(connection.first);
  });
  return static_cast<std::size_t>(warm) > running_;
}

Task<HttpResult> CurlHttp::send(HttpRequest request) {
  const auto left =
      std::chrono::duration_cast<runtime::milliseconds>(request.deadline - loop_.now());
  if (left <= runtime::milliseconds(0)) {
    co_return std::unexpected(HttpError(HttpFailure::not_started, "no time was left"));
  }
  // Beyond its limit libcurl would let the request wait for a connection. That must not look like
  // an unreachable pool, because a user who opens enough sign-ins could bring it about.
  if (running_ >= kMaxConnections) {
    co_return std::unexpected(HttpError(HttpFailure::not_started, "too many requests at once"));
  }
  const auto connect_time = request.connect_time > runtime::milliseconds(0)
                                ? request.connect_time
                                : settings_.connect_time;
  CurlTransfer transfer(
      request, {std::min(left, connect_time), settings_.answer_bytes, settings_.proxy.c_str()});
  Running running;
  if (!start(transfer, running)) {
    co_return std::unexpected(HttpError(HttpFailure::internal, "libcurl cannot start a request"));
  }
  const Stop stop{*this, transfer};
  const runtime::Timer deadline(loop_, request.deadline, [this, &running] {
    running.finish(loop_, CURLE_OPERATION_TIMEDOUT);
  });
  auto& end = running.end();  // g++ 12 would copy what a call returns
  const CURLcode code = co_await end;
  co_return transfer.result(code);
}

Task<ProbeAnswer> CurlHttp::probe(std::string url, std::string address, MonotonicTime deadline) {
  ProbeAnswer answer;
  HttpRequest request(HttpRequest::Method::get, std::move(url), deadline);
  request.connect_to = std::move(address);
  const auto left = std::chrono::duration_cast<runtime::milliseconds>(deadline - loop_.now());
  if (left <= runtime::milliseconds(0) || running_ >= kMaxConnections) co_return answer;
  CurlTransfer transfer(request, {left, settings_.answer_bytes, settings_.proxy.c_str(),
                                  CurlTransfer::Goal::connection});
  Running running;
  if (!start(transfer, running)) co_return answer;
  const Stop stop{*this, transfer};
  const runtime::Timer timer(loop_, deadline,
                             [this, &running] { running.finish(loop_, CURLE_OPERATION_TIMEDOUT); });
  auto& end = running.end();  // g++ 12 would copy what a call returns
  const CURLcode code = co_await end;
  CurlTransfer::Connection connection = transfer.connection(code);
  connection.tcp_connected = connection.tcp_connected || running.tls_began();
  // This process was kept from running: what has come in meanwhile was not looked at.
  const bool late = loop_.now() > deadline + kLateProbe;
  answer.result = late ? Probe::undecided : probe_result(connection);
  answer.address = std::move(connection.address);
  co_return answer;
}

}  // namespace pamcognito::cognito
