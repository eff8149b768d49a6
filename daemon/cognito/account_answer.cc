#include "daemon/cognito/account_answer.h"

#include <algorithm>

#include "daemon/cognito/auth_answer.h"

namespace pamcognito::cognito {
namespace {

constexpr std::size_t kMaxSecretCode = 256;
constexpr std::size_t kMaxName = 512;
constexpr std::size_t kMaxDelivery = 512;
constexpr std::size_t kMaxAttributes = 64;
constexpr std::size_t kMaxAttribute = 2048;  // of the service's quotas
constexpr std::size_t kMaxFactors = 16;
constexpr std::size_t kMaxFactorName = 64;

// Upper and lower case: the service's own case is not documented.
bool is_base32(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7') || c == '=';
  });
}

// UserAttributes: a list of {Name, Value}. The first of two that have one name counts.
JsonResult<StringMap> read_attributes(const Json::Value& root) {
  const auto list = optional_array(root, "UserAttributes", kMaxAttributes);
  if (!list) return std::unexpected(list.error());
  StringMap attributes;
  if (*list == nullptr) return attributes;
  for (const Json::Value& entry : **list) {
    auto name = required_string(entry, "Name", kMaxAttribute);
    if (!name) return std::unexpected(std::move(name.error()));
    auto value = optional_string(entry, "Value", kMaxAttribute);
    if (!value) return std::unexpected(std::move(value.error()));
    attributes.emplace(std::move(*name), value->value_or(""));
  }
  return attributes;
}

}  // namespace

PoolResult<SoftwareToken> read_software_token(const ApiAnswer& answer, bool by_session) {
  const Json::Value& root = answer.document.root();
  auto secret = required_string(root, "SecretCode", kMaxSecretCode);
  if (!secret) return answer.bad_response(secret.error());
  if (!is_base32(*secret)) return answer.bad_response("SecretCode is not base32");
  auto session = optional_string(root, "Session", kMaxSession);
  if (!session) return answer.bad_response(session.error());
  SoftwareToken token;
  token.secret_code = std::move(*secret);
  token.session = session->value_or("");
  if (by_session && token.session.empty()) return answer.bad_response("Session is missing");
  return token;
}

PoolResult<SoftwareTokenCheck> read_software_token_check(const ApiAnswer& answer) {
  const Json::Value& root = answer.document.root();
  const auto status = required_string(root, "Status", kMaxName);
  if (!status) return answer.bad_response(status.error());
  auto session = optional_string(root, "Session", kMaxSession);
  if (!session) return answer.bad_response(session.error());
  SoftwareTokenCheck check;
  check.verified = *status == "SUCCESS";
  check.session = session->value_or("");
  return check;
}

PoolResult<UserState> read_user_state(const ApiAnswer& answer) {
  const Json::Value& root = answer.document.root();
  auto username = required_string(root, "Username", kMaxName);
  if (!username) return answer.bad_response(username.error());
  auto attributes = read_attributes(root);
  if (!attributes) return answer.bad_response(attributes.error());
  auto factors = string_list(root, "UserMFASettingList", kMaxFactors, kMaxFactorName);
  if (!factors) return answer.bad_response(factors.error());
  auto preferred = optional_string(root, "PreferredMfaSetting", kMaxFactorName);
  if (!preferred) return answer.bad_response(preferred.error());
  // Factors from before UserMFASettingList: SMS, and it is asked for.
  const Json::Value& legacy = root["MFAOptions"];
  if (legacy.isArray() && !legacy.empty() && factors->empty()) factors->emplace_back("SMS_MFA");
  UserState state;
  state.username = std::move(*username);
  state.attributes = std::move(*attributes);
  state.enabled_factors = std::move(*factors);
  state.preferred_factor = preferred->value_or("");
  return state;
}

PoolResult<CodeDelivery> read_code_delivery(const ApiAnswer& answer) {
  const auto details = optional_object(answer.document.root(), "CodeDeliveryDetails");
  if (!details) return answer.bad_response(details.error());
  CodeDelivery delivery;
  if (*details == nullptr) return delivery;
  auto medium = optional_string(**details, "DeliveryMedium", kMaxDelivery);
  if (!medium) return answer.bad_response(medium.error());
  auto destination = optional_string(**details, "Destination", kMaxDelivery);
  if (!destination) return answer.bad_response(destination.error());
  delivery.medium = medium->value_or("");
  delivery.destination = destination->value_or("");
  return delivery;
}

}  // namespace pamcognito::cognito
