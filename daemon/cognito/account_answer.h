#pragma once

#include "daemon/cognito/api_client.h"
#include "daemon/cognito/user_pool.h"

// Reads the answers of the operations on an account. A wrong type, a missing member, or a value
// larger than the protocol allows is bad_response.
namespace pamcognito::cognito {

// AssociateSoftwareToken. The secret is base32 (RFC 4648 section 6) and nothing else, because a
// person copies it and a URI carries it. `by_session`: a missing new session is an error, because
// the set-up cannot go on without it.
PoolResult<SoftwareToken> read_software_token(const ApiAnswer& answer, bool by_session);

// VerifySoftwareToken. Any Status but SUCCESS is a code that did not count.
PoolResult<SoftwareTokenCheck> read_software_token_check(const ApiAnswer& answer);

PoolResult<UserState> read_user_state(const ApiAnswer& answer);

// CodeDeliveryDetails of ForgotPassword and ResendConfirmationCode; absent: both strings empty.
PoolResult<CodeDelivery> read_code_delivery(const ApiAnswer& answer);

}  // namespace pamcognito::cognito
