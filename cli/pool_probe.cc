#include "cli/pool_probe.h"

#include <curl/curl.h>
#include <json/json.h>

#include <memory>
#include <sstream>
#include <string_view>

#include "common/ascii.h"
#include "common/text.h"
#include "daemon/cognito/errors.h"

namespace pamcognito::cli {
namespace {

constexpr long kConnectMs = 5000;
constexpr long kWholeMs = 10'000;
constexpr std::size_t kLargestAnswer = 256UL * 1024;
constexpr std::size_t kMaxPoolText = 512;
// In no pool, one hopes; and where it is, nothing happens to it.
constexpr char kNobody[] = "cognitoctl-doctor-no-such-user";

struct FreeCurl {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Exchange {
  CURLcode code = CURLE_FAILED_INIT;
  long status = 0;
  std::string body;
  std::string error_type;
  std::optional<std::time_t> date;
  std::string problem;
};

// libcurl calls these from C, through which nothing may throw.
std::size_t take_body(char* data, std::size_t size, std::size_t count, void* into) noexcept {
  auto& body = static_cast<Exchange*>(into)->body;
  if (body.size() + size * count > kLargestAnswer) return 0;
  body.append(data, size * count);
  return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* into) noexcept {
  auto& exchange = *static_cast<Exchange*>(into);
  std::string line(data, size * count);
  const std::string name = ascii::lower(line.substr(0, line.find(':')));
  if (name.size() == line.size()) return size * count;
  line.erase(0, name.size() + 1);
  const std::size_t first = line.find_first_not_of(" \t");
  line.erase(0, first == std::string::npos ? line.size() : first);
  line.erase(line.find_last_not_of(" \t\r\n") + 1);
  if (name == "x-amzn-errortype") exchange.error_type = line;
  if (name == "date")
    if (const std::time_t time = curl_getdate(line.c_str(), nullptr); time >= 0)
      exchange.date = time;
  return size * count;
}

// A post if there is a body, with AWS's target.
Exchange exchange_with(const cognito::PoolConfig& pool, const std::string& url,
                       const std::string& body) {
  Exchange exchange;
  const std::unique_ptr<CURL, FreeCurl> owner(curl_easy_init());
  CURL* easy = owner.get();
  if (easy == nullptr) return exchange;
  char problem[CURL_ERROR_SIZE] = {};
  std::unique_ptr<curl_slist, FreeCurl> headers;
  (void)curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, problem);
  (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kWholeMs);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_body);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &take_header);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  // As cognitod: only this proxy, and none for this machine itself.
  (void)curl_easy_setopt(easy, CURLOPT_PROXY, pool.proxy.c_str());
  (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "127.0.0.1,::1");
  (void)curl_easy_setopt(easy, CURLOPT_CAINFO, pool.ca_file.c_str());
  (void)curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  if (!body.empty()) {
    for (const char* header : {"Content-Type: application/x-amz-json-1.1",
                               "X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth"})
      headers.reset(curl_slist_append(headers.release(), header));
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
  }
  exchange.code = curl_easy_perform(easy);
  (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &exchange.status);
  exchange.problem =
      printable(*problem != '\0' ? problem : curl_easy_strerror(exchange.code), kMaxPoolText);
  return exchange;
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

Json::Value parse(const std::string& text) {
  Json::CharReaderBuilder builder;
  builder["stackLimit"] = 16;
  Json::Value value;
  std::istringstream in(text);
  std::string errors;
  if (!Json::parseFromStream(builder, in, &value, &errors) || !value.isObject())
    return Json::objectValue;
  return value;
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
  std::string url = pool.endpoint;
  if (!url.ends_with('/')) url += '/';
  const Exchange exchange = exchange_with(pool, url, question(pool));
  PoolAnswer answer;
  answer.asked_at = std::time(nullptr);
  answer.reached = reached_of(exchange.code);
  answer.problem = exchange.problem;
  answer.date = exchange.date;
  answer.status = static_cast<int>(exchange.status);
  if (answer.reached != PoolAnswer::Reached::answered) return answer;
  const Json::Value body = parse(exchange.body);
  if (answer.status == 200) {
    answer.challenge = text_of(body, "ChallengeName");
    return answer;
  }
  const std::string type =
      exchange.error_type.empty() ? text_of(body, "__type") : printable(exchange.error_type, 256);
  answer.exception = cognito::exception_name(type);
  answer.message = text_of(body, "message");
  if (answer.message.empty()) answer.message = text_of(body, "Message");
  return answer;
}

std::string fetch_keys(const cognito::PoolConfig& pool) {
  if (pool.jwks_uris.empty()) return "no URI is known";
  std::string problem;
  for (const std::string& uri : pool.jwks_uris) {
    const Exchange exchange = exchange_with(pool, uri, {});
    if (exchange.code != CURLE_OK)
      problem = uri + ": " + exchange.problem;
    else if (exchange.status != 200)
      problem = uri + ": answers with status " + std::to_string(exchange.status);
    else if (const Json::Value keys = parse(exchange.body)["keys"]; !keys.isArray() || keys.empty())
      problem = uri + ": holds no keys";
    else
      return {};
  }
  return problem;
}

}  // namespace pamcognito::cli
