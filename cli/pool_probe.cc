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

// The members of the object; none if the text is no JSON object.
cognito::JsonDocument parse(std::string_view text) {
  auto document = cognito::parse_json_object(text);
  return document ? std::move(*document) : cognito::JsonDocument();
}

std::string text_of(const Json::Value& object, const char* key) {
  const Json::Value& value = object[key];
  return value.isString() ? printable(value.asString(), kMaxPoolText) : std::string();
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
  const cognito::JsonDocument document = parse(exchange.response.body);
  const Json::Value& body = document.root();
  if (answer.status == 200) {
    answer.challenge = text_of(body, "ChallengeName");
    return answer;
  }
  const std::string& header = exchange.response.error_type;
  answer.exception =
      cognito::exception_name(header.empty() ? text_of(body, "__type") : printable(header, 256));
  answer.message = text_of(body, "message");
  if (answer.message.empty()) answer.message = text_of(body, "Message");
  return answer;
}

std::string fetch_keys(const cognito::PoolConfig& pool) {
  if (pool.jwks_uris.empty()) return "no URI is known";
  std::string problem;
  for (const std::string& uri : pool.jwks_uris) {
    const Exchange exchange = exchange_with(pool, request_of(HttpRequest::Method::get, uri));
    const cognito::JsonDocument document = parse(exchange.response.body);
    const Json::Value& keys = document.root()["keys"];
    if (exchange.code != CURLE_OK)
      problem = uri + ": " + exchange.problem;
    else if (exchange.response.status != 200)
      problem = uri + ": answers with status " + std::to_string(exchange.response.status);
    else if (!keys.isArray() || keys.empty())
      problem = uri + ": holds no keys";
    else
      return {};
  }
  return problem;
}

}  // namespace pamcognito::cli
