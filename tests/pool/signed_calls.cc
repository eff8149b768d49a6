#include "tests/pool/signed_calls.h"

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "tests/pool/access_keys.h"
#include "tests/pool/api_errors.h"
#include "tests/pool/crypto.h"
#include "tests/pool/sigv4.h"

namespace pamcognito::pool {

namespace {

constexpr char kService[] = "cognito-idp";
constexpr char kAuthorization[] = "authorization";
constexpr char kDate[] = "x-amz-date";
constexpr char kToken[] = "x-amz-security-token";
constexpr char kPayloadHash[] = "x-amz-content-sha256";
// AWS refuses what differs by more from its own clock.
constexpr int64_t kMostSkewS = 300;

Refusal invalid_signature(std::string message) {
  return refuse("InvalidSignatureException", std::move(message));
}

Refusal incomplete_signature(std::string message) {
  return refuse("IncompleteSignatureException", std::move(message));
}

Refusal unrecognized_client() {
  return refuse("UnrecognizedClientException",
                "The security token included in the request is invalid.");
}

// The values of a header, "" if it is absent.
std::string header(const HttpRequest& request, const std::string& name) {
  std::string values;
  for (const auto& [given, value] : request.headers) {
    if (given != name) continue;
    if (!values.empty()) values += ',';
    values += value;
  }
  return values;
}

std::expected<void, ApiError> check_time(const std::string& time, int64_t now_s) {
  const std::optional<int64_t> signed_s = parse_amz_date(time);
  if (!signed_s) {
    return incomplete_signature("Date must be in ISO-8601 'basic format'. Got '" + time +
                                "'. See http://en.wikipedia.org/wiki/ISO_8601");
  }
  const std::string now = amz_date(now_s);
  if (*signed_s < now_s - kMostSkewS) {
    return invalid_signature("Signature expired: " + time + " is now earlier than " +
                             amz_date(now_s - kMostSkewS) + " (" + now + " - 5 min.)");
  }
  if (*signed_s > now_s + kMostSkewS) {
    return invalid_signature("Signature not yet current: " + time + " is still later than " +
                             amz_date(now_s + kMostSkewS) + " (" + now + " + 5 min.)");
  }
  return {};
}

std::expected<void, ApiError> check_scope(const Authorization& given, const std::string& time,
                                          const std::string& region) {
  if (given.terminator != kScopeEnd) {
    return invalid_signature(
        "Credential should be scoped with a valid terminator: 'aws4_request', not '" +
        given.terminator + "'.");
  }
  if (given.service != kService) {
    return invalid_signature("Credential should be scoped to correct service: 'cognito-idp'.");
  }
  if (given.region != region) {
    return invalid_signature("Credential should be scoped to a valid region, not '" + given.region +
                             "'.");
  }
  if (given.date != time.substr(0, 8)) {
    return invalid_signature(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
        "HTTP: '" +
        given.date + "' != '" + time.substr(0, 8) + "', from '" + time + "'.");
  }
  return {};
}

std::expected<void, ApiError> check_signed_headers(const Authorization& given,
                                                   const HttpRequest& request) {
  if (!given.signs("host")) {
    return invalid_signature(
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  // Time, operation and session token among them.
  for (const auto& [name, value] : request.headers) {
    if (!name.starts_with("x-amz-") || given.signs(name)) continue;
    return invalid_signature("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.");
  }
  return {};
}

std::expected<void, ApiError> check_key(const AccessKey& key, const HttpRequest& request,
                                        int64_t now_s) {
  if (!key.active || !equal_constant_time(header(request, kToken), key.session_token)) {
    return unrecognized_client();
  }
  if (key.expires_s && *key.expires_s <= now_s) {
    return refuse("ExpiredTokenException", "The security token included in the request is expired");
  }
  return {};
}

std::expected<void, ApiError> check_payload_and_signature(const Authorization& given,
                                                          const AccessKey& key,
                                                          const HttpRequest& request) {
  const std::string payload = header(request, kPayloadHash);
  const bool right_payload = payload.empty() || payload == hex_encode(sha256(request.body));
  const std::string text = string_to_sign(header(request, kDate), given.scope(),
                                          canonical_request(request, given.signed_headers));
  const std::string expected =
      signature_of(signing_key(key.secret, given.date, given.region, given.service), text);
  if (!right_payload || !equal_constant_time(given.signature, expected)) {
    return invalid_signature(
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.");
  }
  return {};
}

}  // namespace

bool wants_signature(const std::string& operation) {
  static const std::set<std::string> kSigned = {"ListUsers", "ListUsersInGroup", "ListGroups",
                                                "AdminListGroupsForUser"};
  return kSigned.contains(operation);
}

std::string access_key_of(const HttpRequest& request) {
  const auto given = parse_authorization(header(request, kAuthorization));
  return given ? given->access_key_id : "";
}

std::expected<void, ApiError> check_signed(const Pool& pool, const HttpRequest& request,
                                           const std::string& operation) {
  const int64_t now_s = pool.clock.wall_s();
  const std::string authorization = header(request, kAuthorization);
  if (authorization.empty()) {
    return refuse("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const auto given = parse_authorization(authorization);
  if (!given) return incomplete_signature(given.error());
  const std::string time = header(request, kDate);
  if (time.empty()) {
    return incomplete_signature(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        "Authorization=" +
        authorization);
  }
  if (const auto good = check_time(time, now_s); !good) return good;
  if (const auto good = check_scope(*given, time, pool.settings.region()); !good) return good;
  if (const auto good = check_signed_headers(*given, request); !good) return good;
  const AccessKey* key = pool.access_keys.find(given->access_key_id);
  if (key == nullptr) return unrecognized_client();
  if (const auto good = check_key(*key, request, now_s); !good) return good;
  if (const auto good = check_payload_and_signature(*given, *key, request); !good) return good;
  const std::string action = std::string(kService) + ":" + operation;
  if (!key->allows(action)) {
    return refuse("AccessDeniedException",
                  "User: " + key->arn + " is not authorized to perform: " + action +
                      " on resource: arn:aws:cognito-idp:" + pool.settings.region() +
                      ":123456789012:userpool/" + pool.settings.id +
                      " because no identity-based policy allows the " + action + " action");
  }
  return {};
}

}  // namespace pamcognito::pool
