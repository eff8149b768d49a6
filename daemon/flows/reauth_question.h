#pragma once

#include <string_view>

#include "daemon/flows/session_keeper.h"
#include "daemon/policy/config.h"
#include "daemon/policy/reauth.h"
#include "daemon/runtime/clock.h"
#include "daemon/sessions/session.h"

namespace pamcognito::flows {

// What configuration and session say to whether the session may stand in for a sign-in to
// `service`. Who asks from which login, whether the session is alive and what the pool said stays
// unsaid, which means no.
policy::ReauthQuestion reauth_question(const policy::Config& config, const policy::ReauthRule& rule,
                                       const SessionKeeper& keeper,
                                       const sessions::Session& session, std::string_view service,
                                       runtime::BootTime now);

}  // namespace pamcognito::flows
