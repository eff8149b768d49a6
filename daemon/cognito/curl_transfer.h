#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <string>

#include "daemon/cognito/http.h"

namespace pamcognito::cognito {

// One request and its answer on one easy handle. The handle belongs to no multi handle yet.
// libcurl keeps a pointer to this until the handle has left the multi handle.
class CurlTransfer {
 public:
  enum class Goal : bool { request, connection };  // connection: TLS alone, nothing is sent
  struct Options {
    runtime::milliseconds connect_time;
    std::size_t answer_bytes;
    const char* proxy;  // "": none; a loopback address is reached without it
    Goal goal = Goal::request;
  };

  // `request` outlives this.
  CurlTransfer(const HttpRequest& request, const Options& options);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer() = default;

  // Null if there was no memory.
  [[nodiscard]] CURL* handle() const { return easy_.get(); }

  // The result of a transfer that ended with `code`. Moves the answer out.
  HttpResult result(CURLcode code);

  // The same of Goal::connection; the numeric address, where there is a connection.
  struct Connection {
    CURLcode code;
    bool own_shortage;   // this machine lacked something
    bool tcp_connected;  // the server accepted the connection, even if TLS failed later
    std::string address;
  };
  [[nodiscard]] Connection connection(CURLcode code) const;

 private:
  static std::size_t read_body(char* buffer, std::size_t size, std::size_t count, void* self);
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);

  bool set_options(const Options& options);
  bool set_headers();
  bool set_body();
  bool set_address();
  [[nodiscard]] bool sent() const;
  [[nodiscard]] HttpFailure failure_of(CURLcode code) const;

  struct Cleanup {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  [[nodiscard]] std::string address() const;

  const HttpRequest& request_;
  std::size_t max_answer_;
  std::unique_ptr<curl_slist, Cleanup> headers_;
  std::unique_ptr<curl_slist, Cleanup> connect_to_;
  HttpResponse response_;
  std::size_t body_sent_ = 0;
  std::size_t header_bytes_ = 0;
  bool headers_ended_ = false;
  bool too_large_ = false;
  char error_text_[CURL_ERROR_SIZE] = {};
  std::unique_ptr<CURL, Cleanup> easy_;  // last: its clean-up may still use the members above
};

}  // namespace pamcognito::cognito
