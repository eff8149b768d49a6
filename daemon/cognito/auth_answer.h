#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "daemon/cognito/api_client.h"
#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

// Reads an answer of InitiateAuth or RespondToAuthChallenge: a challenge or tokens, exactly one of
// the two. `username` is the name that the sign-in has used so far; a challenge may name a better
// one. Anything else, a wrong type, or a value larger than the protocol allows is bad_response.
PoolResult<AuthStep> read_auth_answer(const ApiAnswer& answer, const std::string& username,
                                      runtime::MonotonicTime received);

ChallengeName challenge_name(std::string_view wire_name);

// PASSWORD_VERIFIER's parameters. It is the client's own business and never leaves this layer.
struct PasswordVerifierChallenge {
  std::string salt_hex;
  std::string b_hex;
  std::string secret_block;
  std::string user_id;            // USER_ID_FOR_SRP
  std::string challenge_session;  // may be empty

  PasswordVerifierChallenge() = default;
};

// The same answer where only PASSWORD_VERIFIER is accepted: before the password is proved, the pool
// may neither sign the user in nor send a code.
PoolResult<PasswordVerifierChallenge> read_password_verifier(const ApiAnswer& answer);

}  // namespace pamcognito::cognito
