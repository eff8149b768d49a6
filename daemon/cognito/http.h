#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "daemon/runtime/clock.h"
#include "daemon/runtime/task.h"

// HTTP as the pool's client sees it. curl_http.h is the real one; tests script their own.
namespace pamcognito::cognito {

struct HttpRequest {
  enum class Method : std::uint8_t { get, post };

  Method method = Method::get;
  std::string url;                   // checked by parse_permitted_url()
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // of a post
  runtime::MonotonicTime deadline;
  // A numeric address to connect to instead of what the resolver says; empty: the resolver's. The
  // certificate is that of the URL's host in either case.
  std::string connect_to;
  runtime::milliseconds connect_time{0};  // for name, TCP and TLS; 0: as usual

  HttpRequest(Method method_, std::string url_, runtime::MonotonicTime deadline_)
      : method(method_), url(std::move(url_)), deadline(deadline_) {}
};

struct HttpResponse {
  int status = 0;
  std::string body;
  std::string error_type;  // header x-amzn-errortype
  std::string request_id;  // header x-amzn-requestid
  std::string address;     // of the server, numeric; behind a proxy the proxy's

  HttpResponse() = default;
};

enum class HttpFailure : std::uint8_t {
  not_started,    // no time was left, or too many requests are under way: nothing was tried
  not_connected,  // name, TCP or TLS failed, or the cut came before the body: the server did
                  // nothing
  not_reached,    // the same at each known address too: another try at once would not help
  unreachable,    // the same, while the pool is proved unreachable
  not_trusted,    // the server's certificate; nothing was sent
  cut,            // the request went out, no whole answer came back
  timed_out,      // the request went out, no whole answer within the deadline
  bad_answer,     // not HTTP, or larger than an answer may be
  internal,       // no memory, descriptor or port here: it says nothing about the server
};

struct HttpError {
  HttpFailure failure = HttpFailure::internal;
  std::string message;  // for the log

  explicit HttpError(HttpFailure failure_, std::string message_ = {})
      : failure(failure_), message(std::move(message_)) {}
};

using HttpResult = std::expected<HttpResponse, HttpError>;

class Http {
 public:
  Http() = default;
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  virtual ~Http() = default;

  // Sends the request at most once and ends by its deadline. Any status is an answer. Destroying
  // the task abandons the request.
  virtual runtime::Task<HttpResult> send(HttpRequest request) = 0;

  // Is there an idle connection that a request sent now would find open?
  [[nodiscard]] virtual bool has_warm_connection() const = 0;
};

}  // namespace pamcognito::cognito
