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
    Sentence{"signed-in", "all questions were answered correctly"},
    Sentence{"session", "a session of this login replaced the sign-in"},
    Sentence{"session-password", "the password of a session of this login was correct"},
    Sentence{"session-wrong-password", "a session of this login has another password"},
    Sentence{"session-asked",
             "a session replaced the sign-in, after the user pool confirmed the account"},
    Sentence{"session-in-grace",
             "a session replaced the sign-in, because the user pool cannot be reached "
             "(`unreachable_grace`)"},
    Sentence{"password-changed", "the password was changed"},
    Sentence{"not-authorized", "the user pool refused: wrong password, or no such user"},
    Sentence{"user-not-found", "the user pool has no such user"},
    Sentence{"user-disabled", "the account is disabled in the user pool"},
    Sentence{"disabled", "the account is disabled in the user pool"},
    Sentence{"user-not-confirmed", "the account is not confirmed in the user pool"},
    Sentence{"password-reset-required", "the user pool requires a reset of the password first"},
    Sentence{"reset-required", "the user pool requires a reset of the password first"},
    Sentence{"temporary-password-expired",
             "the temporary password has expired: an administrator must set a new one"},
    Sentence{"code-mismatch", "the code was wrong"},
    Sentence{"wrong-code", "the code was wrong"},
    Sentence{"expired-code", "the code had expired or was used before"},
    Sentence{"challenge-session-over",
             "the user pool's challenge session ended while the user was typing"},
    // The word of 0.2.0, for log lines from before an upgrade.
    Sentence{"session-over", "the user pool's challenge session ended while the user was typing"},
    Sentence{"limit-exceeded", "the user pool counts too many attempts of this user"},
    Sentence{"too-many-failed-attempts", "the user pool counts too many attempts of this user"},
    Sentence{"too-many-requests", "the user pool refused further calls for now (throttled)"},
    Sentence{"password-attempts-exceeded",
             "the user pool has locked the account for a while, after failed attempts here or "
             "elsewhere: at most 15 minutes"},
    Sentence{"imported-user",
             "the account was imported into the user pool and has no password yet: it needs a "
             "reset, by an administrator or by `self_service` of [password]"},
    Sentence{"mfa-method-not-found",
             "the account has no phone number or e-mail address for a code: an administrator must "
             "add one, or another second factor"},
    Sentence{"local-shortage",
             "cognitod could not make the call: no time was left, or this machine was short of "
             "memory, ports or connections"},
    Sentence{"undecided",
             "the user pool gave no answer about the account: the line before has the reason"},
    Sentence{
        "account-record",
        "the user has no local account, and the stored account is absent, locked or damaged: the "
        "line names the reason; see cognitoctl users show"},
    Sentence{"account-home",
             "the home directory of a user without a local account belongs to another user, or "
             "others can write it: see cognitoctl doctor --only accounts-homes"},
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
    Sentence{"first-login-limit",
             "too many first logins within a minute ([limits] first_logins): the user pool was not "
             "asked"},
    Sentence{"message-budget", "too many codes were sent within [limits] message_window"},
    Sentence{"too-many-open", "too many sign-ins were open at once"},
    Sentence{"too-many-in-a-minute", "the user opened too many sign-ins within a minute"},
    Sentence{"too-many-sign-ins", "too many sign-ins were open at once"},
    Sentence{"not-connected",
             "no connection to the user pool could be made, which is no proof that it is "
             "unreachable: cognitoctl doctor"},
    Sentence{"unreachable",
             "every background probe of the user pool failed: the pool is unreachable"},
    Sentence{"connection-cut", "the connection to the user pool broke"},
    Sentence{"timed-out", "the user pool did not answer in time"},
    Sentence{"bad-response", "the user pool's answer was not understood"},
    Sentence{"tokens-rejected",
             "the tokens did not verify: wrong issuer, client, signature or time"},
    Sentence{"waf-blocked", "a web firewall in front of the user pool blocked the call"},
    Sentence{"captcha-required", "a web firewall in front of the user pool requires a CAPTCHA"},
    Sentence{"blocked-by-risk", "the pool's threat protection blocked the sign-in"},
    Sentence{"user-lambda-validation", "a Lambda trigger of the user pool refused"},
    Sentence{"resource-not-found", "the pool or the app client does not exist: cognitoctl doctor"},
    Sentence{"internal", "a fault of cognitod, or a lack of memory: the next line has the reason"},
    Sentence{"invalid-parameter", "the app client does not allow this: cognitoctl doctor"},
    Sentence{"factor-not-accepted", "the second factor is not among `methods` of [mfa]"},
    Sentence{"no-second-factor", "the account has no second factor, and [mfa] requires one"},
    Sentence{
        "set-up-not-allowed",
        "the account needs a second factor, and `enroll` of [mfa] does not permit a set-up here"},
    Sentence{"no-time-to-set-up", "too little time was left to set up a second factor"},
    Sentence{"access", "the user is in none of `allow_groups`, nor in `allow_users`"},
    Sentence{"identity",
             "the account that the pool signed in has another name or verified e-mail address than "
             "this user must have (`cognito_username` and `identity` of [access])"},
    Sentence{"another-account",
             "this user is pinned to another account of the pool: cognitoctl identity list"},
    Sentence{"account-taken",
             "another Linux user is pinned to this account of the pool: cognitoctl identity list"},
    Sentence{"another-user", "the password of another user was to be changed"},
    Sentence{"not-pinned",
             "`identity = pinned`, and root has pinned no account for this user: cognitoctl "
             "identity pin"},
    Sentence{"identity-not-written",
             "the pin of this user could not be written to /var/lib/cognitod: cognitoctl doctor"},
    Sentence{"email-address", "no valid e-mail address was typed"},
    Sentence{"new-password", "the user pool accepted no new password"},
    Sentence{"custom-answer", "the answer to the custom challenge was wrong"},
    Sentence{"no-choice", "no second factor was chosen"},
    Sentence{"no-password", "nothing was typed at the password prompt"},
    Sentence{"no-set-up-offered", "the user pool offers no second factor that can be set up here"},
    Sentence{"totp-not-in-pool", "authenticator apps are off in the user pool (MFA settings)"},
    Sentence{
        "no-place",
        "a first factor cannot be set up outside a login of the user (in a service, cron, sudo)"},
    Sentence{"no-factor-yet", "the account has no second factor that could be changed"},
    Sentence{
        "factor-not-asked",
        "the user pool asked for no second factor, so no factor was proved and none was changed"},
    Sentence{"factor-would-be-missing",
             "the change would leave no factor that `methods` of [mfa] accepts"},
    Sentence{"factor-not-set-up", "a factor that was never set up cannot be switched on"},
    Sentence{"preference-not-taken", "the user pool refused the change of the factors"},
    Sentence{"factors-not-changed", "the pool failed to change the factors"},
    Sentence{"factors-changed", "the second factors were changed"},
    Sentence{"totp-set-up", "an authenticator app was set up"},
    Sentence{"nothing-to-change", "the factors already were as requested"},
    Sentence{"no-first-factor",
             "the user pool asked for no password, so no first factor was proved"},
    Sentence{"challenge-not-supported",
             "the user pool sent a challenge that this service cannot show"},
    Sentence{"too-many-challenges", "the user pool sent more than 20 challenges"},
    Sentence{"cannot-change-here", "this service cannot ask all the questions of the change"},
    Sentence{"sign-in-forgotten", "cognitod was restarted between password and account check"},
    Sentence{"session-not-asked", "by a session; this service does not wait for the network"},
    Sentence{"tested", "by cognitoctl login-test: no session was kept, and its tokens are revoked"},
    Sentence{"not-taken-over", "the program that asked did not accept the answer"},
    Sentence{"identities-unreadable",
             "the file of the identities cannot be read: cognitoctl doctor"},
    Sentence{"unknown",
             "the user has never signed in here, and `never_signed_in` of the service does not "
             "permit that"},
    Sentence{
        "unknown-allowed",
        "the user has never signed in here, and `never_signed_in` of the service permits that"},
    Sentence{"unknown-allowed-to-root",
             "the user has never signed in here, and root asks, which `never_signed_in` of the "
             "service permits"},
    Sentence{"last-verified", "by the last verification of the user"},
    Sentence{"fresh", "by a session that was checked a short time ago"},
    Sentence{
        "answer-is-the-password",
        "the answer to the code prompt was the password: the program answers all prompts alike"},
    Sentence{
        "password-as-code",
        "the answer to the code prompt was the password: the program answers all prompts alike"},
    Sentence{"not-a-password",
             "sshd denied the user, and sent a text of its own in place of the password"},
    Sentence{"no-code-after-password",
             "the one prompt takes password+code, and the answer had no code"},
    Sentence{"caller-gone", "the program that asked ended"},
    Sentence{"caller-gave-up", "the user, or the program that asked, canceled"},
    Sentence{"caller-cannot-answer", "the program that asked could not answer"},
    Sentence{"not-acknowledged", "the program that asked ended before it received the answer"},
    Sentence{"deadline", "the user took longer than the service's `sign_in_timeout`"},
    Sentence{"step-deadline", "cognitod took too long for a step"},
    Sentence{"timeout", "there was no answer in time"},
    Sentence{"no-bus", "there is no system bus"},
    Sentence{"no-daemon", "cognitod does not run"},
    Sentence{"no-owner", "cognitod does not run, and did not start"},
    Sentence{"daemon-not-started", "cognitod could not be started"},
    Sentence{"daemon-lost", "cognitod ended during the call"},
    Sentence{"daemon-stops", "cognitod stopped, or was switched to another user pool"},
    Sentence{"local-password", "the local password was correct, in an emergency"},
    Sentence{"unconfigured", "cognitod has no valid configuration"},
    Sentence{"internal-fault", "a fault of cognitod: please report it"},
};

}  // namespace

std::string cause_text(std::string_view cause) {
  const auto* row = std::ranges::find(kRows, cause, &Sentence::cause);
  return std::string(row == kRows.end() ? cause : row->text);
}

}  // namespace pamcognito::cli
