// Asks the pool with cognitod's own request (daemon/cognito/curl_transfer.h): the same TLS
// settings, proxy rule and bounds. Here libcurl blocks until the answer is there.

#include "cli/pool_probe.h"

#include <curl/curl.h>
#include <json/json.h>

#include <chrono>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "daemon/cognito/bounds.h"
#include "daemon/cognito/curl_transfer.h"
#include "daemon/cognito/errors.h"
#include "daemon/cognito/json.h"
#include "daemon/cognito/jwk.h"

namespace pamcognito::cli {
namespace {

using cognito::HttpRequest;
using namespace std::chrono_literals;

constexpr runtime::milliseconds kConnectTime = 5s;
constexpr runtime::milliseconds kWholeTime = 10s;
constexpr std::size_t kMaxPoolText = 512;
// A name that no pool should have. If a pool has it, nothing happens to that account.
constexpr char kNobody[] = "cognitoctl-doctor-no-such-user";

struct Exchange {
  CURLcode code = CURLE_FAILED_INIT;
  cognito::HttpResponse response;
  std::optional<std::time_t> date;
  std::string problem;
};

std::optional<std::time_t> date_of(CURL* easy) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return std::nullopt;
  const std::time_t time = curl_getdate(header->value, nullptr);
  return time < 0 ? std::nullopt : std::optional(time);
}

Exchange exchange_with(const cognito::PoolConfig& pool, const HttpRequest& request) {
  Exchange exchange;
  cognito::CurlTransfer transfer(request, {.connect_time = kConnectTime,
                                           .answer_bytes = cognito::kMaxAnswer,
                                           .proxy = pool.proxy.c_str()});
  CURL* easy = transfer.handle();
  if (easy == nullptr) {
    exchange.problem = "libcurl has no memory, or the URL is not permitted";
    return exchange;
  }
  // cognitod reads ca_file once, into a store of its own. For a single request libcurl reads it.
  (void)curl_easy_setopt(easy, CURLOPT_CAINFO, pool.ca_file.c_str());
  (void)curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, pool.ca_file.c_str());
  (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(kWholeTime.count()));
  exchange.code = curl_easy_perform(easy);
  if (exchange.code == CURLE_OK) exchange.date = date_of(easy);
  cognito::HttpResult result = transfer.result(exchange.code);
  if (result) {
    exchange.response = std::move(*result);
    return exchange;
  }
  exchange.problem = printable(result.error().message, kMaxPoolText);
  if (exchange.code == CURLE_OK) exchange.code = CURLE_RECV_ERROR;  // headers that broke off
  return exchange;
}

HttpRequest request_of(HttpRequest::Method method, const std::string& url) {
  return {method, url, runtime::MonotonicTime()};  // CURLOPT_TIMEOUT_MS is the deadline
}

PoolAnswer::Reached reached_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return PoolAnswer::Reached::answered;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return PoolAnswer::Reached::no_name;
    case CURLE_COULDNT_CONNECT:
      return PoolAnswer::Reached::no_connection;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return PoolAnswer::Reached::not_trusted;
    case CURLE_OPERATION_TIMEDOUT:
      return PoolAnswer::Reached::timed_out;
    default:
      return PoolAnswer::Reached::failed;
  }
}

std::string challenge_in(std::string_view body) {
  const auto document = cognito::parse_json_object(body);
  if (!document) return {};
  const auto name =
      cognito::optional_string(document->root(), "ChallengeName", cognito::kMaxShownName);
  return name ? printable(name->value_or(""), kMaxPoolText) : std::string();
}

// Any number below the group's prime is a valid A; the exchange ends after it.
std::string any_srp_a() {
  std::string digits;
  while (digits.size() < 766) digits += "5eed";
  return digits;
}

std::string question(const cognito::PoolConfig& pool) {
  Json::Value body;
  body["ClientId"] = pool.client_id;
  Json::Value& parameters = body["AuthParameters"];
  parameters["USERNAME"] = kNobody;
  switch (pool.auth_flow) {
    case cognito::AuthFlow::srp:
      body["AuthFlow"] = "USER_SRP_AUTH";
      parameters["SRP_A"] = any_srp_a();
      break;
    case cognito::AuthFlow::password:
      body["AuthFlow"] = "USER_PASSWORD_AUTH";
      parameters["PASSWORD"] = "Not-A-Password-0";
      break;
    case cognito::AuthFlow::custom_srp:
      body["AuthFlow"] = "CUSTOM_AUTH";
      parameters["CHALLENGE_NAME"] = "SRP_A";
      parameters["SRP_A"] = any_srp_a();
      break;
    case cognito::AuthFlow::custom:
      body["AuthFlow"] = "CUSTOM_AUTH";
      break;
  }
  return Json::writeString(Json::StreamWriterBuilder(), body);
}

}  // namespace

PoolAnswer ask_pool(const cognito::PoolConfig& pool) {
  HttpRequest request =
      request_of(HttpRequest::Method::post,
                 pool.endpoint.ends_with('/') ? pool.endpoint : pool.endpoint + '/');
  request.headers = {"Content-Type: application/x-amz-json-1.1",
                     "X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth"};
  request.body = question(pool);
  const Exchange exchange = exchange_with(pool, request);
  PoolAnswer answer;
  answer.asked_at = std::time(nullptr);
  answer.reached = reached_of(exchange.code);
  answer.problem = exchange.problem;
  answer.date = exchange.date;
  answer.status = exchange.response.status;
  if (answer.reached != PoolAnswer::Reached::answered) return answer;
  if (answer.status == 200) {
    answer.challenge = challenge_in(exchange.response.body);
    return answer;
  }
  const cognito::WireError error = cognito::wire_error_of(exchange.response);
  answer.exception = printable(error.name, kMaxPoolText);
  answer.message = printable(error.text, kMaxPoolText);
  return answer;
}

std::string fetch_keys(const cognito::PoolConfig& pool) {
  if (pool.jwks_uris.empty()) return "no URI is known";
  std::string problem;
  for (const std::string& uri : pool.jwks_uris) {
    const Exchange exchange = exchange_with(pool, request_of(HttpRequest::Method::get, uri));
    if (exchange.code != CURLE_OK)
      problem = uri + ": " + exchange.problem;
    else if (exchange.response.status == 404 || exchange.response.status == 400)
      problem = uri + ": there is no such user pool (status " +
                std::to_string(exchange.response.status) + ")";
    else if (exchange.response.status != 200)
      problem = uri + ": answers with status " + std::to_string(exchange.response.status);
    else if (const auto keys = cognito::parse_key_set(exchange.response.body); !keys)
      problem = uri + ": " + printable(keys.error(), kMaxPoolText);
    else if (keys->empty())
      problem = uri + ": holds no key for RS256";
    else
      return {};
  }
  return problem;
}

}  // namespace pamcognito::cli
