#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/sign_in/scripted.h"

// Sign-ins that set up TOTP.
namespace pamcognito::test {

inline void demand_setup(World& world) {
  world.pool.reply_challenge(cognito::ChallengeName::mfa_setup,
                             {{"MFAS_CAN_SETUP", R"(["SOFTWARE_TOKEN_MFA"])"}});
}

// A sign-in whose pool demands the set-up, and then hands out tokens.
inline void by_session(World& world, std::vector<std::string> codes) {
  demand_setup(world);
  world.pool.reply_tokens();
  world.person->answers = {"right password"};
  for (std::string& code : codes) world.person->answers.push_back(std::move(code));
}

// A sign-in whose pool asks for no factor.
inline void by_access_token(World& world, std::vector<std::string> codes) {
  world.config->mfa.enroll = policy::Enroll::anywhere;
  world.pool.reply_tokens();
  world.person->answers = {"right password"};
  for (std::string& code : codes) world.person->answers.push_back(std::move(code));
}

}  // namespace pamcognito::test
