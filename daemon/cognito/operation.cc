#include "daemon/cognito/operation.h"

namespace pamcognito::cognito {

RetryRule retry_rule(Operation operation) {
  RetryRule rule;
  switch (operation) {
    case Operation::initiate_auth_srp:
    case Operation::get_user:
    case Operation::revoke_token:
    case Operation::get_keys:
      rule.after_sending = true;
      break;
    case Operation::initiate_auth_password:
    case Operation::respond_to_auth_challenge:
    case Operation::set_user_mfa_preference:
      rule.after_sending = false;
      break;
  }
  return rule;
}

std::string_view wire_name(Operation operation) {
  switch (operation) {
    case Operation::initiate_auth_srp:
    case Operation::initiate_auth_password:
      return "InitiateAuth";
    case Operation::respond_to_auth_challenge:
      return "RespondToAuthChallenge";
    case Operation::get_user:
      return "GetUser";
    case Operation::set_user_mfa_preference:
      return "SetUserMFAPreference";
    case Operation::revoke_token:
      return "RevokeToken";
    case Operation::get_keys:
      break;
  }
  return {};
}

RetryCause retry_cause(const PoolError& error) {
  switch (error.kind) {
    case ErrorKind::not_connected:
      return RetryCause::not_connected;
    case ErrorKind::too_many_requests:
      return RetryCause::throttled;
    case ErrorKind::internal_error:
    case ErrorKind::connection_cut:
      return RetryCause::after_sending;
    default:
      return RetryCause::none;
  }
}

}  // namespace pamcognito::cognito
