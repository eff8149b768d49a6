#include <expected>
#include <string>

#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

// The PreAuthentication trigger: settings stand for the Lambda function.
namespace pamcognito::pool {

namespace {

Refusal trigger_refuses(const std::string& text) {
  return refuse("UserLambdaValidationException",
                "PreAuthentication failed with error " + text + ".");
}

// Why the trigger refuses this ClientMetadata; "" when it holds all that is wanted.
std::string complaint_about(const Json::Value& metadata, const Json::Value& wanted) {
  for (const std::string& key : wanted.getMemberNames()) {
    if (string_at(metadata, key) != string_at(wanted, key)) {
      return "unexpected " + key + " in the client metadata";
    }
  }
  return "";
}

}  // namespace

std::expected<void, ApiError> pre_authentication(const ApiCall& call, const User* user) {
  const PoolSettings& settings = call.pool.settings;
  if (!settings.pre_authentication_refusal.empty()) {
    return trigger_refuses(settings.pre_authentication_refusal);
  }
  if (user != nullptr && !user->pre_authentication_refusal.empty()) {
    return trigger_refuses(user->pre_authentication_refusal);
  }
  const std::string complaint = complaint_about(call.body.get("ClientMetadata", Json::Value()),
                                                settings.pre_authentication_requires_metadata);
  if (!complaint.empty()) return trigger_refuses(complaint);
  return {};
}

}  // namespace pamcognito::pool
