#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

namespace pamcognito::bench {

// A bare libcurl handle with everything at its default, and one connection that it keeps.
class HttpsClient {
 public:
  HttpsClient(const std::string& url, const std::string& ca_file);
  void get();

 private:
  struct Free {
    void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
  };
  std::unique_ptr<CURL, Free> curl_;
};

}  // namespace pamcognito::bench
