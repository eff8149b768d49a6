#include "tests/bench/https_client.h"

#include <cstddef>

#include "tests/bench/measure.h"

namespace pamcognito::bench {
namespace {

std::size_t drop(const char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

}  // namespace

HttpsClient::HttpsClient(const std::string& url, const std::string& ca_file)
    : curl_(::curl_easy_init()) {
  (void)::curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
  (void)::curl_easy_setopt(curl_.get(), CURLOPT_CAINFO, ca_file.c_str());
  (void)::curl_easy_setopt(curl_.get(), CURLOPT_WRITEFUNCTION, &drop);
  (void)::curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT, 30L);
}

void HttpsClient::get() {
  const CURLcode code = ::curl_easy_perform(curl_.get());
  if (code != CURLE_OK) throw Failed(std::string("libcurl: ") + ::curl_easy_strerror(code));
}

}  // namespace pamcognito::bench
