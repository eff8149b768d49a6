#include "daemon/cognito/api_client.h"

#include <stdlib.h>

#include "daemon/cognito/errors.h"

namespace pamcognito::cognito {
namespace {

using runtime::MonotonicTime;
using runtime::Task;

// One attempt, as the retry rule sees it.
struct Attempt {
  PoolResult<HttpResponse> result;
  bool sent = true;
  RetryCause cause = RetryCause::none;
};

ErrorKind kind_of(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::not_started:
      return ErrorKind::timed_out;
    case HttpFailure::not_connected:
    case HttpFailure::not_trusted:
      return ErrorKind::not_connected;
    case HttpFailure::cut:
      return ErrorKind::connection_cut;
    case HttpFailure::timed_out:
      return ErrorKind::timed_out;
    case HttpFailure::bad_answer:
      return ErrorKind::bad_response;
    case HttpFailure::internal:
      return ErrorKind::internal;
  }
  return ErrorKind::internal;
}

Attempt judge(HttpResult result) {
  Attempt attempt{PoolResult<HttpResponse>()};
  if (!result) {
    const HttpFailure failure = result.error().failure;
    PoolError error(kind_of(failure), std::move(result.error().message));
    attempt.sent = error.kind != ErrorKind::not_connected && failure != HttpFailure::not_started;
    // A certificate that is not trusted now is not trusted a moment later either.
    if (failure != HttpFailure::not_trusted) attempt.cause = retry_cause(error);
    attempt.result = std::unexpected(std::move(error));
  } else if (result->status != 200) {
    PoolError error = error_of_response(*result);
    attempt.cause = retry_cause(error);
    attempt.result = std::unexpected(std::move(error));
  } else {
    attempt.result = std::move(*result);
  }
  return attempt;
}

// Spends one of the sendings that the rule allows for a cause.
bool spend(RetryRule& rule, RetryCause cause) {
  switch (cause) {
    case RetryCause::none:
      return false;
    case RetryCause::not_connected:
      return std::exchange(rule.not_connected, false);
    case RetryCause::throttled:
      return std::exchange(rule.throttled, false);
    case RetryCause::after_sending:
      return std::exchange(rule.after_sending, false);
  }
  return false;
}

}  // namespace

Task<bool> ApiClient::wait_before_retry(MonotonicTime deadline) {
  // Jitter, so that the machines that were throttled together do not come back together.
  const auto when = clock_.now() + runtime::milliseconds(100 + arc4random_uniform(300));
  if (when >= deadline) co_return false;
  co_await clock_.sleep_until(when);
  co_return true;
}

Task<PoolResult<HttpResponse>> ApiClient::send(Operation operation, HttpRequest request) {
  RetryRule rule = retry_rule(operation);
  bool sent = false;
  while (true) {
    HttpRequest copy = request;
    HttpResult result = co_await http_.send(std::move(copy));
    Attempt attempt = judge(std::move(result));
    sent = sent || attempt.sent;
    if (attempt.result) co_return std::move(*attempt.result);
    PoolError error = std::move(attempt.result.error());
    error.password_sent = sent;
    if (!spend(rule, attempt.cause)) co_return std::unexpected(std::move(error));
    const bool in_time = co_await wait_before_retry(request.deadline);
    if (!in_time) co_return std::unexpected(std::move(error));
  }
}

Task<PoolResult<ApiAnswer>> ApiClient::call(Operation operation, std::string body,
                                            MonotonicTime deadline) {
  HttpRequest request(HttpRequest::Method::post, endpoint_ + "/", deadline);
  request.body = std::move(body);
  request.headers = {
      "Content-Type: application/x-amz-json-1.1",
      "X-Amz-Target: AWSCognitoIdentityProviderService." + std::string(wire_name(operation)),
      "Cache-Control: no-store"};
  PoolResult<HttpResponse> response = co_await send(operation, std::move(request));
  if (!response) co_return std::unexpected(std::move(response.error()));
  auto document = parse_json_object(response->body);
  if (!document) {
    PoolError error(ErrorKind::bad_response, "the answer is " + document.error(),
                    response->request_id);
    error.password_sent = true;
    co_return std::unexpected(std::move(error));
  }
  co_return ApiAnswer(std::move(*document), std::move(response->request_id));
}

Task<PoolResult<std::string>> ApiClient::get(std::string url, MonotonicTime deadline) {
  HttpRequest request(HttpRequest::Method::get, std::move(url), deadline);
  PoolResult<HttpResponse> response = co_await send(Operation::get_keys, std::move(request));
  if (!response) co_return std::unexpected(std::move(response.error()));
  co_return std::move(response->body);
}

}  // namespace pamcognito::cognito
