#include "daemon/flows/reauth_question.h"

#include <algorithm>

#include "daemon/policy/access.h"
#include "daemon/policy/freshness.h"

namespace pamcognito::flows {

policy::ReauthQuestion reauth_question(const policy::Config& config, const policy::ReauthRule& rule,
                                       const SessionKeeper& keeper,
                                       const sessions::Session& session, std::string_view service,
                                       runtime::BootTime now) {
  policy::ReauthQuestion question;
  question.mode = rule.mode;
  question.mfa_max_age = rule.mfa_max_age;
  question.permitted = policy::access_permitted(config, session.user, service, session.groups);
  question.mfa_required = config.mfa.require;
  question.factor = session.factor;
  question.factor_accepted =
      session.factor &&
      std::ranges::find(config.mfa.methods, *session.factor) != config.mfa.methods.end();
  question.sign_in_age = now - session.signed_in;
  question.has_verifier = keeper.can_check_password(session);
  question.verification = policy::freshness(now - session.verified, config.session);
  return question;
}

}  // namespace pamcognito::flows
