#pragma once

#include "daemon/cognito/api_client.h"
#include "daemon/cognito/user_pool.h"

// What the operations on an account answer with. Wrong types, what is missing and what is larger
// than the protocol allows: bad_response.
namespace pamcognito::cognito {

// AssociateSoftwareToken. The secret is what a person copies and a URI carries: base32 (RFC 4648
// section 6) and nothing else. `by_session`: without a new session the set-up cannot go on.
PoolResult<SoftwareToken> read_software_token(const ApiAnswer& answer, bool by_session);

// VerifySoftwareToken. Any Status but SUCCESS is a code that did not count.
PoolResult<SoftwareTokenCheck> read_software_token_check(const ApiAnswer& answer);

PoolResult<UserState> read_user_state(const ApiAnswer& answer);

// CodeDeliveryDetails of ForgotPassword and ResendConfirmationCode; absent: both strings empty.
PoolResult<CodeDelivery> read_code_delivery(const ApiAnswer& answer);

}  // namespace pamcognito::cognito
