#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "cli/explain/story.h"

namespace pamcognito::cli {
namespace {

struct Sentence {
  std::string_view cause;
  std::string_view text;
};

// The causes of daemon/sign_in, daemon/sessions, daemon/bus and pam, if a sentence explains more
// than the word.
constexpr std::array kRows = {
    Sentence{"signed-in", "every question was answered rightly"},
    Sentence{"session", "a session of this login replaced it"},
    Sentence{"session-password", "the password of a session of this login was right"},
    Sentence{"session-wrong-password", "a session of this login has another password"},
    Sentence{"session-asked", "a session replaced it, after the user pool was asked"},
    Sentence{"session-in-grace", "a session replaced it; the user pool cannot be reached"},
    Sentence{"password-changed", "the password was changed"},
    Sentence{"not-authorized", "the user pool refused: wrong password, or no such user"},
    Sentence{"user-not-found", "the user pool knows no such user"},
    Sentence{"user-disabled", "the account is disabled in the user pool"},
    Sentence{"disabled", "the account is disabled in the user pool"},
    Sentence{"user-not-confirmed", "the account is not confirmed in the user pool"},
    Sentence{"password-reset-required", "the user pool wants the password to be reset first"},
    Sentence{"reset-required", "the user pool wants the password to be reset first"},
    Sentence{"temporary-password-expired",
             "the temporary password has expired: an admin must set a new "
             "one"},
    Sentence{"code-mismatch", "the code was wrong"},
    Sentence{"wrong-code", "the code was wrong"},
    Sentence{"expired-code", "the code had expired, or was used before"},
    Sentence{"challenge-session-over",
             "the user pool's challenge session ended while the person was typing"},
    // The word of 0.2.0, for log lines from before an upgrade.
    Sentence{"session-over", "the user pool's challenge session ended while the person was typing"},
    Sentence{"limit-exceeded", "the user pool counts too many attempts of this user"},
    Sentence{"too-many-failed-attempts", "the user pool counts too many attempts of this user"},
    Sentence{"too-many-requests", "the user pool refused further calls for now (throttled)"},
    Sentence{"password-attempts-exceeded",
             "the user pool has locked the account for a while, after failed attempts here or "
             "elsewhere: at most 15 minutes"},
    Sentence{"imported-user",
             "the account was imported into the user pool and has no password yet: it needs a "
             "reset, by an admin or by `self_service` of [password]"},
    Sentence{"mfa-method-not-found",
             "the account has no phone number or address that a code could be sent to: an admin "
             "must give it one, or another second factor"},
    Sentence{"local-shortage",
             "cognitod could not make the call: no time was left, or this machine was short of "
             "memory, ports or connections"},
    Sentence{"undecided",
             "the user pool did not say whether the account may still sign in: the line before "
             "says why"},
    Sentence{
        "account-record",
        "the user has no local account, and the stored account is absent, locked or damaged: the "
        "line names the reason; see cognitoctl users show"},
    Sentence{"account-of-another-person",
             "the stored account belongs to another person of the user pool, or this person has an "
             "account of another name: journalctl -u cognitod-accounts"},
    Sentence{"account-locked", "the stored account is locked: see cognitoctl users show"},
    Sentence{"account-not-permitted",
             "root's rules permit no account for this user: journalctl -u cognitod-accounts"},
    Sentence{"account-not-stored",
             "cognitod-accounts could not store the sign-in: its journal has the reason"},
    Sentence{"accounts-unreachable",
             "cognitod-accounts did not answer: systemctl status cognitod-accounts.socket"},
    Sentence{"failure-budget", "too many failures of this user within [limits] failure_window"},
    Sentence{"message-budget", "too many codes were sent within [limits] message_window"},
    Sentence{"too-many-open", "too many sign-ins were open at once"},
    Sentence{"too-many-in-a-minute", "the user opened too many sign-ins within a minute"},
    Sentence{"too-many-sign-ins", "too many sign-ins were open at once"},
    Sentence{
        "not-connected",
        "the user pool could not be connected to, which proves nothing yet: cognitoctl doctor"},
    Sentence{"unreachable",
             "every background probe of the user pool failed: the pool is unreachable"},
    Sentence{"connection-cut", "the connection to the user pool broke"},
    Sentence{"timed-out", "the user pool did not answer in time"},
    Sentence{"bad-response", "the user pool's answer was not understood"},
    Sentence{"tokens-rejected",
             "the tokens did not verify: wrong issuer, client, signature or time"},
    Sentence{"waf-blocked", "a web firewall in front of the user pool blocked the call"},
    Sentence{"captcha-required", "a web firewall in front of the user pool wants a CAPTCHA"},
    Sentence{"blocked-by-risk", "the pool's threat protection blocked the sign-in"},
    Sentence{"user-lambda-validation", "a Lambda trigger of the user pool refused"},
    Sentence{"resource-not-found", "the pool or the app client does not exist: cognitoctl doctor"},
    Sentence{"internal", "a fault of cognitod, or it had no memory: the next line says which"},
    Sentence{"invalid-parameter", "the app client does not allow this: cognitoctl doctor"},
    Sentence{"factor-not-accepted", "the second factor is not among `methods` of [mfa]"},
    Sentence{"no-second-factor", "the account has no second factor, and [mfa] requires one"},
    Sentence{"set-up-not-allowed",
             "a second factor would have to be set up, which `enroll` forbids"},
    Sentence{"no-time-to-set-up", "too little time was left to set up a second factor"},
    Sentence{"access", "the user is in none of `allow_groups`, nor in `allow_users`"},
    Sentence{"identity",
             "the account that the pool signed in has another name, or another verified e-mail "
             "address, than this user must have (`cognito_username` and `identity` of [access])"},
    Sentence{"another-account",
             "the pool's account is another than the one this user is pinned to: cognitoctl "
             "identity list"},
    Sentence{"account-taken",
             "another Linux user is pinned to this account of the pool: cognitoctl identity list"},
    Sentence{"another-user", "the password of another user was to be changed"},
    Sentence{"not-pinned",
             "`identity = pinned`, and root has named no account for this user: cognitoctl "
             "identity pin"},
    Sentence{"identity-not-written",
             "who this user is could not be written to /var/lib/cognitod: cognitoctl doctor"},
    Sentence{"email-address", "no usable e-mail address was typed"},
    Sentence{"new-password", "no new password was accepted by the pool"},
    Sentence{"custom-answer", "the custom challenge was not answered rightly"},
    Sentence{"no-choice", "no second factor was chosen"},
    Sentence{"no-password", "nothing was typed at the password prompt"},
    Sentence{"no-set-up-offered", "the pool offers no second factor that could be set up here"},
    Sentence{"totp-not-in-pool", "the user pool has no authenticator apps (MFA settings)"},
    Sentence{
        "no-place",
        "a first factor was to be set up from no login of the user's own (a service, cron, sudo)"},
    Sentence{"no-factor-yet", "the account has no second factor that could be changed"},
    Sentence{"factor-not-asked",
             "the pool asked for no second factor, so none was proved and none is changed"},
    Sentence{"factor-would-be-missing",
             "the change would leave no factor that `methods` of [mfa] accepts"},
    Sentence{"factor-not-set-up", "a factor that was never set up was to be switched on"},
    Sentence{"preference-not-taken", "the pool did not take the change of the factors"},
    Sentence{"factors-not-changed", "the pool failed to change the factors"},
    Sentence{"factors-changed", "which second factors are used was changed"},
    Sentence{"totp-set-up", "an authenticator app was set up"},
    Sentence{"nothing-to-change", "the factors were as wanted already"},
    Sentence{"no-first-factor", "the pool asked for no password, so nobody proved anything"},
    Sentence{"challenge-not-supported", "the pool asked something that this service cannot ask"},
    Sentence{"too-many-challenges", "the pool asked more than 20 questions"},
    Sentence{"cannot-change-here", "this service cannot ask all the questions of the change"},
    Sentence{"sign-in-forgotten", "cognitod was restarted between password and account check"},
    Sentence{"session-not-asked", "by a session; this service never waits for the network"},
    Sentence{"tested", "by cognitoctl login-test: no session was kept, its tokens are revoked"},
    Sentence{"not-taken-over", "the program that asked did not take the answer"},
    Sentence{"identities-unreadable",
             "the file of the identities cannot be read: cognitoctl doctor"},
    Sentence{"unknown", "the user has never signed in here, and the service does not allow that"},
    Sentence{"unknown-allowed", "never seen here, but the service allows that"},
    Sentence{"unknown-allowed-to-root", "never seen here, but root may do it"},
    Sentence{"last-verified", "by what was last verified of the user"},
    Sentence{"fresh", "by a session that was checked lately"},
    Sentence{"answer-is-the-password",
             "a code was asked for, and the password came: the program "
             "answers every question alike"},
    Sentence{"password-as-code",
             "a code was asked for, and the password came: the program answers "
             "every question alike"},
    Sentence{"not-a-password",
             "what came was no password of a person: sshd's decoy for a user that it "
             "denies"},
    Sentence{"no-code-after-password", "the one prompt takes password+code, and no code came"},
    Sentence{"caller-gone", "the program that asked went away"},
    Sentence{"caller-gave-up", "the person, or the program that asked, cancelled"},
    Sentence{"caller-cannot-answer", "the program that asked could not answer"},
    Sentence{"not-acknowledged", "the program that asked went away before it knew the answer"},
    Sentence{"deadline", "the person took longer than the service's deadline"},
    Sentence{"step-deadline", "cognitod took too long for a step"},
    Sentence{"timeout", "no answer in time"},
    Sentence{"no-bus", "there is no system bus"},
    Sentence{"no-daemon", "cognitod does not run"},
    Sentence{"no-owner", "cognitod does not run, and did not start"},
    Sentence{"daemon-not-started", "cognitod could not be started"},
    Sentence{"daemon-lost", "cognitod went away"},
    Sentence{"daemon-stops", "cognitod stopped, or was turned to another user pool, meanwhile"},
    Sentence{"local-password", "the local password was right, and nobody else could be asked"},
    Sentence{"unconfigured", "cognitod has no valid configuration"},
    Sentence{"internal-fault", "a fault of cognitod: please report it"},
};

}  // namespace

std::string cause_text(std::string_view cause) {
  const auto* row = std::ranges::find(kRows, cause, &Sentence::cause);
  return std::string(row == kRows.end() ? cause : row->text);
}

}  // namespace pamcognito::cli
