#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/cognito/bounds.h"
#include "daemon/cognito/http.h"
#include "daemon/cognito/reaching_http.h"
#include "daemon/cognito/trust_store.h"
#include "daemon/runtime/event_loop.h"

namespace pamcognito::cognito {

class CurlTransfer;

// Http by libcurl's multi interface on the event loop
// (https://curl.se/libcurl/c/libcurl-multi.html). Connections are kept for 20 s after use and then
// closed. Coroutines are resumed from the loop, never from within libcurl. The process has called
// curl_global_init(), and destroys all tasks before this. create() makes it ignore SIGPIPE.
class CurlHttp final : public Http, public Prober {
 public:
  struct Settings {
    std::string ca_file;
    std::string proxy;  // empty: none
    runtime::milliseconds connect_time{3000};
    runtime::milliseconds idle_time{20000};
    std::size_t answer_bytes = kMaxAnswer;
  };

  // The error says what is wrong with ca_file.
  static std::expected<std::unique_ptr<CurlHttp>, std::string> create(runtime::EventLoop& loop,
                                                                      const Settings& settings);
  ~CurlHttp() override;

  runtime::Task<HttpResult> send(HttpRequest request) override;
  runtime::Task<ProbeAnswer> probe(std::string url, std::string address,
                                   runtime::MonotonicTime deadline) override;
  [[nodiscard]] bool has_warm_connection() const override;

 private:
  class Running;
  struct Stop;

  CurlHttp(runtime::EventLoop& loop, Settings settings, TrustStore trust_store);

  static int watch_socket(CURL* easy, curl_socket_t socket, int what, void* self, void*);
  static int set_timer(CURLM* multi, long milliseconds, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
  static int close_socket(void* self, curl_socket_t socket);
  static CURLcode trust(CURL*, void* ssl_context, void* self);

  bool open_multi();
  void close_multi();
  bool start(const CurlTransfer& transfer, Running& running);
  void stop(const CurlTransfer& transfer);
  void act(curl_socket_t socket, int events);
  void remember_connection(CURL* easy);
  void close_when_idle();

  runtime::EventLoop& loop_;
  Settings settings_;
  TrustStore trust_store_;
  CURLM* multi_ = nullptr;
  std::size_t running_ = 0;
  std::map<curl_socket_t, std::unique_ptr<runtime::IoWatch>> watches_;
  std::map<curl_socket_t, runtime::MonotonicTime>
      last_used_;  // open connections that have answered
  std::optional<runtime::Timer> timer_;
  std::optional<runtime::Timer> idle_timer_;
};

}  // namespace pamcognito::cognito
