// Questions to the user. The notices and the ends are in notices.cc.
#include <algorithm>
#include <chrono>
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

std::string sent_by(InsteadOfCode instead) {
  if (instead.send_again && instead.other_method)
    // TRANSLATORS: keep the letter o, which is what is typed.
    return tr("Code sent by {1} (Enter = send again, o = other method): ");
  if (instead.send_again) return tr("Code sent by {1} (Enter = send again): ");
  // TRANSLATORS: keep the letter o.
  if (instead.other_method) return tr("Code sent by {1} (o = other method): ");
  return tr("Code sent by {1}: ");
}

std::string sent_to(InsteadOfCode instead) {
  if (instead.send_again && instead.other_method)
    // TRANSLATORS: keep the letter o.
    return tr("Code sent to {1} by {2} (Enter = send again, o = other method): ");
  if (instead.send_again) return tr("Code sent to {1} by {2} (Enter = send again): ");
  // TRANSLATORS: keep the letter o.
  if (instead.other_method) return tr("Code sent to {1} by {2} (o = other method): ");
  return tr("Code sent to {1} by {2}: ");
}

std::string sent_code(const cognito::Challenge& challenge, cognito::Method method,
                      InsteadOfCode instead) {
  const std::string name = method_name(method);
  const std::string destination = parameter(challenge, "CODE_DELIVERY_DESTINATION");
  if (destination.empty()) return fill(sent_by(instead), {name});
  return fill(sent_to(instead), {destination, name});
}

std::string totp_code(const cognito::Challenge& challenge, bool other_method) {
  const std::string device = parameter(challenge, "FRIENDLY_DEVICE_NAME");
  if (device.empty())
    // TRANSLATORS: keep the letter o.
    return other_method ? tr("Code from your authenticator app (o = other method): ")
                        : tr("Code from your authenticator app: ");
  // TRANSLATORS: {1} is the app's name; keep the letter o.
  return fill(other_method ? tr("Code from your authenticator app ({1}; o = other method): ")
                           : tr("Code from your authenticator app ({1}): "),
              {device});
}

std::string numbered(std::string text, const std::vector<std::string>& names) {
  text += '\n';
  for (std::size_t i = 0; i < names.size(); ++i)
    text += " " + std::to_string(i + 1) + "  " + names[i] + "\n";
  return text + tr("Enter a number [1]: ");
}

bool is_sent(cognito::Method method) {
  return method == cognito::Method::sms || method == cognito::Method::email;
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

bool is_other_method(std::string_view answer) {
  const std::string_view typed = trimmed(answer);
  return typed.size() == 1 && (typed[0] == kOtherMethod || typed[0] == 'O');
}

std::string code(const cognito::Challenge& challenge, InsteadOfCode instead) {
  switch (challenge.name) {
    case cognito::ChallengeName::sms_mfa:
      return sent_code(challenge, cognito::Method::sms, instead);
    case cognito::ChallengeName::email_otp:
      return sent_code(challenge, cognito::Method::email, instead);
    case cognito::ChallengeName::software_token_mfa:
      return totp_code(challenge, instead.other_method);
    case cognito::ChallengeName::select_mfa_type:
    case cognito::ChallengeName::mfa_setup:
    case cognito::ChallengeName::new_password_required:
    case cognito::ChallengeName::custom_challenge:
    case cognito::ChallengeName::other:
      break;
  }
  return tr("Code: ");
}

std::string choice(const cognito::Challenge& challenge,
                   const std::vector<cognito::Method>& methods) {
  // The pool names one destination at most: with two methods it could be that of either.
  const std::string destination = std::ranges::count_if(methods, is_sent) == 1
                                      ? parameter(challenge, "CODE_DELIVERY_DESTINATION")
                                      : std::string();
  std::vector<std::string> names;
  for (const cognito::Method method : methods)
    names.push_back(is_sent(method) && !destination.empty()
                        ? fill(tr("{1} to {2}"), {method_name(method), destination})
                        : method_name(method));
  return numbered(tr("Choose how to get your code:"), names);
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
      return tr("a question from your organization");
  }
  return {};
}

std::string new_password(bool demanded) {
  return demanded ? tr("Your password must be changed. New password: ") : tr("New password: ");
}

std::string new_password_again() {
  return tr("Retype new password: ");
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

std::string seconds_left(std::chrono::seconds left) {
  if (left == std::chrono::seconds(1)) return tr("1 second left.");
  return fill(tr("{1} seconds left."), {std::to_string(left.count())});
}

std::string totp_setup_again() {
  return tr("Code (s = show the key again): ");
}

std::string setup_choice(const std::vector<cognito::Method>& methods) {
  std::vector<std::string> names;
  for (const cognito::Method method : methods) names.push_back(method_name(method));
  return numbered(tr("Your account needs a second factor. Which one?"), names);
}

std::string setup_email() {
  return tr("Your account needs a second factor. E-mail address for your codes: ");
}

std::string reset_code(bool may_send) {
  return may_send
             ? tr("Your password must be reset. Enter the code we sent you (Enter = send a new "
                  "one): ")
             : tr("Your password must be reset. Enter the code we sent you: ");
}

std::string forgot_password_question() {
  return tr("Forgot your password? Type yes to reset it: ");
}

bool is_yes(std::string_view answer) {
  const std::string word = ascii::lower(trimmed(answer));
  // TRANSLATORS: the word that "Type yes to reset it" asks for; letters of ASCII only.
  return word == "yes" || word == ascii::lower(tr("yes"));
}

std::string forgot_password_code(bool may_send) {
  return may_send
             ? tr("If your account allows it, we have sent you a code. Code (Enter = send a new "
                  "one): ")
             : tr("If your account allows it, we have sent you a code. Code: ");
}

std::string confirmation_code(bool may_send) {
  return may_send
             ? tr("Your account is not confirmed yet. Enter the code we sent you (Enter = send a "
                  "new one): ")
             : tr("Your account is not confirmed yet. Enter the code we sent you: ");
}

}  // namespace pamcognito::prompts
