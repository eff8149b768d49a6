#pragma once

#include <json/value.h>

#include <expected>
#include <optional>
#include <string>

#include "tests/pool/faults.h"
#include "tests/pool/http.h"
#include "tests/pool/pool.h"

// The operations that an application's client calls without AWS credentials, and those that list
// users and groups, whose requests are signed (signed_calls.h).
namespace pamcognito::pool {

// A refusal of the service: the exception's name and its message.
struct ApiError {
  std::string name;
  std::string message;
};
using ApiResult = std::expected<Json::Value, ApiError>;

// One call of an operation. The pool's lock is held while it runs.
struct ApiCall {
  Pool& pool;
  const Json::Value& body;
  Forgery forgery;
};
using Operation = ApiResult (*)(ApiCall& call);

// POST /: finds the operation, applies faults and latency, and writes the log.
[[nodiscard]] HttpAnswer answer_api(Pool& pool, const HttpRequest& request);
// GET /{pool id}/.well-known/…; nullopt for any other path.
[[nodiscard]] std::optional<HttpAnswer> answer_well_known(Pool& pool, const HttpRequest& request);

// The operation of the request's X-Amz-Target, `jwks` for the key set, or "".
[[nodiscard]] std::string operation_of(const HttpRequest& request);

}  // namespace pamcognito::pool
