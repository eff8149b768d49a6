#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/cognito/user_pool.h"
#include "daemon/policy/config.h"

// Everything that a person reads. Plain and short; no jargon, no blame, no hint to an attacker: a
// wrong password, an unknown user and a disabled one read the same.
namespace pamcognito::prompts {

// "Password: " for everybody, or ssh would tell strangers who is ours.
std::string password();
// One prompt only: password, '+', six digits. The text is "Password: " as well.
std::string password_and_code();
// "Code sent to +*******4567 by SMS: ", "Code sent to a***@e*** by e-mail: ",
// "Code from your authenticator app: " or, with a friendly name, "Code from your authenticator app
// (alice's phone): ". Foreign text (destination, device name) is made printable and capped at 64
// bytes.
std::string code(const cognito::Challenge& challenge);
// A numbered list and the question, all in one prompt:
// "How do you want to get your code?\n 1  authenticator app\n 2  SMS\nNumber: "
std::string choice(const std::vector<policy::Method>& methods);
std::string_view method_name(policy::Method method);  // "authenticator app", "e-mail", "SMS"

// "Your password must be changed. New password: " and "New password again: ".
std::string new_password();
std::string new_password_again();
// "nickname: ", an attribute of the account that the pool wants a value for.
std::string attribute(std::string_view name);

// Notices.
std::string wrong_code();         // "That code is not right."
std::string code_already_used();  // "That code was used already. Wait for the next one."
std::string code_expired();       // "That code has expired."
std::string not_a_code();         // "A code has 4 to 10 digits."  Nothing was sent.
std::string not_a_totp_code();    // "The code has six digits."
std::string not_in_list();        // "Type one of the numbers."
std::string new_code_sent();      // "A new code was sent."
std::string refused();            // "Sign-in failed."
std::string too_many_tries();     // "Too many tries. Wait some minutes, then try again."
std::string too_many_messages();  // "Too many codes were sent. Wait some minutes, then try again."
std::string time_is_up();         // "Time ran out. Try again."
std::string pool_unreachable();   // "The sign-in service cannot be reached."
std::string pool_failed();        // "The sign-in service did not answer as it should. Try again."
std::string second_factor_needed();  // what to do about it
std::string factor_not_accepted(const std::vector<policy::Method>& accepted);  // names what is
std::string not_permitted();        // "Your account may not sign in here."
std::string passwords_differ();     // "The two passwords differ."
std::string password_is_the_old();  // "The new password must be another one."
std::string not_a_password();       // "A password has no control characters."
// "That password is not allowed: " and what the pool says about its policy, made printable and
// capped.
std::string password_not_allowed(std::string_view pools_text);
std::string value_needed();      // "A value is needed."
std::string needs_other_step();  // a step that this version cannot do in a login (new password,
                                 // set-up, reset, confirmation): where to do it instead

}  // namespace pamcognito::prompts
