#pragma once

#include <cstdint>
#include <string_view>

#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

// What is asked of the pool, as far as it matters for sending it again: InitiateAuth twice, because
// a password must not go out twice.
enum class Operation : std::uint8_t {
  initiate_auth_srp,
  initiate_auth_password,
  respond_to_auth_challenge,
  get_user,
  set_user_mfa_preference,
  revoke_token,
  get_keys,  // the JWKS
};

// May an operation be sent a second time, and why? Each cause allows one more sending.
struct RetryRule {
  bool not_connected = true;   // the pool did nothing
  bool throttled = true;       // 429: the pool did nothing
  bool after_sending = false;  // 5xx or a cut: the pool may have done it
};

// after_sending only for what may be done twice: no password is tried, no single-use session is
// spent, and no message is caused by it.
RetryRule retry_rule(Operation operation);

// The name in X-Amz-Target.
std::string_view wire_name(Operation operation);

enum class RetryCause : std::uint8_t { none, not_connected, throttled, after_sending };

// Which of the rule's causes an error is. LimitExceeded is none: it is a user's attempts, not a
// rate.
RetryCause retry_cause(const PoolError& error);

}  // namespace pamcognito::cognito
