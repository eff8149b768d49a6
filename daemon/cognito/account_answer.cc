#include "daemon/cognito/account_answer.h"

#include <algorithm>
#include <string_view>

#include "common/ascii.h"
#include "daemon/cognito/bounds.h"

namespace pamcognito::cognito {
namespace {

// Upper and lower case: the service's own case is not documented.
bool is_base32(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return ascii::is_letter(c) || (c >= '2' && c <= '7') || c == '='; });
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
  token.challenge_session = session->value_or("");
  if (by_session && token.challenge_session.empty())
    return answer.bad_response("Session is missing");
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
  check.challenge_session = session->value_or("");
  return check;
}

PoolResult<UserState> read_user_state(const ApiAnswer& answer) {
  const Json::Value& root = answer.document.root();
  // The API requires it: an answer without it is none to this question, and not "no factors".
  const auto username = required_string(root, "Username", kMaxName);
  if (!username) return answer.bad_response(username.error());
  auto factors = string_list(root, "UserMFASettingList", kMaxFactors, kMaxName);
  if (!factors) return answer.bad_response(factors.error());
  auto preferred = optional_string(root, "PreferredMfaSetting", kMaxName);
  if (!preferred) return answer.bad_response(preferred.error());
  // Factors from before UserMFASettingList: SMS, and it is asked for.
  const Json::Value& legacy = root["MFAOptions"];
  if (legacy.isArray() && !legacy.empty() && factors->empty()) factors->emplace_back("SMS_MFA");
  UserState state;
  state.enabled_factors = std::move(*factors);
  state.preferred_factor = preferred->value_or("");
  return state;
}

PoolResult<CodeDelivery> read_code_delivery(const ApiAnswer& answer) {
  const auto details = optional_object(answer.document.root(), "CodeDeliveryDetails");
  if (!details) return answer.bad_response(details.error());
  CodeDelivery delivery;
  if (*details == nullptr) return delivery;
  auto medium = optional_string(**details, "DeliveryMedium", kMaxDestination);
  if (!medium) return answer.bad_response(medium.error());
  auto destination = optional_string(**details, "Destination", kMaxDestination);
  if (!destination) return answer.bad_response(destination.error());
  delivery.medium = medium->value_or("");
  delivery.destination = destination->value_or("");
  return delivery;
}

}  // namespace pamcognito::cognito
