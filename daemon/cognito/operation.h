#pragma once

#include <cstdint>
#include <string_view>

#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

// A request to the pool, as far as it matters for sending it again. InitiateAuth has four: a
// password must not be sent twice, the pool's Lambdas for a custom challenge may cause a message,
// and a refresh may be repeated. AssociateSoftwareToken has two: it may use up a challenge session,
// but not an access token.
enum class Operation : std::uint8_t {
  initiate_auth_srp,
  initiate_auth_password,
  initiate_auth_custom,
  respond_to_auth_challenge,
  associate_software_token_by_challenge_session,
  associate_software_token_by_access_token,
  verify_software_token,
  get_user,
  set_user_mfa_preference,
  forgot_password,
  confirm_forgot_password,
  resend_confirmation_code,
  confirm_sign_up,
  change_password,
  revoke_token,
  get_tokens_from_refresh_token,
  initiate_auth_refresh,  // REFRESH_TOKEN_AUTH
  confirm_device,
  forget_device,
  get_keys,  // the JWKS; no operation of the API
};

// May an operation be sent a second time, and why? Each cause allows one more sending.
struct RetryRule {
  bool not_connected = true;   // the pool did nothing
  bool throttled = true;       // 429: the pool did nothing
  bool after_sending = false;  // 5xx or a cut: the pool may have done it
};

// after_sending only for what may be done twice: no password is tried, no single-use session is
// spent, and no message is caused by it. A refresh may be: where the pool rotates refresh tokens,
// the old one goes on to work for the app client's grace period; where there is none, it is good
// for nothing after a lost answer, so that to hand it in once more loses nothing.
RetryRule retry_rule(Operation operation);

// The name in X-Amz-Target; empty for get_keys.
std::string_view wire_name(Operation operation);
// The name in logs and counters: the same, and "JWKS".
std::string_view log_name(Operation operation);

}  // namespace pamcognito::cognito
