#pragma once

#include <cstdint>

#include "pam/options.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// The two tasks that steer the PAM profile (conf/pam-cognito). Neither talks to the bus.

// The PAM function that libpam calls.
enum class Entry : std::uint8_t { authenticate, credentials, account, password, session };

// `route`: PAM_SUCCESS for a Cognito user, PAM_IGNORE for a user who is certainly none, a refusal
// if neither is certain. Once this transaction has signed the user in, with Cognito or in an
// emergency, the user stays a Cognito user until it ends. A password that root sets is a local one:
// PAM_IGNORE.
int route(Handle pam, int flags, const Options& options, Entry entry);

// `emergency`: the auth stack comes here when cognitod was unavailable and pam_unix has accepted
// the local password. Only after that may the other phases of this transaction answer
// PAM_AUTHINFO_UNAVAIL. PAM_SUCCESS; PAM_AUTH_ERR if this transaction's sign-in of this user was
// not unavailable, or if root permits no local password any more. In the phases that sign nobody
// in: as `route`.
int note_emergency(Handle pam, int flags, const Options& options, Entry entry);

}  // namespace pamcognito::pam
