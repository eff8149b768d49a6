// Notices and ends of a conversation. The questions are in questions.cc and totp_setup.cc.
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
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

// The contact follows, because the user cannot solve it.
std::string with_help(std::string text) {
  return std::move(text) + " " + help();
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
  return tr("Incorrect code.");
}

std::string wrong_code(unsigned attempts_left) {
  if (attempts_left == 0) return wrong_code();
  if (attempts_left == 1) return tr("Incorrect code. 1 attempt left.");
  return fill(tr("Incorrect code. {1} attempts left."), {std::to_string(attempts_left)});
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
  return tr("The new password must be different from the current one.");
}

std::string not_a_password() {
  return tr(
      "A password cannot be empty, begin or end with a space, or be longer than 256 characters.");
}

std::string password_not_allowed(std::string_view pools_text) {
  constexpr std::string_view prefix = "Password did not conform with policy: ";
  if (pools_text.starts_with(prefix)) pools_text.remove_prefix(prefix.size());
  if (pools_text.empty()) return tr("Password not accepted.");
  return fill(tr("Password not accepted: {1}"), {one_line(pools_text, kMaxPoolsText)});
}

std::string values_not_taken() {
  return tr("The sign-in service did not take one of these values. Please check them.");
}

std::string too_many_answers() {
  return tr("Too many tries. Please start again.");
}

std::string cannot_change_here() {
  return with_help(tr("Passwords cannot be changed here."));
}

std::string value_needed() {
  return tr("Please type an answer.");
}

std::string not_an_email_address() {
  return tr("That is not an e-mail address.");
}

std::string setup_starts_again() {
  return tr("Time ran out. Here is a new key: delete the first one from your app.");
}

std::string password_changed() {
  return tr("Your password has been changed.");
}

std::string password_was_set() {
  return tr("Your password has been changed.");
}

std::string account_confirmed() {
  return tr("Your account is confirmed.");
}

std::string refused() {
  return tr("Sign-in failed. Check your user name and password.");
}

std::string with_reference(std::string_view text, std::string_view id) {
  return std::string(text) + " " + fill(tr("(Ref {1})"), {id});
}

std::string too_many_tries() {
  return tr("Too many tries. Wait a few minutes, then try again.");
}

std::string too_many_wrong_codes(std::chrono::seconds wait) {
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(wait).count();
  if (minutes <= 0) return tr("Too many wrong codes. Please start again.");
  if (minutes == 1) return tr("Too many wrong codes. Try again in 1 minute.");
  return fill(tr("Too many wrong codes. Try again in {1} minutes."), {std::to_string(minutes)});
}

std::string too_many_failures(std::chrono::seconds wait) {
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(wait).count();
  if (minutes <= 1) return tr("Too many failed attempts. Try again in 1 minute.");
  return fill(tr("Too many failed attempts. Try again in {1} minutes."), {std::to_string(minutes)});
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
  return with_help(
      tr("Your account has no phone number or e-mail address that a code could be sent to."));
}

std::string second_factor_needed() {
  return with_help(
      tr("This machine needs a second factor, and the sign-in service did not ask you for one."));
}

std::string factor_not_accepted(const std::vector<cognito::Method>& accepted) {
  return with_help(
      fill(tr("Your second factor is not accepted here. Accepted: {1}."), {names_of(accepted)}));
}

std::string not_permitted() {
  return with_help(tr("You are signed in, but your account has no access to this machine."));
}

std::string cannot_set_up() {
  return with_help(tr("Your account needs a second factor, which cannot be set up here."));
}

std::string no_time_to_set_up(bool starting_again_helps) {
  if (starting_again_helps)
    return tr(
        "Your account needs a second factor. Setting it up takes longer than this sign-in may "
        "last. Start the sign-in again.");
  return with_help(
      tr("Your account needs a second factor. Setting it up takes longer than a sign-in here may "
         "last."));
}

std::string needs_other_step() {
  return with_help(tr("Your account needs a step that cannot be done here."));
}

std::string needs_other_way() {
  return with_help(
      tr("Your account signs in in a way that does not work here, such as with a passkey."));
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
  return with_help(tr("This machine cannot sign you in now."));
}

std::string totp_is_set_up() {
  return tr("Authenticator app set up. You will be asked for a code at each sign-in.");
}

std::string no_session() {
  return tr("You are not signed in here. Sign in first.");
}

std::string first_factor_elsewhere() {
  return with_help(
      tr("Your account has no second factor yet, and this machine does not let you set up the "
         "first one from here (setting enroll)."));
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
  return with_help(
      tr("The sign-in service did not ask for your second factor this time, so nothing was "
         "changed. Try again later."));
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
  return with_help(tr("The sign-in service does not know this machine or your account."));
}

}  // namespace pamcognito::prompts
