#include "directory/http_client.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "directory/credentials.h"

namespace pamcognito::directory {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{500};
constexpr unsigned kMostDoublings = 10;

template <class T>
bool set(CURL* easy, CURLoption option, T value) {
  return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

milliseconds time_left(Deadline deadline) {
  const timespec left = deadline.remaining();
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(left.tv_sec) +
                                                  std::chrono::nanoseconds(left.tv_nsec));
}

// A certificate that is not trusted now is not trusted a moment later either.
bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
      return true;
    default:
      return false;
  }
}

}  // namespace

HttpClient::HttpClient(Settings settings)
    : settings_(std::move(settings)), easy_(curl_easy_init()) {}

std::size_t HttpClient::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& client = *static_cast<HttpClient*>(self);
  const std::size_t part = size * count;
  if (part > client.settings_.answer_bytes - client.body_.size()) {
    client.too_large_ = true;
    return 0;
  }
  try {
    client.body_.append(data, part);
  } catch (...) {
    return 0;
  }
  return part;
}

bool HttpClient::set_options(const Request& request, const List& headers, milliseconds left) {
  CURL* const easy = easy_.get();
  const char* const scheme = request.url.starts_with("https:") ? "https" : "http";
  bool good = set(easy, CURLOPT_URL, request.url.c_str()) &&
              set(easy, CURLOPT_PROTOCOLS_STR, scheme) && set(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
              set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) &&
              set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
              set(easy, CURLOPT_SSL_VERIFYPEER, 1L) && set(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
              set(easy, CURLOPT_CAINFO, settings_.ca_file.c_str()) &&
              // Set even if empty, so that nothing comes from the environment.
              set(easy, CURLOPT_PROXY, settings_.proxy.c_str()) &&
              set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED)) &&
              set(easy, CURLOPT_NOSIGNAL, 1L) &&
              set(easy, CURLOPT_CONNECTTIMEOUT_MS,
                  static_cast<long>(std::min(left, settings_.connect_time).count())) &&
              set(easy, CURLOPT_TIMEOUT_MS,
                  static_cast<long>(std::min(left, settings_.call_time).count())) &&
              set(easy, CURLOPT_MAXFILESIZE, static_cast<long>(settings_.answer_bytes)) &&
              set(easy, CURLOPT_ERRORBUFFER, error_text_) &&
              set(easy, CURLOPT_WRITEFUNCTION, &HttpClient::take_body) &&
              set(easy, CURLOPT_WRITEDATA, this) && set(easy, CURLOPT_HTTPHEADER, headers.get());
  switch (request.method) {
    case Method::get:
      return good && set(easy, CURLOPT_HTTPGET, 1L);
    case Method::put:
      good = good && set(easy, CURLOPT_CUSTOMREQUEST, "PUT");
      [[fallthrough]];
    case Method::post:
      // The body is hashed by libcurl, so a callback cannot give it.
      return good &&
             set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size())) &&
             set(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  return false;
}

bool HttpClient::set_signature(const Request& request) {
  if (request.signature.empty()) return true;
  CURL* const easy = easy_.get();
  const std::string key(request.credentials->key.reveal());
  return set(easy, CURLOPT_AWS_SIGV4, request.signature.c_str()) &&
         set(easy, CURLOPT_USERNAME, request.credentials->key_id.c_str()) &&
         set(easy, CURLOPT_PASSWORD, key.c_str());
}

std::expected<HttpClient::Answer, HttpClient::Failure> HttpClient::send(const Request& request,
                                                                        Deadline deadline) {
  const milliseconds left = time_left(deadline);
  if (left <= milliseconds(0)) return std::unexpected(Failure{false, "no time was left"});
  List headers;
  std::vector<std::string> lines = request.headers;
  lines.emplace_back("User-Agent: pam-cognito");
  // No "Expect:": libcurl 7.88 signs headers that it does not send. It expects nothing for a body
  // below 1 MiB.
  for (const std::string& line : lines) {
    curl_slist* const longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) return std::unexpected(Failure{false, "no memory was left"});
    // NOLINTNEXTLINE(bugprone-unused-return-value): it is a part of `longer` now
    (void)headers.release();
    headers.reset(longer);
  }
  if (easy_) curl_easy_reset(easy_.get());  // connections stay
  body_.clear();
  too_large_ = false;
  error_text_[0] = '\0';
  if (!easy_ || !set_options(request, headers, left) || !set_signature(request))
    return std::unexpected(Failure{false, "libcurl cannot start a request"});
  const CURLcode code = curl_easy_perform(easy_.get());
  if (too_large_ || code == CURLE_FILESIZE_EXCEEDED)
    return std::unexpected(Failure{
        false, "the answer has more than " + std::to_string(settings_.answer_bytes) + " bytes"});
  if (code != CURLE_OK)
    return std::unexpected(Failure{may_pass(code), error_text_[0] != '\0'
                                                       ? std::string(error_text_)
                                                       : std::string(curl_easy_strerror(code))});
  Answer answer;
  (void)curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = std::exchange(body_, {});
  return answer;
}

milliseconds pause_before_try(unsigned tries, std::uint32_t random) {
  const milliseconds longest =
      std::min(kFirstPause * (1U << std::min(tries, kMostDoublings)), kMaxPause);
  return milliseconds(random % static_cast<std::uint32_t>(longest.count() + 1));
}

bool wait_before_try(unsigned tries, Deadline deadline) {
  std::uint32_t random = 0;
  if (::getentropy(&random, sizeof(random)) != 0) return false;
  const milliseconds pause = pause_before_try(tries, random);
  if (pause >= time_left(deadline)) return false;
  (void)wait_for(-1, 0, Deadline::after(pause));
  return true;
}

}  // namespace pamcognito::directory
