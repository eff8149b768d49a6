#include "daemon/cognito/curl_transfer.h"

#include <netinet/in.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "daemon/cognito/bounds.h"
#include "daemon/cognito/url.h"

namespace pamcognito::cognito {
namespace {

constexpr long kIdleSeconds = 20;

template <class T>
bool set(CURL* easy, CURLoption option, T value) {
  return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

// The value of a header line, if its name is `name` (lower case), without blanks around it.
bool header_value(std::string_view line, std::string_view name, std::string& value) {
  if (line.size() <= name.size() || line[name.size()] != ':' ||
      // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): both have name.size() bytes
      ::strncasecmp(line.data(), name.data(), name.size()) != 0) {
    return false;
  }
  line.remove_prefix(name.size() + 1);
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return false;
  line = line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
  value = line.substr(0, kMaxHeaderValue);
  return true;
}

// Errors of connect() and bind() that this machine causes. Any local user can take all ports, or
// fill the kernel's table of tracked connections (EPERM).
bool is_shortage(int error) {
  constexpr std::array errors = {EADDRNOTAVAIL, EADDRINUSE, EAGAIN, EMFILE, ENFILE,
                                 ENOBUFS,       ENOMEM,     EPERM,  EACCES};
  return std::ranges::find(errors, error) != errors.end();
}

// Whether a socket of that type, with a port of its own, is not to be had.
bool lacks_ports(int type) {
  return std::ranges::any_of(std::array{AF_INET, AF_INET6}, [type](int family) {
    const Fd socket(::socket(family, type | SOCK_CLOEXEC, 0));
    if (!socket) return is_shortage(errno);
    sockaddr_in6 any{};  // all zero: any address, any port; for IPv4 as well
    any.sin6_family = static_cast<sa_family_t>(family);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0 &&
           is_shortage(errno);
  });
}

// If the table of tracked connections is full, the kernel drops each packet of a new connection.
// sendto() reports that for UDP; a TCP connection and a look-up only time out. The packet goes to
// an address that cannot be predicted, because packets of a connection in the table still pass.
bool lacks_tracked_connections() {
  std::array<std::uint8_t, 4> chance{};
  if (RAND_bytes(chance.data(), static_cast<int>(chance.size())) != 1) return true;
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return is_shortage(errno);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(0xc000U | chance[0]));
  // An address in 127.0.0.0/8 whose last bit is set, so that it is not the network's own, and whose
  // last byte is below 128, so that it is not the broadcast address.
  place.sin_addr.s_addr = htonl((127U << 24U) | (std::uint32_t{chance[1]} << 16U) |
                                (std::uint32_t{chance[2]} << 8U) | (chance[3] & 0x7fU) | 1U);
  return ::sendto(socket.get(), nullptr, 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&place),
                  sizeof(place)) < 0 &&
         is_shortage(errno);
}

// libcurl looks names up in a thread.
bool lacks_threads() {
  pthread_t thread{};
  if (::pthread_create(&thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr) != 0)
    return true;
  (void)::pthread_join(thread, nullptr);
  return false;
}

// Was it this machine, and not the pool, that kept a connection from being made?
bool is_own_shortage(CURL* easy, CURLcode code) {
  long error = 0;
  (void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return is_shortage(static_cast<int>(error)) || lacks_ports(SOCK_STREAM) ||
             lacks_tracked_connections();
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return lacks_ports(SOCK_DGRAM) || lacks_threads() || lacks_tracked_connections();
    case CURLE_OPERATION_TIMEDOUT:
      return lacks_tracked_connections();
    default:
      return false;
  }
}

}  // namespace

CurlTransfer::CurlTransfer(const HttpRequest& request, const Options& options)
    : request_(request), max_answer_(options.answer_bytes), easy_(curl_easy_init()) {
  if (easy_ && !(set_options(options) && set_headers() && set_body() && set_address()))
    easy_.reset();
  if (easy_ && options.goal == Goal::connection && !set(easy_.get(), CURLOPT_CONNECT_ONLY, 1L))
    easy_.reset();
}

// CURLOPT_CONNECT_TO and not CURLOPT_RESOLVE, which would change what all other transfers of the
// multi handle find for that name.
bool CurlTransfer::set_address() {
  if (request_.connect_to.empty()) return true;
  const bool is_ipv6 = request_.connect_to.contains(':');
  const std::string line =
      "::" + (is_ipv6 ? "[" + request_.connect_to + "]" : request_.connect_to) + ":";
  connect_to_.reset(curl_slist_append(nullptr, line.c_str()));
  return connect_to_ && set(easy_.get(), CURLOPT_CONNECT_TO, connect_to_.get());
}

bool CurlTransfer::set_options(const Options& options) {
  CURL* easy = easy_.get();
  const auto url = parse_permitted_url(request_.url);
  if (!url) return false;
  return set(easy, CURLOPT_URL, request_.url.c_str()) &&
         set(easy, CURLOPT_PROTOCOLS_STR, url->scheme.c_str()) &&
         set(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
         set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) &&
         set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
         set(easy, CURLOPT_SSL_VERIFYPEER, 1L) && set(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
         // A path, even a default one, makes libcurl parse the bundle at every connection.
         set(easy, CURLOPT_CAINFO, static_cast<char*>(nullptr)) &&
         set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr)) &&
         set(easy, CURLOPT_PROXY_CAINFO, static_cast<char*>(nullptr)) &&
         set(easy, CURLOPT_PROXY_CAPATH, static_cast<char*>(nullptr)) &&
         // Set even if empty, so that nothing comes from the environment.
         set(easy, CURLOPT_PROXY, is_loopback_literal(url->host) ? "" : options.proxy) &&
         set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED)) &&
         set(easy, CURLOPT_NOSIGNAL, 1L) &&
         // Without it, abandoning a request waits for the resolver's thread. With it, the thread is
         // detached and frees its own data when the resolver returns.
         set(easy, CURLOPT_QUICK_EXIT, 1L) && set(easy, CURLOPT_MAXAGE_CONN, kIdleSeconds) &&
         set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_time.count())) &&
         // The smallest that libcurl has: each is wiped when the request ends.
         set(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L) &&
         set(easy, CURLOPT_MAXFILESIZE, static_cast<long>(max_answer_)) &&
         set(easy, CURLOPT_ERRORBUFFER, error_text_) &&
         set(easy, CURLOPT_WRITEFUNCTION, &CurlTransfer::take_body) &&
         set(easy, CURLOPT_WRITEDATA, this) &&
         set(easy, CURLOPT_HEADERFUNCTION, &CurlTransfer::take_header) &&
         set(easy, CURLOPT_HEADERDATA, this) && set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

bool CurlTransfer::set_headers() {
  const auto add = [this](const char* line) {
    curl_slist* longer = curl_slist_append(headers_.get(), line);
    if (longer == nullptr) return false;
    // NOLINTNEXTLINE(bugprone-unused-return-value): what it was is a part of `longer` now
    (void)headers_.release();
    headers_.reset(longer);
    return true;
  };
  // No `Expect: 100-continue`: it would cost a round trip.
  bool added = add("User-Agent: pam-cognito") && add("Expect:");
  for (const std::string& line : request_.headers) added = added && add(line.c_str());
  return added && set(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
}

bool CurlTransfer::set_body() {
  CURL* easy = easy_.get();
  if (request_.method == HttpRequest::Method::get) {
    // libcurl repeats a GET by itself when a kept-alive connection turns out to be cut; on a new
    // connection it does not.
    return set(easy, CURLOPT_HTTPGET, 1L) && set(easy, CURLOPT_FRESH_CONNECT, 1L);
  }
  // A read callback without a seek callback: so libcurl cannot repeat a POST by itself.
  return set(easy, CURLOPT_POST, 1L) && set(easy, CURLOPT_READFUNCTION, &CurlTransfer::read_body) &&
         set(easy, CURLOPT_READDATA, this) &&
         set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
}

std::size_t CurlTransfer::read_body(char* buffer, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string& body = transfer.request_.body;
  const std::size_t part = std::min(size * count, body.size() - transfer.body_sent_);
  std::copy_n(body.data() + transfer.body_sent_, part, buffer);
  transfer.body_sent_ += part;
  return part;
}

std::size_t CurlTransfer::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::size_t part = size * count;
  if (part > transfer.max_answer_ - transfer.response_.body.size()) {
    transfer.too_large_ = true;
    return 0;
  }
  try {
    transfer.response_.body.append(data, part);
  } catch (...) {
    return 0;
  }
  return part;
}

std::size_t CurlTransfer::take_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::size_t part = size * count;
  transfer.header_bytes_ += part;
  if (transfer.header_bytes_ > kMaxHeaderBytes) {
    transfer.too_large_ = true;
    return 0;
  }
  try {
    const std::string_view line(data, part);
    transfer.headers_ended_ = line == "\r\n" || line == "\n";
    (void)(header_value(line, "x-amzn-errortype", transfer.response_.error_type) ||
           header_value(line, "x-amzn-requestid", transfer.response_.request_id));
  } catch (...) {
    return 0;
  }
  return part;
}

std::string CurlTransfer::address() const {
  const char* address = nullptr;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_PRIMARY_IP, &address) != CURLE_OK ||
      address == nullptr)
    return {};
  return address;
}

CurlTransfer::Connection CurlTransfer::connection(CURLcode code) const {
  curl_off_t connect_time = 0;
  (void)curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME_T, &connect_time);
  return {.code = code,
          .own_shortage = code != CURLE_OK && is_own_shortage(easy_.get(), code),
          .tcp_connected = connect_time > 0,
          .address = code == CURLE_OK ? address() : std::string()};
}

// A POST without its body is nothing that a server can act on.
bool CurlTransfer::sent() const {
  if (request_.method == HttpRequest::Method::post) return body_sent_ > 0;
  long bytes = 0;
  return curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK && bytes > 0;
}

HttpFailure CurlTransfer::failure_of(CURLcode code) const {
  if (too_large_) return HttpFailure::bad_answer;
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return HttpFailure::not_trusted;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_WRITE_ERROR:
    case CURLE_URL_MALFORMAT:
      return HttpFailure::internal;
    default:
      break;
  }
  if (!sent())
    return is_own_shortage(easy_.get(), code) ? HttpFailure::internal : HttpFailure::not_connected;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFailure::timed_out;
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // an answer without a status line
    case CURLE_BAD_CONTENT_ENCODING:
      return HttpFailure::bad_answer;
    default:
      return HttpFailure::cut;
  }
}

HttpResult CurlTransfer::result(CURLcode code) {
  if (too_large_ || code == CURLE_FILESIZE_EXCEEDED)
    return std::unexpected(HttpError(
        failure_of(code), "the answer has more than the " + std::to_string(max_answer_) +
                              " bytes, or its headers more than the " +
                              std::to_string(kMaxHeaderBytes) + " bytes, that cognitod accepts"));
  if (code != CURLE_OK) {
    const char* text = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
    return std::unexpected(HttpError(failure_of(code), text));
  }
  // libcurl is content with headers that break off.
  if (!headers_ended_) return std::unexpected(HttpError(HttpFailure::cut, "headers broke off"));
  long status = 0;
  (void)curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  response_.address = address();
  return std::move(response_);
}

}  // namespace pamcognito::cognito
