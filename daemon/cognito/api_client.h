#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/cognito/http.h"
#include "daemon/cognito/json.h"
#include "daemon/cognito/operation.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/clock.h"

namespace pamcognito::cognito {

// The object that an operation answered with.
struct ApiAnswer {
  JsonDocument document;
  std::string request_id;

  ApiAnswer(JsonDocument document_, std::string request_id_)
      : document(std::move(document_)), request_id(std::move(request_id_)) {}

  // The error that this answer is not what the protocol says. `what` quotes nothing of it.
  [[nodiscard]] std::unexpected<PoolError> bad_response(const std::string& what) const {
    return std::unexpected(PoolError(ErrorKind::bad_response, what, request_id));
  }
};

// The error of a call that held no password that was tried.
inline std::unexpected<PoolError> without_password(PoolError error) {
  error.password_sent = false;
  return std::unexpected(std::move(error));
}

inline PoolError openssl_failed() {
  return PoolError(ErrorKind::internal, "OpenSSL failed");
}

// AWS JSON 1.1 over Http, with the retry rules of operation.h. The references outlive every task.
// Each request that comes to an end is noted in the call's trace and counted in runtime::metrics(),
// those that are sent again included: pam_cognito_calls_total{operation,result} and
// pam_cognito_call_seconds{operation}. The result is "ok" or the error's word.
// In the errors, password_sent is set when the request of this call went out at least once; the
// caller, who knows whether it held a password, keeps or clears it.
class ApiClient {
 public:
  ApiClient(Http& http, runtime::Clock& clock, std::string endpoint)
      : http_(http), clock_(clock), endpoint_(std::move(endpoint)) {}

  runtime::Task<PoolResult<ApiAnswer>> call(Operation operation, std::string body, Call call);
  // A plain GET, by the rule of Operation::get_keys: the body of an answer 200.
  runtime::Task<PoolResult<std::string>> get(std::string url, Call call);

 private:
  struct Received;

  // The answer 200, not noted yet: the caller knows whether it is what it must be.
  runtime::Task<PoolResult<Received>> send(Operation operation, HttpRequest request, Call call);
  void note(Operation operation, const Call& call, runtime::MonotonicTime began,
            std::string_view result, std::string_view request_id);
  runtime::Task<bool> wait_before_retry(runtime::MonotonicTime deadline);

  Http& http_;
  runtime::Clock& clock_;
  std::string endpoint_;
};

}  // namespace pamcognito::cognito
