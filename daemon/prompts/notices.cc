// Notices and ends of a conversation. The questions are in questions.cc and totp_setup.cc.
#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "common/ascii.h"
#include "daemon/cognito/bounds.h"
#include "daemon/prompts/catalogue.h"
#include "daemon/prompts/phrase.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::prompts {
namespace {

constexpr std::size_t kMaxPoolsText = cognito::kMaxShownReason;

std::string names_of(const std::vector<cognito::Method>& methods) {
  std::string names;
  for (const cognito::Method method : methods)
    names += (names.empty() ? "" : ", ") + method_name(method);
  return names;
}

// Removes "PreAuthentication failed with error ", or another trigger's name in its place, which
// Cognito puts in front of the text of a Lambda trigger.
std::string_view without_trigger_name(std::string_view text) {
  constexpr std::string_view marker = " failed with error ";
  const auto end = text.find(marker);
  if (end == 0 || end == std::string_view::npos) return text;
  if (!std::ranges::all_of(text.substr(0, end), ascii::is_letter)) return text;
  return text.substr(end + marker.size());
}

}  // namespace

std::string wrong_code() {
  return tr("That code is not right.");
}

std::string code_already_used() {
  return tr("That code was used already. Wait for the next code of your app.");
}

std::string code_expired() {
  return tr("That code has expired.");
}

std::string not_a_code() {
  return tr("A code has 4 to 10 digits.");
}

std::string not_a_totp_code() {
  return tr("The code has six digits.");
}

std::string not_in_list() {
  return tr("Type one of the numbers.");
}

std::string new_code_sent() {
  return tr("A new code was sent.");
}

std::string no_new_code() {
  return tr("No new code could be sent.");
}

std::string session_not_kept() {
  return tr("Your last sign-in could not be kept as a session.");
}

std::string passwords_differ() {
  return tr("The two passwords differ.");
}

std::string password_is_the_old() {
  return tr("The new password must be another one.");
}

std::string not_a_password() {
  return tr(
      "A password cannot be empty, begin or end with a space, or be longer than 256 characters.");
}

std::string password_not_allowed(std::string_view pools_text) {
  constexpr std::string_view prefix = "Password did not conform with policy: ";
  if (pools_text.starts_with(prefix)) pools_text.remove_prefix(prefix.size());
  if (pools_text.empty()) return tr("That password is not allowed.");
  return fill(tr("That password is not allowed: {1}"), {one_line(pools_text, kMaxPoolsText)});
}

std::string values_not_taken() {
  return tr("The sign-in service did not take one of these values. Please check them.");
}

std::string too_many_answers() {
  return tr("Too many tries. Please start again.");
}

std::string cannot_change_here() {
  return tr(
      "Passwords cannot be changed here. Change yours in your organisation's sign-in portal.");
}

std::string value_needed() {
  return tr("Please type an answer.");
}

std::string not_an_email_address() {
  return tr("That is not an e-mail address.");
}

std::string setup_starts_again() {
  return tr("Time ran out. Here is a new secret: delete the first one from your app.");
}

std::string password_changed() {
  return tr("Your password was changed.");
}

std::string password_was_set() {
  return tr("Your new password is set. The sign-in goes on.");
}

std::string account_confirmed() {
  return tr("Your account is confirmed. The sign-in goes on.");
}

std::string refused() {
  return tr("Sign-in failed.");
}

std::string too_many_tries() {
  return tr("Too many tries. Wait a few minutes, then try again.");
}

std::string too_many_messages() {
  return tr("Too many codes were sent. Wait a few minutes, then try again.");
}

std::string time_is_up() {
  return tr("Time ran out. Try again.");
}

std::string pool_not_connected() {
  return tr(
      "The sign-in service could not be reached just now. Try again in a minute. If it stays away, "
      "your administrator can open emergency access.");
}

std::string pool_unreachable() {
  return tr("The sign-in service cannot be reached.");
}

std::string failure_text(cognito::UserText text) {
  switch (text) {
    case cognito::UserText::busy:
      return busy();
    case cognito::UserText::machine_busy:
      return machine_busy();
    case cognito::UserText::needs_other_step:
      return needs_other_step();
    case cognito::UserText::no_address_for_codes:
      return no_address_for_codes();
    case cognito::UserText::pool_failed:
      return pool_failed();
    case cognito::UserText::pool_not_connected:
      return pool_not_connected();
    case cognito::UserText::pool_unreachable:
      return pool_unreachable();
    case cognito::UserText::refused:
      return refused();
    case cognito::UserText::too_many_tries:
      return too_many_tries();
  }
  return pool_failed();
}

std::string pool_failed() {
  return tr("The sign-in service did not answer as it should. Try again.");
}

std::string busy() {
  return tr("The sign-in service is busy. Wait a moment, then try again.");
}

std::string machine_busy() {
  return tr("This machine is short of resources. Wait a moment, then try again.");
}

std::string no_address_for_codes() {
  return tr(
      "Your account has no phone number or e-mail address that a code could be sent to. Ask your "
      "administrator.");
}

std::string second_factor_needed() {
  return tr(
      "This machine needs a second factor, and the sign-in service did not ask you for one. Set "
      "one up "
      "in your organisation's sign-in portal, then try again.");
}

std::string factor_not_accepted(const std::vector<cognito::Method>& accepted) {
  return fill(tr("Your second factor is not accepted here. Accepted: {1}. Set one up in your "
                 "organisation's sign-in portal, then try again."),
              {names_of(accepted)});
}

std::string not_permitted() {
  return tr("Your account may not sign in here.");
}

std::string cannot_set_up() {
  return tr(
      "Your account needs a second factor, which cannot be set up here. Set one up in your "
      "organisation's sign-in portal, then try again.");
}

std::string no_time_to_set_up(bool starting_again_helps) {
  if (starting_again_helps)
    return tr(
        "Your account needs a second factor. Setting it up takes longer than this sign-in may "
        "last. "
        "Start the sign-in again, or set it up in your organisation's sign-in portal.");
  return tr(
      "Your account needs a second factor. Setting it up takes longer than a sign-in here may "
      "last. "
      "Set it up in your organisation's sign-in portal, then try again.");
}

std::string needs_other_step() {
  return tr(
      "Your account needs a step that cannot be done here. Sign in once in your organisation's "
      "sign-in portal, then try again.");
}

std::string needs_other_way() {
  return tr(
      "Your account signs in in a way that does not work here, such as with a passkey. Ask your "
      "administrator for another one.");
}

std::string trigger_refusal(std::string_view pools_text) {
  const std::string text = one_line(without_trigger_name(pools_text), kMaxPoolsText, ' ');
  // Cognito puts a full stop behind the trigger's words, even where there are none.
  return text.find_first_not_of(" .") == std::string::npos ? refused() : text;
}

std::string not_changed() {
  return tr("Your password was not changed.");
}

std::string ask_administrator() {
  return tr("This machine cannot sign you in now. Ask your administrator.");
}

std::string totp_is_set_up() {
  return tr("Your authenticator app is set up.");
}

std::string no_session() {
  return tr("You are not signed in here. Sign in first.");
}

std::string first_factor_elsewhere() {
  return tr(
      "Your account has no second factor yet, and this machine does not let you set up the first "
      "one from here (setting enroll). Set it up in your organisation's sign-in portal, or ask "
      "your "
      "administrator.");
}

std::string no_place_for_set_up() {
  return tr(
      "Your account has no second factor yet. The first one can be set up only in a login of "
      "yours: at this machine's screen or by ssh, not from a service, a scheduled job or another "
      "user's login.");
}

std::string no_factor_to_change() {
  return tr(
      "Your account has no second factor yet. Set up an authenticator app first: cognitoctl mfa "
      "setup");
}

std::string factor_was_not_asked() {
  return tr(
      "The sign-in service did not ask for your second factor this time, so nothing was changed. "
      "Try again later, or ask your administrator.");
}

std::string cannot_change_factors_here() {
  return tr("Second factors cannot be changed here. Use cognitoctl mfa in a terminal.");
}

std::string factor_was_changed(bool is_app, std::time_t at, std::string_view from) {
  std::tm utc{};
  std::array<char, 32> text{};
  // A time that no calendar holds is left out.
  if (::gmtime_r(&at, &utc) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &utc) == 0)
    text[0] = '\0';
  const std::string when(text.data());
  std::string where = when;
  if (from == "seat")
    where = fill(tr("{1} at this machine"), {when});
  else if (!from.empty())
    where = fill(tr("{1} from {2}"), {when, one_line(from)});
  return is_app ? fill(tr("Your authenticator app was changed on {1}. If this was not you, tell "
                          "your administrator."),
                       {where})
                : fill(tr("Your second factors were changed on {1}. If this was not you, tell your "
                          "administrator."),
                       {where});
}

std::string one_preferred_only() {
  return tr("Only one second factor can be the preferred one.");
}

std::string factor_would_be_missing(const std::vector<cognito::Method>& accepted) {
  return fill(tr("You would be left without a second factor that is accepted here. Accepted: {1}. "
                 "Set up another one first."),
              {names_of(accepted)});
}

std::string factor_not_set_up() {
  return tr(
      "This second factor is not set up for your account yet. Set it up first, then switch "
      "it on.");
}

std::string preference_not_taken() {
  return tr("The sign-in service did not take this change.");
}

std::string pool_not_found() {
  return tr(
      "The sign-in service does not know this machine or your account. Ask your "
      "administrator.");
}

}  // namespace pamcognito::prompts
