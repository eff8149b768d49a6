#include "daemon/cognito/operation.h"

namespace pamcognito::cognito {

RetryRule retry_rule(Operation operation) {
  RetryRule rule;
  switch (operation) {
    case Operation::initiate_auth_srp:
    case Operation::associate_software_token_by_access_token:  // replaces an unverified secret
    case Operation::get_user:
    case Operation::set_user_mfa_preference:  // the same settings twice are the same settings
    case Operation::revoke_token:
    case Operation::get_tokens_from_refresh_token:
    case Operation::initiate_auth_refresh:
    case Operation::confirm_device:
    case Operation::forget_device:
    case Operation::get_keys:
      rule.after_sending = true;
      break;
    case Operation::initiate_auth_password:
    case Operation::initiate_auth_custom:
    case Operation::respond_to_auth_challenge:
    case Operation::associate_software_token_by_challenge_session:
    case Operation::verify_software_token:
    case Operation::forgot_password:
    case Operation::confirm_forgot_password:
    case Operation::resend_confirmation_code:
    case Operation::confirm_sign_up:
    case Operation::change_password:
      rule.after_sending = false;
      break;
  }
  return rule;
}

std::string_view wire_name(Operation operation) {
  switch (operation) {
    case Operation::initiate_auth_srp:
    case Operation::initiate_auth_password:
    case Operation::initiate_auth_custom:
    case Operation::initiate_auth_refresh:
      return "InitiateAuth";
    case Operation::respond_to_auth_challenge:
      return "RespondToAuthChallenge";
    case Operation::associate_software_token_by_challenge_session:
    case Operation::associate_software_token_by_access_token:
      return "AssociateSoftwareToken";
    case Operation::verify_software_token:
      return "VerifySoftwareToken";
    case Operation::get_user:
      return "GetUser";
    case Operation::set_user_mfa_preference:
      return "SetUserMFAPreference";
    case Operation::forgot_password:
      return "ForgotPassword";
    case Operation::confirm_forgot_password:
      return "ConfirmForgotPassword";
    case Operation::resend_confirmation_code:
      return "ResendConfirmationCode";
    case Operation::confirm_sign_up:
      return "ConfirmSignUp";
    case Operation::change_password:
      return "ChangePassword";
    case Operation::revoke_token:
      return "RevokeToken";
    case Operation::get_tokens_from_refresh_token:
      return "GetTokensFromRefreshToken";
    case Operation::confirm_device:
      return "ConfirmDevice";
    case Operation::forget_device:
      return "ForgetDevice";
    case Operation::get_keys:
      break;
  }
  return {};
}

std::string_view log_name(Operation operation) {
  return operation == Operation::get_keys ? "JWKS" : wire_name(operation);
}

}  // namespace pamcognito::cognito
