#include <expected>
#include <memory>
#include <utility>

#include "daemon/prompts/texts.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::Challenge;
using cognito::ChallengeName;
using runtime::Task;

// A challenge that a terminal cannot answer (WEB_AUTHN, SELECT_CHALLENGE), or an unknown one.
Task<Step> refuse_challenge(std::unique_ptr<Challenge> challenge, bool other_way) {
  SignInEnd end = make_end(Outcome::failed, "challenge-not-supported",
                           other_way ? prompts::needs_other_way() : prompts::needs_other_step(),
                           runtime::Level::warning);
  end->detail = challenge->wire_name;
  end->request_id = challenge->request_id;
  co_return std::unexpected(std::move(end));
}

// A user who has proved nothing (auth_flow = custom, and a pool that goes on without a question)
// may answer custom challenges only: nothing else is answered, set up or changed.
Task<Step> refuse_without_first_factor(std::unique_ptr<Challenge> challenge) {
  SignInEnd end = no_first_factor();
  end->request_id = challenge->request_id;
  co_return std::unexpected(std::move(end));
}

bool is_first_factor_challenge(const Challenge& challenge) {
  return challenge.wire_name == "WEB_AUTHN" || challenge.wire_name == "SELECT_CHALLENGE";
}

}  // namespace

// Not a coroutine: a frame less for every sign-in that waits for its code.
Task<Step> answer_challenge(SignInContext* context, std::unique_ptr<Challenge> challenge) {
  if (!context->proved.first_factor && challenge->name != ChallengeName::custom_challenge)
    return refuse_without_first_factor(std::move(challenge));
  if (const auto method = cognito::factor_of(challenge->name))
    return answer_code(context, std::move(challenge), *method);
  const bool can_be_asked = !context->profile.single_prompt;
  switch (challenge->name) {
    case ChallengeName::select_mfa_type:
      return choose_factor(context, std::move(challenge));
    case ChallengeName::custom_challenge:
      return answer_custom(context, std::move(challenge));
    case ChallengeName::new_password_required:
      if (can_be_asked) return set_new_password(context, std::move(challenge));
      break;
    case ChallengeName::mfa_setup:
      if (can_be_asked) return set_up_factor(context, std::move(challenge));
      break;
    case ChallengeName::sms_mfa:
    case ChallengeName::email_otp:
    case ChallengeName::software_token_mfa:
    case ChallengeName::other:
      break;
  }
  const bool other_way = is_first_factor_challenge(*challenge);
  return refuse_challenge(std::move(challenge), other_way);
}

}  // namespace pamcognito::sign_in
