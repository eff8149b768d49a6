#pragma once

#include <cstdint>

#include "pam/admission.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// The functions behind the PAM calls. Each returns a PAM code. For a Cognito user, a phase that
// calls cognitod logs one line with the result. A user who is certainly no Cognito user gets
// PAM_IGNORE, without a call on the bus and without a log line, except those for `debug` and for a
// wrong module option. If neither is certain, the phase refuses and logs the reason.
int authenticate(Handle pam, int flags, const Options& options);
int check_account(Handle pam, int flags, const Options& options);
// libpam calls it twice. PAM_PRELIM_CHECK signs the user in, up to the first question for a new
// password; PAM_UPDATE_AUTHTOK asks that question and continues to the end.
//
// Only the user may change the password, or a login program after check_account() has reported that
// the pool demands a new one. If root changes a password, it is the local one: PAM_IGNORE. If the
// local password of an emergency sign-in has expired: PAM_AUTHINFO_UNAVAIL.
int change_password(Handle pam, int flags, const Options& options);
// Returns PAM_SUCCESS for Cognito users, because PAM_IGNORE would make sshd and su fail if no other
// module succeeds. The call authenticates nobody.
int set_credentials(Handle pam, const Options& options);
// Binds the sign-in of authenticate() to the login that begins. Takes at most 3 s and never refuses
// a login: PAM_SUCCESS for Cognito users.
int open_session(Handle pam, int flags, const Options& options);
// Reports to cognitod that a login has ended which open_session() has bound. It never refuses
// either.
int close_session(Handle pam, int flags, const Options& options);

// The two tasks that control the PAM profile (conf/pam-cognito). Neither calls the bus.

// The PAM function that libpam has called.
enum class Entry : std::uint8_t { authenticate, credentials, account, password, session };

// `route`: PAM_SUCCESS for a Cognito user, PAM_IGNORE if the user is certainly none, and a refusal
// if neither is certain. Once this transaction has signed the user in, with Cognito or in an
// emergency, the user remains a Cognito user until it ends. If root sets a password, it is a local
// one: PAM_IGNORE.
int route(Handle pam, int flags, const Options& options, Entry entry);

// `emergency`: the auth stack calls it after cognitod was unavailable and pam_unix has accepted the
// local password. Only then may the other phases of this transaction return PAM_AUTHINFO_UNAVAIL.
// Returns PAM_SUCCESS, or PAM_AUTH_ERR if this transaction did not find cognitod unavailable for
// this user or if root does not permit a local password any more. In every call except
// authentication it acts as `route`.
int note_emergency(Handle pam, int flags, const Options& options, Entry entry);

}  // namespace pamcognito::pam
