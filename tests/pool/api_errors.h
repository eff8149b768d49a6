#pragma once

#include <expected>
#include <string>
#include <utility>

#include "tests/pool/api.h"

// The service's refusals with their exact texts, as users have reported them.
namespace pamcognito::pool {

using Refusal = std::unexpected<ApiError>;

[[nodiscard]] inline Refusal refuse(std::string name, std::string message) {
  return Refusal(ApiError{std::move(name), std::move(message)});
}
[[nodiscard]] inline Refusal not_authorized(std::string message) {
  return refuse("NotAuthorizedException", std::move(message));
}
[[nodiscard]] inline Refusal invalid_parameter(std::string message) {
  return refuse("InvalidParameterException", std::move(message));
}
[[nodiscard]] inline Refusal missing_parameter(const std::string& name) {
  return invalid_parameter("Missing required parameter " + name);
}
[[nodiscard]] inline Refusal constraint_violated(const std::string& value,
                                                 const std::string& member,
                                                 const std::string& constraint) {
  return invalid_parameter("1 validation error detected: Value " + value + " at '" + member +
                           "' failed to satisfy constraint: " + constraint);
}
[[nodiscard]] inline Refusal null_member(const std::string& member) {
  return constraint_violated("null", member, "Member must not be null");
}
[[nodiscard]] inline Refusal wrong_password() {
  return not_authorized("Incorrect username or password.");
}
[[nodiscard]] inline Refusal attempts_exceeded() {
  return not_authorized("Password attempts exceeded");
}
[[nodiscard]] inline Refusal user_disabled() {
  return not_authorized("User is disabled.");
}
[[nodiscard]] inline Refusal user_not_found() {
  return refuse("UserNotFoundException", "User does not exist.");
}
[[nodiscard]] inline Refusal code_mismatch() {
  return refuse("CodeMismatchException", "Invalid code or auth state for the user.");
}

[[nodiscard]] inline Refusal limit_exceeded() {
  return refuse("LimitExceededException", "Attempt limit exceeded, please try after some time.");
}
[[nodiscard]] inline Refusal wrong_verification_code() {
  return refuse("CodeMismatchException", "Invalid verification code provided, please try again.");
}
[[nodiscard]] inline Refusal stale_verification_code() {
  return refuse("ExpiredCodeException", "Invalid code provided, please request a code again.");
}
[[nodiscard]] inline Refusal too_many_wrong_codes() {
  return refuse("TooManyFailedAttemptsException", "Too many failed attempts.");
}
[[nodiscard]] inline Refusal unauthorized_attribute() {
  return not_authorized("A client attempted to write unauthorized attribute");
}
[[nodiscard]] inline Refusal alias_exists(const std::string& attribute) {
  return refuse("AliasExistsException",
                "An account with the given " + attribute + " already exists.");
}
[[nodiscard]] inline Refusal no_such_username() {
  return refuse("UserNotFoundException", "Username/client id combination not found.");
}

}  // namespace pamcognito::pool
