#pragma once

#include <expected>
#include <string>

#include "tests/pool/api.h"
#include "tests/pool/http.h"

// The operations that AWS authorizes by IAM: each request carries a signature of version 4.
namespace pamcognito::pool {

// Whether the operation requires a signed request.
[[nodiscard]] bool wants_signature(const std::string& operation);
// The access key that the request names, "" if it names none.
[[nodiscard]] std::string access_key_of(const HttpRequest& request);
// Checks signature, session token, times and policy.
[[nodiscard]] std::expected<void, ApiError> check_signed(const Pool& pool,
                                                         const HttpRequest& request,
                                                         const std::string& operation);

}  // namespace pamcognito::pool
