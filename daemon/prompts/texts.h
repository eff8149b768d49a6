#pragma once

#include <chrono>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cognito/error_table.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/policy/config.h"

// Everything that a person reads, in the language of the installed catalogue (catalogue.h). Plain
// and short; no jargon, no blame, no hint to an attacker: a wrong password, an unknown user and a
// disabled one read the same. Foreign text (destinations, device names, the pool's words) is made
// printable and capped.
namespace pamcognito::prompts {

// Questions.

// "Password: " for all users: another text would tell an ssh client which users are Cognito users.
std::string password();
// One prompt only: password, '+', six digits. The text is "Password: " as well.
std::string password_and_code();
// passwd(1), which only its own user runs: "Current password: ".
std::string current_password();
// Answers other than a code that the question names.
struct InsteadOfCode {
  bool send_again = false;    // nothing: the message is sent again
  bool other_method = false;  // kOtherMethod: a code of another factor
};
// The same letter in every language. No code has a letter.
inline constexpr char kOtherMethod = 'o';
// Whether the answer is that letter alone, in upper or lower case.
bool is_other_method(std::string_view answer);
// "Code sent to +*******4567 by SMS: ", "Code sent to a***@e*** by e-mail: ",
// "Code from your authenticator app: " or, with a friendly name, "Code from your authenticator app
// (alice's phone): ". With both of InsteadOfCode: "Code sent to … by SMS (Enter = send again, o =
// other method): ".
std::string code(const cognito::Challenge& challenge, InsteadOfCode instead = {});
// A numbered list and the question, all in one prompt; with the destination, where the pool names
// it: "Choose how to get your code:\n 1  authenticator app\n 2  SMS to +*******4567\nEnter a number
// [1]: "
std::string choice(const cognito::Challenge& challenge,
                   const std::vector<cognito::Method>& methods);
std::string method_name(cognito::Method method);  // "authenticator app", "e-mail", "SMS", …

// "New password: " and "Retype new password: ". The first gives the reason if the user did not ask
// for the change: "Your password must be changed. New password: ".
std::string new_password(bool demanded);
std::string new_password_again();
// "given name: ", an attribute of the account that the pool wants a value for.
std::string attribute(std::string_view name);
// The texts of the named parameters, each on a line of its own and cut at 512 bytes, then "Answer:
// ", unless the last one ends with a colon and so is the question itself.
std::string custom_challenge(const cognito::Challenge& challenge,
                             const std::vector<std::string>& parameters);

// TOTP set-up: one prompt with numbered steps, the QR code of the otpauth URI, the secret in groups
// of four, account and issuer, and what else may be typed. OpenSSH shows half blocks as octal
// digits to a client in the C locale, and a light terminal inverts them: so the secret is shown
// beside the code, and the last line offers other forms. "… Code (i = inverted QR, a = larger QR, n
// = no QR): " At most 15,000 bytes: a QR code that does not fit is left out.
struct TotpSetup {
  std::string secret;           // base32
  std::string issuer;           // as the app shows it
  std::string account;          // as the app shows it
  bool demanded = true;         // in a sign-in; else the person asked for it
  bool inverted = false;        // the QR code, for a light terminal
  bool no_qr_here = false;      // the program can show no QR code: ssh can
  std::chrono::seconds left{};  // until the sign-in ends; less than a minute is not told
};
std::string totp_setup(const TotpSetup& setup, policy::Qr qr);
// Before a question, near the end of a sign-in: "25 seconds left."
std::string seconds_left(std::chrono::seconds left);
// After the first try: "Code (s = show the key again): ".
std::string totp_setup_again();
// "Your account needs a second factor. Which one?\n 1  authenticator app\n 2  e-mail\nEnter a
// number [1]: "
std::string setup_choice(const std::vector<cognito::Method>& methods);
// "Your account needs a second factor. E-mail address for your codes: "
std::string setup_email();

// A reset that an admin demanded, whose code has been sent:
// "Your password must be reset. Enter the code we sent you (Enter = send a new one): ", the part in
// parentheses only while one may be sent; so for the two below.
std::string reset_code(bool may_send);
// "Forgot your password? Type yes to reset it: "
std::string forgot_password_question();
// Whether the answer is that yes, in English or the installed language, in upper or lower case.
bool is_yes(std::string_view answer);
// The same whether the account exists or not:
// "If your account allows it, we have sent you a code. Code (Enter = send a new one): "
std::string forgot_password_code(bool may_send);
// "Your account is not confirmed yet. Enter the code we sent you (Enter = send a new one): "
std::string confirmation_code(bool may_send);

// Notices.
// The organization's contact; default: "Ask your administrator." See use_help() in catalogue.h.
std::string help();
std::string wrong_code();  // "Incorrect code."
// "Incorrect code. 2 attempts left."; 0: the number is not known, and is left out.
std::string wrong_code(unsigned attempts_left);
std::string
code_already_used();            // "That code was used already. Wait for the next code of your app."
std::string code_expired();     // "That code has expired."
std::string not_a_code();       // "A code has 4 to 10 digits."  Nothing was sent.
std::string not_a_totp_code();  // "The code has six digits."
std::string not_in_list();      // "Type one of the numbers."
std::string new_code_sent();    // "A new code was sent."
std::string no_new_code();      // "No new code could be sent."
// "Your last sign-in could not be kept as a session."
std::string session_not_kept();
std::string passwords_differ();     // "The two passwords differ."
std::string password_is_the_old();  // "The new password must be different from the current one."
// "A password cannot be empty, begin or end with a space, or be longer than 256 characters."
std::string not_a_password();
// "Password not accepted: " and the pool's own text about its policy.
std::string password_not_allowed(std::string_view pools_text);
std::string value_needed();  // "Please type an answer."
// "The sign-in service did not take one of these values. Please check them."
std::string values_not_taken();
std::string not_an_email_address();  // "That is not an e-mail address."
std::string setup_starts_again();    // "Time ran out. Here is a new key: …"
std::string password_changed();      // "Your password has been changed."
std::string password_was_set();      // the same, after a reset
std::string account_confirmed();     // "Your account is confirmed."

// Ends.
std::string refused();  // "Sign-in failed. Check your user name and password."
// The text, and the sign-in's id, which cognitoctl explain takes: "… (Ref 4f1d9c0a77b2e358)".
std::string with_reference(std::string_view text, std::string_view id);
// "Too many wrong codes. Try again in 15 minutes."; no wait: "… Please start again."
std::string too_many_wrong_codes(std::chrono::seconds wait);
// The same for passwords: "Too many failed attempts. Try again in 15 minutes."
std::string too_many_failures(std::chrono::seconds wait);
std::string too_many_tries();     // "Too many tries. Wait a few minutes, then try again."
std::string too_many_messages();  // "Too many codes were sent. Wait a few minutes, then try again."
std::string time_is_up();         // "Time ran out. Try again."
std::string pool_not_connected();  // no connection now: try again, or ask an administrator
std::string pool_unreachable();    // "The sign-in service cannot be reached."
// The text for a failure of the pool, by its row in the error table.
std::string failure_text(cognito::UserText text);
std::string pool_failed();  // "The sign-in service did not answer as it should. Try again."
std::string busy();         // "The sign-in service is busy. Wait a moment, then try again."
// "This machine is short of resources. Wait a moment, then try again."
std::string machine_busy();
// "Your account has no phone number or e-mail address that a code could be sent to. …"
std::string no_address_for_codes();
std::string second_factor_needed();  // what to do about it
std::string factor_not_accepted(const std::vector<cognito::Method>& accepted);  // names what is
std::string not_permitted();  // signed in, but without access to this machine
std::string cannot_set_up();  // the pool demands a set-up that this place or version refuses
// "… Setting it up takes longer than this sign-in may last. …", and what to do; starting again
// helps only where a whole sign-in has the time.
std::string no_time_to_set_up(bool starting_again_helps);
std::string needs_other_step();  // a step that cannot be done in a login: where to do it instead
std::string needs_other_way();  // only passkeys and the like are offered: what to ask the admin for
// The text of a PreAuthentication trigger, without Cognito's words around it, in one line of at
// most 256 bytes; refused() if the trigger gave none.
std::string trigger_refusal(std::string_view pools_text);
std::string too_many_answers();    // "Too many tries. Please start again."
std::string cannot_change_here();  // passwd where there is no password to change
std::string not_changed();         // "Your password was not changed."
// The state of this machine prevents the sign-in: "This machine cannot sign you in now. Ask your
// administrator."
std::string ask_administrator();

// The person's own second factors, outside a sign-in.
std::string
totp_is_set_up();  // "Authenticator app set up. You will be asked for a code at each sign-in."
std::string no_session();                  // "You are not signed in here. Sign in first."
std::string first_factor_elsewhere();      // [mfa] enroll does not permit the first one here
std::string no_place_for_set_up();         // the caller belongs to no login: where to do it instead
std::string no_factor_to_change();         // the account has none yet: what to do
std::string factor_was_not_asked();        // the pool asked for none, so that none was proved
std::string cannot_change_factors_here();  // a caller that can ask only once
// At a sign-in: "Your authenticator app was changed on 2026-12-01 16:40 UTC from 192.0.2.7. If this
// was not you, tell your administrator." from: an address, "seat", or empty.
std::string factor_was_changed(bool is_app, std::time_t at, std::string_view from);
std::string one_preferred_only();  // "Only one second factor can be the preferred one."
// A change that would take the last accepted one away; names what is.
std::string factor_would_be_missing(const std::vector<cognito::Method>& accepted);
std::string factor_not_set_up();     // it cannot be switched on yet: what to do
std::string preference_not_taken();  // "The sign-in service did not take this change."
std::string pool_not_found();        // the pool or its client is not what it should be

}  // namespace pamcognito::prompts
