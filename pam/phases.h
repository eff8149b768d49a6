#pragma once

#include <cstdint>

#include "pam/admission.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// What the module does. Each returns a PAM code. Where our user's phase asks the daemon it logs one
// line of how that ended; for everybody else it is PAM_IGNORE, without the bus, and without a line
// but those of `debug` and of a wrong module option.
int authenticate(Handle pam, int flags, const Options& options);
int check_account(Handle pam, int flags, const Options& options);
// libpam calls it twice. PAM_PRELIM_CHECK signs the person in, up to the daemon's first question
// for a new password; PAM_UPDATE_AUTHTOK asks that and goes on to the end. Only for the person
// itself, or where check_account() said that the pool wants a new password; PAM_IGNORE where root
// changes a password, which is the local one; PAM_AUTHINFO_UNAVAIL where a local password has
// expired with which this transaction has signed the user in, in an emergency.
int change_password(Handle pam, int flags, const Options& options);
// PAM_SUCCESS for our users: it authenticates nobody, and where no other module succeeds PAM_IGNORE
// breaks sshd and su.
int set_credentials(Handle pam, const Options& options);
// Joins the sign-in that authenticate() made to the login that begins. Within 3 s, and never a
// reason to refuse a login: PAM_SUCCESS for our users.
int open_session(Handle pam, int flags, const Options& options);
// Tells the daemon that a login which open_session() joined has ended; the rest is as there.
int close_session(Handle pam, int flags, const Options& options);

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
