#include "daemon/flows/reauth_question.h"

#include <algorithm>
#include <chrono>

#include "daemon/policy/access.h"

namespace pamcognito::flows {

policy::ReauthQuestion reauth_question(const policy::Config& config, const policy::ReauthRule& rule,
                                       const SessionKeeper& keeper,
                                       const sessions::Session& session, std::string_view service,
                                       runtime::BootTime now) {
  const auto age = [now](runtime::BootTime then) {
    return std::chrono::floor<std::chrono::seconds>(now - then);
  };
  policy::ReauthQuestion question;
  question.mode = rule.mode;
  question.mfa_max_age = rule.mfa_max_age;
  question.permitted = policy::access_permitted(config, session.user, service, session.groups);
  question.mfa_required = config.mfa.require;
  question.factor = session.factor;
  question.factor_accepted =
      session.factor &&
      std::ranges::find(config.mfa.methods, *session.factor) != config.mfa.methods.end();
  question.sign_in_age = age(session.signed_in);
  question.has_verifier = keeper.can_check_password(session);
  question.verified_age = age(session.verified);
  question.revalidate = config.session.revalidate;
  question.unreachable_grace = config.session.unreachable_grace;
  return question;
}

}  // namespace pamcognito::flows
