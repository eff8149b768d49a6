#include "daemon/prompts/texts.h"

#include "common/text.h"

namespace pamcognito::prompts {
namespace {

constexpr std::size_t kMaxForeign = 64;

// Foreign text, fit for a terminal's single line.
std::string one_line(std::string_view foreign) {
  std::string text(foreign);
  for (char& c : text) {
    if (c == '\n') c = '?';
  }
  return printable(text, kMaxForeign);
}

// A parameter of the challenge; may be empty.
std::string parameter(const cognito::Challenge& challenge, const char* name) {
  const auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? std::string() : one_line(found->second);
}

std::string sent_code(const cognito::Challenge& challenge, policy::Method method) {
  const std::string destination = parameter(challenge, "CODE_DELIVERY_DESTINATION");
  const std::string to = destination.empty() ? "" : " to " + destination;
  return "Code sent" + to + " by " + std::string(method_name(method)) + ": ";
}

std::string totp_code(const cognito::Challenge& challenge) {
  const std::string device = parameter(challenge, "FRIENDLY_DEVICE_NAME");
  return "Code from your authenticator app" + (device.empty() ? "" : " (" + device + ")") + ": ";
}

}  // namespace

std::string password() {
  return "Password: ";
}

std::string password_and_code() {
  return password();
}

std::string code(const cognito::Challenge& challenge) {
  switch (challenge.name) {
    case cognito::ChallengeName::sms_mfa:
      return sent_code(challenge, policy::Method::sms);
    case cognito::ChallengeName::email_otp:
      return sent_code(challenge, policy::Method::email);
    case cognito::ChallengeName::software_token_mfa:
      return totp_code(challenge);
    case cognito::ChallengeName::select_mfa_type:
    case cognito::ChallengeName::mfa_setup:
    case cognito::ChallengeName::new_password_required:
    case cognito::ChallengeName::custom_challenge:
    case cognito::ChallengeName::other:
      break;
  }
  return "Code: ";
}

std::string choice(const std::vector<policy::Method>& methods) {
  std::string text = "How do you want to get your code?\n";
  for (std::size_t i = 0; i < methods.size(); ++i) {
    text += " " + std::to_string(i + 1) + "  " + std::string(method_name(methods[i])) + "\n";
  }
  return text + "Number: ";
}

std::string_view method_name(policy::Method method) {
  switch (method) {
    case policy::Method::totp:
      return "authenticator app";
    case policy::Method::email:
      return "e-mail";
    case policy::Method::sms:
      return "SMS";
  }
  return "code";
}

std::string new_password() {
  return "Your password must be changed. New password: ";
}

std::string new_password_again() {
  return "New password again: ";
}

std::string attribute(std::string_view name) {
  return one_line(name) + ": ";
}

std::string passwords_differ() {
  return "The two passwords differ.";
}

std::string password_is_the_old() {
  return "The new password must be another one.";
}

std::string not_a_password() {
  return "A password has no control characters.";
}

std::string password_not_allowed(std::string_view pools_text) {
  constexpr std::string_view prefix = "Password did not conform with policy: ";
  if (pools_text.starts_with(prefix)) pools_text.remove_prefix(prefix.size());
  return "That password is not allowed: " + one_line(pools_text);
}

std::string value_needed() {
  return "A value is needed.";
}

std::string wrong_code() {
  return "That code is not right.";
}

std::string code_already_used() {
  return "That code was used already. Wait for the next one.";
}

std::string code_expired() {
  return "That code has expired.";
}

std::string not_a_code() {
  return "A code has 4 to 10 digits.";
}

std::string not_a_totp_code() {
  return "The code has six digits.";
}

std::string not_in_list() {
  return "Type one of the numbers.";
}

std::string new_code_sent() {
  return "A new code was sent.";
}

std::string refused() {
  return "Sign-in failed.";
}

std::string too_many_tries() {
  return "Too many tries. Wait some minutes, then try again.";
}

std::string too_many_messages() {
  return "Too many codes were sent. Wait some minutes, then try again.";
}

std::string time_is_up() {
  return "Time ran out. Try again.";
}

std::string pool_unreachable() {
  return "The sign-in service cannot be reached.";
}

std::string pool_failed() {
  return "The sign-in service did not answer as it should. Try again.";
}

std::string second_factor_needed() {
  return "This machine asks for a second factor, and your account has none. Set one up in your "
         "organisation's sign-in portal, then try again.";
}

std::string factor_not_accepted(const std::vector<policy::Method>& accepted) {
  std::string names;
  for (const policy::Method method : accepted) {
    names += (names.empty() ? "" : ", ") + std::string(method_name(method));
  }
  return "Your second factor is not accepted here. Accepted: " + names +
         ". Set one up in your organisation's sign-in portal, then try again.";
}

std::string not_permitted() {
  return "Your account may not sign in here.";
}

std::string needs_other_step() {
  return "Your account needs a step that cannot be done here. Sign in once in your organisation's "
         "sign-in portal, then try again.";
}

}  // namespace pamcognito::prompts
