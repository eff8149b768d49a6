#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

// The exceptions that the service model 2016-04-18 lists for the operations that the daemon uses,
// as the model of @aws-sdk/client-cognito-identity-provider 3.1169.0 has them:
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_Operations.html
namespace pamcognito::test {

struct ModelOperation {
  std::string_view name;
  std::vector<std::string_view> exceptions;
};

namespace model {

using Names = std::vector<std::string_view>;

// The exceptions that nearly every operation lists.
inline const Names kCommon = {"ForbiddenException",        "InternalErrorException",
                              "InvalidParameterException", "NotAuthorizedException",
                              "ResourceNotFoundException", "OperationNotEnabledException"};
inline const Names kLambda = {"InvalidLambdaResponseException", "UnexpectedLambdaException",
                              "UserLambdaValidationException"};
inline const Names kMessage = {"InvalidSmsRoleAccessPolicyException",
                               "InvalidSmsRoleTrustRelationshipException",
                               "InvalidEmailRoleAccessPolicyException"};
inline const Names kThrottling = {"TooManyRequestsException"};
inline const Names kUserState = {"PasswordResetRequiredException", "UserNotConfirmedException",
                                 "UserNotFoundException"};

inline Names all_of(std::initializer_list<Names> groups) {
  Names all;
  for (const Names& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

}  // namespace model

inline std::vector<ModelOperation> model_operations() {
  using namespace model;
  const Names code_sending =
      all_of({kCommon,
              kThrottling,
              kLambda,
              kMessage,
              {"UserNotFoundException", "CodeDeliveryFailureException", "LimitExceededException"}});
  return {
      {"InitiateAuth",
       all_of({kCommon,
               kThrottling,
               kLambda,
               kMessage,
               kUserState,
               {"FeatureUnavailableInTierException", "InvalidUserPoolConfigurationException",
                "UnsupportedOperationException"}})},
      {"RespondToAuthChallenge",
       all_of({kCommon,
               kThrottling,
               kLambda,
               kMessage,
               kUserState,
               {"AliasExistsException", "CodeMismatchException", "ExpiredCodeException",
                "InvalidPasswordException", "PasswordHistoryPolicyViolationException",
                "MFAMethodNotFoundException", "SoftwareTokenMFANotFoundException",
                "InvalidUserPoolConfigurationException"}})},
      {"AssociateSoftwareToken",
       all_of({kCommon, {"ConcurrentModificationException", "SoftwareTokenMFANotFoundException"}})},
      {"VerifySoftwareToken",
       all_of({kCommon,
               kThrottling,
               kUserState,
               {"CodeMismatchException", "EnableSoftwareTokenMFAException",
                "InvalidUserPoolConfigurationException", "SoftwareTokenMFANotFoundException"}})},
      {"GetUser", all_of({kCommon, kThrottling, kUserState})},
      {"SetUserMFAPreference", all_of({kCommon, kUserState})},
      {"ForgotPassword", code_sending},
      {"ConfirmForgotPassword",
       all_of({kCommon,
               kThrottling,
               kLambda,
               {"CodeMismatchException", "ExpiredCodeException", "InvalidPasswordException",
                "LimitExceededException", "PasswordHistoryPolicyViolationException",
                "TooManyFailedAttemptsException", "UserNotConfirmedException",
                "UserNotFoundException"}})},
      {"ResendConfirmationCode", code_sending},
      {"ConfirmSignUp", all_of({kCommon,
                                kThrottling,
                                kLambda,
                                {"AliasExistsException", "CodeMismatchException",
                                 "ExpiredCodeException", "LimitExceededException",
                                 "TooManyFailedAttemptsException", "UserNotFoundException"}})},
      {"ChangePassword", all_of({kCommon,
                                 kThrottling,
                                 kUserState,
                                 {"InvalidPasswordException", "LimitExceededException",
                                  "PasswordHistoryPolicyViolationException"}})},
      {"RevokeToken",
       all_of({kThrottling,
               {"ForbiddenException", "InternalErrorException", "InvalidParameterException",
                "OperationNotEnabledException", "UnauthorizedException",
                "UnsupportedOperationException", "UnsupportedTokenTypeException"}})},
      {"GetTokensFromRefreshToken",
       all_of({kThrottling,
               kLambda,
               {"ForbiddenException", "InternalErrorException", "InvalidParameterException",
                "NotAuthorizedException", "RefreshTokenReuseException", "ResourceNotFoundException",
                "UserNotFoundException"}})},
      {"ConfirmDevice",
       all_of({kCommon,
               kThrottling,
               kUserState,
               {"DeviceKeyExistsException", "InvalidLambdaResponseException",
                "InvalidPasswordException", "InvalidUserPoolConfigurationException",
                "UsernameExistsException"}})},
      {"ForgetDevice",
       all_of({kCommon, kThrottling, kUserState, {"InvalidUserPoolConfigurationException"}})},
  };
}

}  // namespace pamcognito::test
