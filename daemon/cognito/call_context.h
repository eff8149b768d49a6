#pragma once

#include "daemon/cognito/json.h"
#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

// Adds ClientMetadata and UserContextData to a request, as far as the context has them. EncodedData
// of UserContextData is a fingerprint that only AWS's own browser and mobile libraries make:
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserContextDataType.html
void add_context(JsonObjectWriter& body, const CallContext& context);

}  // namespace pamcognito::cognito
