// Questions to the user. The notices and the ends are in notices.cc.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/ascii.h"
#include "common/text.h"
#include "daemon/prompts/catalogue.h"
#include "daemon/prompts/phrase.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::prompts {
namespace {

// A parameter of the challenge; may be empty.
std::string parameter(const cognito::Challenge& challenge, const std::string& name,
                      std::size_t max_bytes = kMaxForeign, char for_newline = '?') {
  const auto found = challenge.parameters.find(name);
  if (found == challenge.parameters.end()) return {};
  return one_line(found->second, max_bytes, for_newline);
}

std::string sent_code(const cognito::Challenge& challenge, cognito::Method method) {
  const std::string destination = parameter(challenge, "CODE_DELIVERY_DESTINATION");
  if (destination.empty()) return fill(tr("Code sent by {1}: "), {method_name(method)});
  return fill(tr("Code sent to {1} by {2}: "), {destination, method_name(method)});
}

std::string totp_code(const cognito::Challenge& challenge) {
  const std::string device = parameter(challenge, "FRIENDLY_DEVICE_NAME");
  if (device.empty()) return tr("Code from your authenticator app: ");
  return fill(tr("Code from your authenticator app ({1}): "), {device});
}

std::string numbered(std::string text, const std::vector<cognito::Method>& methods) {
  text += '\n';
  for (std::size_t i = 0; i < methods.size(); ++i) {
    text += " " + std::to_string(i + 1) + "  " + method_name(methods[i]) + "\n";
  }
  return text + tr("Number: ");
}

// OpenID Connect's name of an attribute in plain words, with the form that Cognito takes; empty for
// others, such as custom:badge. Source: OpenID Connect Core 1.0, section 5.1.
std::string words_for(std::string_view attribute) {
  if (attribute == "birthdate") return tr("birth date (YYYY-MM-DD)");
  if (attribute == "email") return tr("e-mail address");
  if (attribute == "family_name") return tr("family name");
  if (attribute == "given_name") return tr("given name");
  if (attribute == "locale") return tr("language (such as en-US)");
  if (attribute == "middle_name") return tr("middle name");
  if (attribute == "name") return tr("full name");
  if (attribute == "nickname") return tr("nickname");
  if (attribute == "phone_number") return tr("phone number (such as +15551234567)");
  if (attribute == "preferred_username") return tr("preferred user name");
  if (attribute == "zoneinfo") return tr("time zone (such as Europe/Paris)");
  return {};
}

}  // namespace

// Never translated: pam_unix asks exactly this in sshd's locale.
std::string password() {
  return "Password: ";
}

std::string password_and_code() {
  return password();
}

std::string current_password() {
  return tr("Current password: ");
}

std::string code(const cognito::Challenge& challenge) {
  switch (challenge.name) {
    case cognito::ChallengeName::sms_mfa:
      return sent_code(challenge, cognito::Method::sms);
    case cognito::ChallengeName::email_otp:
      return sent_code(challenge, cognito::Method::email);
    case cognito::ChallengeName::software_token_mfa:
      return totp_code(challenge);
    case cognito::ChallengeName::select_mfa_type:
    case cognito::ChallengeName::mfa_setup:
    case cognito::ChallengeName::new_password_required:
    case cognito::ChallengeName::custom_challenge:
    case cognito::ChallengeName::other:
      break;
  }
  return tr("Code: ");
}

std::string choice(const std::vector<cognito::Method>& methods) {
  return numbered(tr("How do you want to get your code?"), methods);
}

std::string method_name(cognito::Method method) {
  switch (method) {
    case cognito::Method::totp:
      return tr("authenticator app");
    case cognito::Method::email:
      return tr("e-mail");
    case cognito::Method::sms:
      return tr("SMS");
    case cognito::Method::custom:
      return tr("a question from your organisation");
  }
  return {};
}

std::string new_password(bool demanded) {
  return demanded ? tr("Your password must be changed. New password: ") : tr("New password: ");
}

std::string new_password_again() {
  return tr("New password again: ");
}

std::string attribute(std::string_view name) {
  const std::string words = words_for(name);
  return (words.empty() ? one_line(name) : words) + ": ";
}

std::string custom_challenge(const cognito::Challenge& challenge,
                             const std::vector<std::string>& parameters) {
  constexpr std::size_t kMaxLine = 512;
  std::string text;
  for (const std::string& name : parameters) {
    const std::string value = parameter(challenge, name, kMaxLine, ' ');
    const std::string_view line = trimmed(value);
    if (line.empty()) continue;
    text.append(text.empty() ? "" : "\n").append(line);
  }
  // A last line such as "Your badge number:" is the question itself.
  if (text.ends_with(':')) return text + " ";
  return text + (text.empty() ? "" : "\n") + tr("Answer: ");
}

std::string totp_setup_again() {
  return tr("Code from the app (s: show the secret again): ");
}

std::string setup_choice(const std::vector<cognito::Method>& methods) {
  return numbered(tr("Your account needs a second factor. Which one?"), methods);
}

std::string setup_email() {
  return tr("Your account needs a second factor. E-mail address for your codes: ");
}

std::string reset_code(bool may_send) {
  return may_send ? tr("Your password must be reset. Code that was sent to you (Enter: send a new "
                       "one): ")
                  : tr("Your password must be reset. Code that was sent to you: ");
}

std::string forgot_password_question() {
  return tr("Forgotten your password? Type yes to get a code for a new one: ");
}

bool is_yes(std::string_view answer) {
  const std::string word = ascii::lower(trimmed(answer));
  // TRANSLATORS: the word that "Type yes to get a code" asks for; letters of ASCII only.
  return word == "yes" || word == ascii::lower(tr("yes"));
}

std::string forgot_password_code() {
  return tr("If a code can be sent to you, it is on its way. Code (Enter: send a new one): ");
}

std::string confirmation_code(bool may_send) {
  return may_send
             ? tr("Your account must be confirmed. Code that was sent to you (Enter: send a new "
                  "one): ")
             : tr("Your account must be confirmed. Code that was sent to you: ");
}

}  // namespace pamcognito::prompts
