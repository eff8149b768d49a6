#include "tests/pool/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>

#include "tests/pool/admin.h"
#include "tests/pool/api.h"

namespace pamcognito::pool {

namespace {

constexpr size_t kLargestBody = 1024 * 1024;
constexpr size_t kThreadStackBytes = 512 * 1024;
constexpr unsigned kIdleSeconds = 120;
constexpr unsigned kMostConnections = 4000;
constexpr size_t kPieceBytes = 16 * 1024;

using Response = std::unique_ptr<MHD_Response, OpensslFree<MHD_destroy_response>>;

// One request while it is being read.
struct Incoming {
  HttpRequest request;
  bool started = false;
  bool too_large = false;
};

// A body that reaches the client badly.
struct BadBody {
  Pool* pool;
  HttpAnswer answer;
};

ssize_t send_half(void* context, uint64_t position, char* buffer, size_t room) {
  const auto& body = static_cast<BadBody*>(context)->answer.body;
  const size_t half = body.size() / 2;
  if (position >= half) return MHD_CONTENT_READER_END_WITH_ERROR;
  const size_t count = std::min(room, half - static_cast<size_t>(position));
  std::memcpy(buffer, body.data() + position, count);
  return static_cast<ssize_t>(count);
}

ssize_t send_without_end(void* context, uint64_t position, char* buffer, size_t room) {
  auto& bad = *static_cast<BadBody*>(context);
  std::unique_lock<std::mutex> held(bad.pool->mutex);
  if (position > 0) bad.pool->pause(held, bad.answer.drip_ms);
  if (bad.pool->stopping()) return MHD_CONTENT_READER_END_WITH_ERROR;
  // The true answer without its end, then spaces: JSON that could still be completed.
  const std::string& body = bad.answer.body;
  const size_t start = static_cast<size_t>(position);
  const size_t truth = body.empty() ? 0 : body.size() - 1;
  if (start < truth) {
    const size_t count = std::min(room, truth - start);
    std::memcpy(buffer, body.data() + start, count);
    return static_cast<ssize_t>(count);
  }
  const size_t count = bad.answer.drip_ms > 0 ? 1 : room;
  std::memset(buffer, ' ', count);
  return static_cast<ssize_t>(count);
}

void free_bad_body(void* context) {
  delete static_cast<BadBody*>(context);
}

Response make_response(Pool& pool, HttpAnswer& answer) {
  if (answer.delivery == Delivery::whole) {
    return Response(MHD_create_response_from_buffer(answer.body.size(), answer.body.data(),
                                                    MHD_RESPMEM_MUST_COPY));
  }
  const bool endless = answer.delivery == Delivery::endless;
  const uint64_t size = endless ? MHD_SIZE_UNKNOWN : answer.body.size();
  auto bad = std::make_unique<BadBody>(BadBody{&pool, answer});
  Response response(MHD_create_response_from_callback(
      size, kPieceBytes, endless ? send_without_end : send_half, bad.get(), free_bad_body));
  if (response != nullptr) (void)bad.release();
  return response;
}

MHD_Result deliver(Pool& pool, MHD_Connection* connection, HttpAnswer answer) {
  // libmicrohttpd closes the connection when a handler refuses to answer.
  if (answer.delivery == Delivery::none) return MHD_NO;
  const Response response = make_response(pool, answer);
  if (response == nullptr) return MHD_NO;
  if (!answer.content_type.empty()) {
    MHD_add_response_header(response.get(), "Content-Type", answer.content_type.c_str());
  }
  for (const auto& [name, value] : answer.headers) {
    MHD_add_response_header(response.get(), name.c_str(), value.c_str());
  }
  return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
}

HttpAnswer plain(int status, const std::string& text) {
  HttpAnswer answer;
  answer.status = status;
  answer.content_type = "text/plain";
  answer.body = text + "\n";
  return answer;
}

HttpAnswer route(Pool& pool, const HttpRequest& request) {
  if (request.path.starts_with(kAdminPath)) return answer_admin(pool, request);
  if (request.method == "GET") {
    if (auto answer = answer_well_known(pool, request)) return std::move(*answer);
    return plain(404, "not found");
  }
  if (request.method == "POST" && request.path == "/") return answer_api(pool, request);
  return plain(405, "method not allowed");
}

std::string header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value != nullptr ? value : "";
}

MHD_Result keep_header(void* context, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  auto& headers = *static_cast<decltype(HttpRequest::headers)*>(context);
  std::string lower = name;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  headers.emplace_back(std::move(lower), value != nullptr ? value : "");
  return MHD_YES;
}

int peer_port(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return 0;
  if (info->client_addr->sa_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, info->client_addr, sizeof address);
    return ntohs(address.sin_port);
  }
  sockaddr_in6 address{};
  std::memcpy(&address, info->client_addr, sizeof address);
  return ntohs(address.sin6_port);
}

// Whether a fault wants this request's connection closed before its body is read.
bool cut_at_head(Pool& pool, const HttpRequest& request) {
  if (request.path.starts_with(kAdminPath)) return false;
  const std::lock_guard<std::mutex> held(pool.mutex);
  const std::string operation = operation_of(request);
  const auto fault = pool.faults.take_at_head(operation);
  if (!fault) return false;
  RequestLog::Entry entry;
  entry.unix_ms = pool.clock.wall_ms();
  entry.operation = operation;
  entry.peer_port = request.peer_port;
  entry.fault = fault->kind;
  (void)pool.log.add(std::move(entry));
  pool.notify_changed();
  return true;
}

MHD_Result begin(Pool& pool, MHD_Connection* connection, Incoming& incoming, const char* url,
                 const char* method) {
  incoming.started = true;
  incoming.request.method = method;
  incoming.request.path = url;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, keep_header, &incoming.request.headers);
  incoming.request.target = header(connection, "X-Amz-Target");
  incoming.request.user_agent = header(connection, "User-Agent");
  incoming.request.peer_port = peer_port(connection);
  return cut_at_head(pool, incoming.request) ? MHD_NO : MHD_YES;
}

// Called with the request's head, with each piece of its body, and once more at its end.
MHD_Result handle(void* context, MHD_Connection* connection, const char* url, const char* method,
                  const char* /*version*/, const char* data, size_t* size, void** state) {
  try {
    auto& pool = *static_cast<Pool*>(context);
    auto& incoming = *static_cast<Incoming*>(*state);
    if (!incoming.started) return begin(pool, connection, incoming, url, method);
    if (*size > 0) {
      incoming.too_large =
          incoming.too_large || incoming.request.body.size() + *size > kLargestBody;
      if (!incoming.too_large) incoming.request.body.append(data, *size);
      *size = 0;
      return MHD_YES;
    }
    if (incoming.too_large) return deliver(pool, connection, plain(413, "body too large"));
    return deliver(pool, connection, route(pool, incoming.request));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cognito-pool: a request failed: %s\n", error.what());
    return MHD_NO;
  }
}

void* make_state(void* /*context*/, const char* uri, MHD_Connection* /*connection*/) {
  auto* incoming = new Incoming;
  const char* query = std::strchr(uri, '?');
  if (query != nullptr) incoming->request.query = query + 1;
  return incoming;
}

void free_state(void* /*context*/, MHD_Connection* /*connection*/, void** state,
                MHD_RequestTerminationCode /*why*/) {
  delete static_cast<Incoming*>(*state);
  *state = nullptr;
}

}  // namespace

std::expected<Listener, std::string> listen_on(const std::string& address, int port) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_in);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    length = sizeof(sockaddr_in6);
  } else {
    return std::unexpected(address + ": not a numeric address");
  }
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  Listener listener;
  listener.socket = Fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (!listener.socket ||
      ::setsockopt(listener.socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(listener.socket.get(), name, length) != 0 ||
      ::listen(listener.socket.get(), SOMAXCONN) != 0 ||
      ::getsockname(listener.socket.get(), name, &length) != 0) {
    return std::unexpected(address + " port " + std::to_string(port) + ": " + std::strerror(errno));
  }
  listener.port = ntohs(storage.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
  return listener;
}

std::unique_ptr<Server> Server::start(Pool& pool, Listener listener, const TlsFiles& tls,
                                      const std::string& priorities) {
  std::unique_ptr<Server> server(new Server);
  server->pool_ = &pool;
  server->tls_ = tls;
  const std::string chosen =
      priorities.empty() ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" : priorities;
  server->daemon_ = MHD_start_daemon(
      MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS |
          MHD_USE_ERROR_LOG,
      0, nullptr, nullptr, handle, &pool, MHD_OPTION_LISTEN_SOCKET, listener.socket.get(),
      MHD_OPTION_HTTPS_MEM_KEY, server->tls_.key.c_str(), MHD_OPTION_HTTPS_MEM_CERT,
      server->tls_.certificate.c_str(), MHD_OPTION_HTTPS_PRIORITIES, chosen.c_str(),
      MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_CONNECTION_LIMIT, kMostConnections,
      MHD_OPTION_THREAD_STACK_SIZE, kThreadStackBytes, MHD_OPTION_URI_LOG_CALLBACK, make_state,
      nullptr, MHD_OPTION_NOTIFY_COMPLETED, free_state, nullptr, MHD_OPTION_END);
  if (server->daemon_ == nullptr) return nullptr;
  // libmicrohttpd closes the socket from here on.
  (void)listener.socket.release();
  return server;
}

Server::~Server() {
  if (daemon_ == nullptr) return;
  pool_->stop();
  MHD_stop_daemon(daemon_);
}

}  // namespace pamcognito::pool
