#include "daemon/cognito/api_client.h"

#include <stdlib.h>

#include <chrono>

#include "daemon/cognito/error_table.h"
#include "daemon/cognito/errors.h"
#include "daemon/runtime/metrics.h"

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
    // Caused by this machine, perhaps by one of its users: it says nothing about the pool.
    case HttpFailure::not_started:
    case HttpFailure::internal:
      return ErrorKind::local_shortage;
    case HttpFailure::not_connected:
    case HttpFailure::not_reached:
    case HttpFailure::not_trusted:
      return ErrorKind::not_connected;
    case HttpFailure::unreachable:
      return ErrorKind::unreachable;
    case HttpFailure::cut:
      return ErrorKind::connection_cut;
    case HttpFailure::timed_out:
      return ErrorKind::timed_out;
    case HttpFailure::bad_answer:
      return ErrorKind::bad_response;
  }
  return ErrorKind::internal;
}

Attempt judge(HttpResult result) {
  Attempt attempt{PoolResult<HttpResponse>()};
  if (!result) {
    const HttpFailure failure = result.error().failure;
    PoolError error(kind_of(failure), std::move(result.error().message));
    attempt.sent = error.kind != ErrorKind::not_connected && error.kind != ErrorKind::unreachable &&
                   failure != HttpFailure::not_started;
    // A certificate that is not trusted now is not trusted a moment later either.
    const bool may_pass = failure != HttpFailure::not_trusted &&
                          failure != HttpFailure::not_started &&
                          failure != HttpFailure::not_reached;
    if (may_pass) attempt.cause = error_row(error).retry;
    attempt.result = std::unexpected(std::move(error));
  } else if (result->status != 200) {
    PoolError error = error_of_response(*result);
    attempt.cause = error_row(error).retry;
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

constexpr char kOk[] = "ok";

}  // namespace

struct ApiClient::Received {
  HttpResponse response;
  MonotonicTime began;

  Received(HttpResponse response_, MonotonicTime began_)
      : response(std::move(response_)), began(began_) {}
};

void ApiClient::note(Operation operation, const Call& call, MonotonicTime began,
                     std::string_view result, std::string_view request_id) {
  const std::string_view name = log_name(operation);
  const auto took = clock_.now() - began;
  runtime::metrics().count("pam_cognito_calls_total", {{"operation", name}, {"result", result}});
  runtime::metrics().observe("pam_cognito_call_seconds", {{"operation", name}}, took);
  if (call.trace == nullptr) return;
  call.trace->note(name, result, std::chrono::duration_cast<runtime::milliseconds>(took),
                   request_id);
}

Task<bool> ApiClient::wait_before_retry(MonotonicTime deadline) {
  // Jitter, so that the machines that were throttled together do not come back together.
  const auto when = clock_.now() + runtime::milliseconds(100 + arc4random_uniform(300));
  if (when >= deadline) co_return false;
  co_await clock_.sleep_until(when);
  co_return true;
}

Task<PoolResult<ApiClient::Received>> ApiClient::send(Operation operation, HttpRequest request,
                                                      Call call) {
  RetryRule rule = retry_rule(operation);
  bool sent = false;
  while (true) {
    HttpRequest copy = request;
    const MonotonicTime began = clock_.now();
    HttpResult result = co_await http_.send(std::move(copy));
    Attempt attempt = judge(std::move(result));
    sent = sent || attempt.sent;
    if (attempt.result) co_return Received(std::move(*attempt.result), began);
    PoolError error = std::move(attempt.result.error());
    note(operation, call, began, to_string(error.kind), error.request_id);
    error.password_sent = sent;
    if (!spend(rule, attempt.cause)) co_return std::unexpected(std::move(error));
    const bool in_time = co_await wait_before_retry(request.deadline);
    if (!in_time) co_return std::unexpected(std::move(error));
  }
}

Task<PoolResult<ApiAnswer>> ApiClient::call(Operation operation, std::string body, Call call) {
  HttpRequest request(HttpRequest::Method::post, endpoint_ + "/", call.deadline);
  request.body = std::move(body);
  request.headers = {
      "Content-Type: application/x-amz-json-1.1",
      "X-Amz-Target: AWSCognitoIdentityProviderService." + std::string(wire_name(operation)),
      "Cache-Control: no-store"};
  PoolResult<Received> received = co_await send(operation, std::move(request), call);
  if (!received) co_return std::unexpected(std::move(received.error()));
  HttpResponse& response = received->response;
  auto document = parse_json_object(response.body);
  note(operation, call, received->began, document ? kOk : to_string(ErrorKind::bad_response),
       response.request_id);
  if (!document) {
    PoolError error(ErrorKind::bad_response, "the answer is " + document.error(),
                    response.request_id);
    error.password_sent = true;
    co_return std::unexpected(std::move(error));
  }
  co_return ApiAnswer(std::move(*document), std::move(response.request_id));
}

Task<PoolResult<std::string>> ApiClient::get(std::string url, Call call) {
  HttpRequest request(HttpRequest::Method::get, std::move(url), call.deadline);
  PoolResult<Received> received = co_await send(Operation::get_keys, std::move(request), call);
  if (!received) co_return std::unexpected(std::move(received.error()));
  note(Operation::get_keys, call, received->began, kOk, received->response.request_id);
  co_return std::move(received->response.body);
}

}  // namespace pamcognito::cognito
