#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "daemon/cognito/api_client.h"
#include "daemon/cognito/user_pool.h"

namespace pamcognito::cognito {

// What InitiateAuth and RespondToAuthChallenge answer with: a challenge or tokens, one of the two.
// `username` is the name that the sign-in has used so far; a challenge may name a better one.
// Anything else, wrong types and what is larger than the protocol allows: bad_response.
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

// The same answer where only PASSWORD_VERIFIER will do: before the password is proved, the pool may
// neither sign anybody in nor send a code.
PoolResult<PasswordVerifierChallenge> read_password_verifier(const ApiAnswer& answer);

}  // namespace pamcognito::cognito
