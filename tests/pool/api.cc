#include "tests/pool/api.h"

#include <cstdint>
#include <expected>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "tests/pool/crypto.h"
#include "tests/pool/devices.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/signed_calls.h"

namespace pamcognito::pool {

namespace {

constexpr std::string_view kTargetPrefix = "AWSCognitoIdentityProviderService.";
constexpr char kJsonType[] = "application/x-amz-json-1.1";

const std::map<std::string, Operation> kOperations = {
    {"InitiateAuth", initiate_auth},
    {"RespondToAuthChallenge", respond_to_auth_challenge},
    {"GetTokensFromRefreshToken", get_tokens_from_refresh_token},
    {"RevokeToken", revoke_token},
    {"GlobalSignOut", global_sign_out},
    {"GetUser", get_user},
    {"AssociateSoftwareToken", associate_software_token},
    {"VerifySoftwareToken", verify_software_token},
    {"SetUserMFAPreference", set_user_mfa_preference},
    {"ChangePassword", change_password},
    {"ForgotPassword", forgot_password},
    {"ConfirmForgotPassword", confirm_forgot_password},
    {"ResendConfirmationCode", resend_confirmation_code},
    {"SignUp", sign_up},
    {"ConfirmSignUp", confirm_sign_up},
    {"ConfirmDevice", confirm_device},
    {"UpdateDeviceStatus", update_device_status},
    {"ForgetDevice", forget_device},
    {"GetDevice", get_device},
    {"ListDevices", list_devices},
    {"UpdateUserAttributes", update_user_attributes},
    {"GetUserAttributeVerificationCode", get_user_attribute_verification_code},
    {"VerifyUserAttribute", verify_user_attribute},
    {"ListUsers", list_users},
    {"ListUsersInGroup", list_users_in_group},
    {"ListGroups", list_groups},
    {"AdminListGroupsForUser", admin_list_groups_for_user}};

// The statuses of the service's model; what is not named is 400.
const std::map<std::string, int> kStatuses = {{"NotAuthorizedException", 403},
                                              {"ForbiddenException", 403},
                                              {"FeatureUnavailableInTierException", 403},
                                              {"AccessDeniedException", 403},
                                              {"ResourceNotFoundException", 404},
                                              {"UserNotFoundException", 404},
                                              {"TooManyRequestsException", 429},
                                              {"UnauthorizedException", 401},
                                              {"InternalErrorException", 500},
                                              {"InternalServerException", 500}};

int status_of(const std::string& exception, bool client_errors_400) {
  const auto found = kStatuses.find(exception);
  const int status = found == kStatuses.end() ? 400 : found->second;
  return client_errors_400 && status < 500 && status != 429 ? 400 : status;
}

HttpAnswer json_answer(const Json::Value& value) {
  HttpAnswer answer;
  answer.content_type = kJsonType;
  answer.body = to_text(value);
  return answer;
}

HttpAnswer error_answer(const ApiError& error, int status) {
  Json::Value body;
  body["__type"] = error.name;
  if (!error.message.empty()) body["message"] = error.message;
  HttpAnswer answer = json_answer(body);
  answer.status = status;
  answer.headers.emplace_back("x-amzn-ErrorType", error.name + ":");
  answer.headers.emplace_back("x-amzn-ErrorMessage", error.message);
  return answer;
}

HttpAnswer no_answer() {
  HttpAnswer answer;
  answer.status = 0;
  answer.delivery = Delivery::none;
  return answer;
}

// A web application firewall in front of the pool: it blocks, or (405) asks for a CAPTCHA, which
// only a browser can answer.
HttpAnswer waf_answer(int status) {
  HttpAnswer answer;
  answer.status = status;
  answer.content_type = "text/html";
  if (status != 405) {
    answer.body = "<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>";
    return answer;
  }
  answer.headers.emplace_back("x-amzn-waf-action", "captcha");
  answer.body =
      "<!DOCTYPE html><html><head><title>Human Verification</title></head>"
      "<body><div id=\"captcha-container\"></div><noscript>JavaScript is needed.</noscript></body>"
      "</html>";
  return answer;
}

// The answer of a fault that does not ask the pool; nullopt for a fault that spoils a real answer.
std::optional<HttpAnswer> answer_instead(const Fault& fault, bool client_errors_400) {
  if (fault.kind == "cut_after_reading") return no_answer();
  if (fault.kind == "throttle") {
    return error_answer({"TooManyRequestsException", "Rate exceeded"}, 429);
  }
  if (fault.kind == "server_error") {
    return error_answer({"InternalErrorException", "Something went wrong"},
                        fault.status != 0 ? static_cast<int>(fault.status) : 500);
  }
  if (fault.kind == "error") {
    return error_answer({fault.name, fault.message},
                        fault.status != 0 ? static_cast<int>(fault.status)
                                          : status_of(fault.name, client_errors_400));
  }
  if (fault.kind == "waf")
    return waf_answer(fault.status != 0 ? static_cast<int>(fault.status) : 403);
  HttpAnswer answer;
  if (fault.kind == "raw") {
    answer.status = fault.status != 0 ? static_cast<int>(fault.status) : 200;
    answer.content_type = fault.content_type;
    answer.body = fault.body;
    if (fault.headers.isObject()) {
      for (const std::string& name : fault.headers.getMemberNames()) {
        answer.headers.emplace_back(name, string_at(fault.headers, name));
      }
    }
    return answer;
  }
  return std::nullopt;
}

// Applies a fault to the delivery of an answer that was made.
void disturb_delivery(HttpAnswer& answer, const Fault& fault) {
  if (fault.kind == "lose_answer") answer = no_answer();
  if (fault.kind == "truncated") answer.delivery = Delivery::truncated;
  if (fault.kind == "endless") {
    answer.delivery = Delivery::endless;
    answer.drip_ms = fault.ms;
  }
}

std::string result_name(const Json::Value& answer) {
  const std::string challenge = string_at(answer, "ChallengeName");
  if (!challenge.empty()) return challenge;
  return answer.isMember("AuthenticationResult") ? "tokens" : "ok";
}

// The token by which refreshes and revocations name their user.
std::string refresh_token_in(const Json::Value& body) {
  if (!body.isObject()) return "";
  for (const char* member : {"RefreshToken", "Token"}) {
    if (body.isMember(member)) return string_at(body, member);
  }
  return string_at(body.get("AuthParameters", Json::Value()), "REFRESH_TOKEN");
}

RequestLog::Entry describe(const Pool& pool, const HttpRequest& request,
                           const std::string& operation, const Json::Value& body) {
  RequestLog::Entry entry;
  entry.unix_ms = pool.clock.wall_ms();
  entry.operation = operation;
  entry.name = string_at(body, "ChallengeName");
  if (entry.name.empty()) entry.name = string_at(body, "AuthFlow");
  for (const char* map : {"AuthParameters", "ChallengeResponses"}) {
    if (entry.username.empty() && body.isObject()) {
      entry.username = string_at(body.get(map, Json::Value()), "USERNAME");
    }
  }
  if (entry.username.empty()) entry.username = string_at(body, "Username");
  if (entry.username.empty()) entry.username = pool.grants.owner(refresh_token_in(body));
  entry.client_id = string_at(body, "ClientId");
  entry.access_key_id = access_key_of(request);
  if (body.isObject()) {
    entry.metadata = body.get("ClientMetadata", Json::Value());
    entry.ip = string_at(body.get("UserContextData", Json::Value()), "IpAddress");
  }
  entry.peer_port = request.peer_port;
  entry.user_agent = request.user_agent;
  entry.body = request.body;
  return entry;
}

// One request from its arrival to its answer.
class Exchange {
 public:
  Exchange(Pool& pool, std::unique_lock<std::mutex>& held) : pool_(pool), held_(held) {}

  template <typename Work>
  HttpAnswer run(RequestLog::Entry entry, Work work) {
    const int64_t came_ms = real_now_ms();
    std::optional<Fault> fault = pool_.faults.take({entry.operation, entry.name, entry.username});
    if (fault) entry.fault = fault->kind;
    const int64_t n = pool_.log.add(std::move(entry));
    pool_.notify_changed();

    std::string result;
    std::optional<HttpAnswer> answer;
    if (fault) {
      pool_.pause(held_, fault->delay_ms);
      answer = answer_instead(*fault, pool_.settings.client_errors_400);
    }
    if (!answer) {
      answer = work(fault ? *fault : Fault{}, result);
      if (RequestLog::Entry* logged = pool_.log.at(n)) logged->processed = true;
      if (fault) disturb_delivery(*answer, *fault);
    }
    pool_.pause(held_, came_ms + pool_.settings.latency_ms - real_now_ms());
    answer->headers.emplace_back("x-amzn-RequestId", random_uuid());
    finish(n, *answer, result);
    return std::move(*answer);
  }

 private:
  static int64_t real_now_ms() { return PoolClock{}.life_ms(); }

  void finish(int64_t n, const HttpAnswer& answer, const std::string& result) {
    RequestLog::Entry* logged = pool_.log.at(n);
    if (logged == nullptr) return;
    logged->answered = answer.delivery != Delivery::none;
    logged->status = answer.status;
    logged->result = result;
    pool_.notify_changed();
  }

  Pool& pool_;
  std::unique_lock<std::mutex>& held_;
};

HttpAnswer run_operation(Pool& pool, const HttpRequest& request, const std::string& operation,
                         const std::optional<Json::Value>& body, const Fault& fault,
                         std::string& result) {
  const auto known = kOperations.find(operation);
  std::expected<void, ApiError> authorized;
  if (wants_signature(operation)) authorized = check_signed(pool, request, operation);
  ApiResult outcome;
  if (known == kOperations.end()) {
    outcome = std::unexpected(ApiError{"UnknownOperationException", ""});
  } else if (!authorized) {
    outcome = std::unexpected(authorized.error());
  } else if (!body || !body->isObject()) {
    outcome = std::unexpected(ApiError{"SerializationException", "Start of structure expected"});
  } else {
    ApiCall call{pool, *body, fault.forgery};
    outcome = known->second(call);
  }
  if (!outcome) {
    result = outcome.error().name;
    return error_answer(outcome.error(), status_of(result, pool.settings.client_errors_400));
  }
  result = result_name(*outcome);
  spoil(*outcome, fault);
  return json_answer(*outcome);
}

}  // namespace

std::string operation_of(const HttpRequest& request) {
  if (request.path.ends_with("/.well-known/jwks.json")) return "jwks";
  if (!request.target.starts_with(kTargetPrefix)) return "";
  return request.target.substr(kTargetPrefix.size());
}

HttpAnswer answer_api(Pool& pool, const HttpRequest& request) {
  const std::string operation = operation_of(request);
  const std::optional<Json::Value> body = parse_json(request.body);
  std::unique_lock<std::mutex> held(pool.mutex);
  RequestLog::Entry entry = describe(pool, request, operation, body ? *body : Json::Value());
  return Exchange(pool, held).run(std::move(entry), [&](const Fault& fault, std::string& result) {
    return run_operation(pool, request, operation, body, fault, result);
  });
}

std::optional<HttpAnswer> answer_well_known(Pool& pool, const HttpRequest& request) {
  std::unique_lock<std::mutex> held(pool.mutex);
  const std::string base = "/" + pool.settings.id + "/.well-known/";
  const bool keys = request.path == base + "jwks.json";
  if (!keys && request.path != base + "openid-configuration") return std::nullopt;
  RequestLog::Entry entry =
      describe(pool, request, keys ? "jwks" : "openid-configuration", Json::Value());
  return Exchange(pool, held).run(std::move(entry), [&](const Fault& fault, std::string& result) {
    Json::Value document;
    if (keys) {
      document = pool.tokens.jwks();
    } else {
      document["issuer"] = pool.tokens.issuer();
      document["jwks_uri"] = pool.tokens.issuer() + "/.well-known/jwks.json";
      document["id_token_signing_alg_values_supported"].append("RS256");
    }
    result = "ok";
    spoil(document, fault);
    HttpAnswer answer = json_answer(document);
    answer.content_type = "application/json";
    return answer;
  });
}

}  // namespace pamcognito::pool
