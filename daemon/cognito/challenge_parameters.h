#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cognito/pool_config.h"
#include "daemon/cognito/user_pool.h"

// Reads the parameters of a challenge.
namespace pamcognito::cognito {

// A factor as a challenge offers it: what it is, and the exact string to send back. The e-mail
// factor is EMAIL_OTP in practice and EMAIL_MFA in the API's text, so what was offered is what is
// sent.
struct OfferedFactor {
  Method method;
  std::string wire_name;
};

// The factors of MFAS_CAN_CHOOSE, in the pool's order. Names that this version does not know are
// left out; a parameter that is absent or not a JSON array of strings offers nothing.
std::vector<OfferedFactor> factors_to_choose(const Challenge& challenge);

// The factors of MFAS_CAN_SETUP, in the pool's order and by the same rules, except that an absent
// parameter offers TOTP: it is the one factor whose set-up needs nothing that the pool would have
// to announce, and a pool that does not have it refuses AssociateSoftwareToken. SMS may be among
// them, though it cannot be set up in a sign-in.
std::vector<OfferedFactor> factors_to_set_up(const Challenge& challenge);

// The factor that a code challenge asks for; nullopt: not a code challenge.
std::optional<Method> factor_of(ChallengeName name);

// How NEW_PASSWORD_REQUIRED names attributes, in its parameters and in the answer.
inline constexpr std::string_view kAttributePrefix = "userAttributes.";

// The attributes that the challenge wants a value for, by their names without the prefix. Those
// that have a value are left out, because Cognito refuses to change them here. nullopt: the
// parameters are not as the protocol defines them.
std::optional<std::vector<std::string>> missing_attributes(const Challenge& challenge);

}  // namespace pamcognito::cognito
