#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/deadline.h"

namespace pamcognito::directory {

struct Credentials;

// One request after the other, with bounds for time and size. Nothing comes from the environment,
// no redirection is followed, and no certificate is accepted without a proof.
class HttpClient {
 public:
  struct Settings {
    std::string proxy;    // empty: none
    std::string ca_file;  // PEM
    std::chrono::milliseconds connect_time{5000};
    std::chrono::milliseconds call_time{20000};
    std::size_t answer_bytes = 0;
  };
  enum class Method : std::uint8_t { get, put, post };
  struct Request {
    Method method = Method::get;
    std::string url;
    std::vector<std::string> headers;
    std::string body;
    // Signature Version 4, made by libcurl: https://docs.aws.amazon.com/IAM/latest/UserGuide/
    // reference_sigv.html. "aws:amz:REGION:SERVICE", with the credentials; otherwise empty.
    std::string signature;
    const Credentials* credentials = nullptr;
  };
  struct Answer {
    long status = 0;
    std::string body;
  };
  struct Failure {
    bool may_pass = false;  // a later try may succeed
    std::string text;
  };

  explicit HttpClient(Settings settings);
  std::expected<Answer, Failure> send(const Request& request, Deadline deadline);

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  using List = std::unique_ptr<curl_slist, FreeList>;
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  bool set_options(const Request& request, const List& headers, std::chrono::milliseconds left);
  bool set_signature(const Request& request);

  Settings settings_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::string body_;
  bool too_large_ = false;
  char error_text_[CURL_ERROR_SIZE] = {};
};

// Waits a random part of base * 2^tries, at most kMaxPause (full jitter), so that machines that
// were refused together do not come back together. False: the deadline passes before.
inline constexpr std::chrono::milliseconds kMaxPause{20'000};
std::chrono::milliseconds pause_before_try(unsigned tries, std::uint32_t random);
bool wait_before_try(unsigned tries, Deadline deadline);

}  // namespace pamcognito::directory
