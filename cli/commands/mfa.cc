#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/conversation.h"
#include "cli/json.h"
#include "cli/outcome_text.h"

namespace pamcognito::cli {
namespace {

struct Factor {
  std::string_view argument;  // of the command line
  const char* wire;           // of FetchMfaPreference and SetPreferredMfa
  std::string_view in_words;
};

constexpr std::array kFactors = {
    Factor{"totp", "TOTP", "authenticator app"},
    Factor{"sms", "SMS", "SMS"},
    Factor{"email", "EMAIL", "e-mail"},
    Factor{"none", "NOMFA", "none"},
};

const Factor* by_argument(std::string_view argument) {
  const auto* found = std::ranges::find(kFactors, argument, &Factor::argument);
  return found == kFactors.end() ? nullptr : found;
}

std::string words_of(std::string_view wire) {
  const auto* found = std::ranges::find(kFactors, wire, &Factor::wire);
  return std::string(found == kFactors.end() ? wire : found->in_words);
}

Failure unknown_factor(const std::string& argument) {
  return {ExitCode::usage, "unknown-factor", "no such factor: " + argument};
}

// The name of a factor in JSON and on the command line: "totp" for "TOTP".
std::string name_of(std::string_view wire) {
  const auto* found = std::ranges::find(kFactors, wire, &Factor::wire);
  return std::string(found == kFactors.end() ? wire : found->argument);
}

Json::Value to_json(const MfaPreference& preference) {
  Json::Value object;
  object["enabled"] = Json::arrayValue;
  for (const std::string& wire : preference.enabled) object["enabled"].append(name_of(wire));
  object["preferred"] =
      preference.preferred.empty() ? Json::Value() : Json::Value(name_of(preference.preferred));
  return object;
}

void print(const Output& out, const MfaPreference& preference) {
  if (preference.enabled.empty()) {
    out.line("You have no second factor.");
    out.line("Next: cognitoctl mfa setup sets up an authenticator app.");
    return;
  }
  std::vector<Row> rows;
  for (const std::string& wire : preference.enabled)
    rows.push_back({words_of(wire), "enabled", wire == preference.preferred ? "preferred" : "-"});
  print_table(out, {{"FACTOR"}, {"STATE"}, {"PREFERENCE"}}, rows);
}

// For a user whose new app is not the factor that the next sign-in asks for.
void print_advice(const Output& out, const MfaPreference& preference) {
  const bool has_app = std::ranges::find(preference.enabled, "TOTP") != preference.enabled.end();
  if (!has_app || preference.preferred.empty() || preference.preferred == "TOTP") return;
  out.line("The next sign-in still asks for a code by " + words_of(preference.preferred) +
           ". To change that: cognitoctl mfa prefer totp");
}

// The factors after a change.
ExitCode show_after_change(const Context& context, AuthClient& client, const std::string& done,
                           bool after_set_up) {
  const auto now = client.mfa_preference(/*bypass_cache=*/true);
  // The change is made, even if this call fails.
  Json::Value object = now ? to_json(*now) : Json::Value(Json::objectValue);
  object["done"] = true;
  context.out.object(object);
  context.out.line(done);
  if (now) {
    print(context.out, *now);
    if (after_set_up) print_advice(context.out, *now);
  }
  return ExitCode::ok;
}

// The conversation: a sign-in with password and second factor, and then the change. `done`: printed
// if cognitod sends no text of its own.
ExitCode make_change(const Context& context, AuthClient& client, Result<Conversing> opened,
                     const std::string& done, bool after_set_up = false) {
  const Output& out = context.out;
  if (!opened) return out.fail(opened.error());
  const auto ended = converse(context.terminal, std::move(*opened), AfterSuccess::acknowledge);
  if (!ended) return out.fail(ended.error());
  if (ended->outcome != Outcome::success)
    return out.fail({exit_code_of(ended->outcome), std::string(to_string(ended->outcome)),
                     ended->notice.empty() ? outcome_text(ended->outcome) : ended->notice});
  return show_after_change(context, client, ended->notice.empty() ? done : ended->notice,
                           after_set_up);
}

}  // namespace

ExitCode show_mfa(const Context& context, bool bypass_cache) {
  auto client = AuthClient::connect();
  if (!client) return context.out.fail(client.error());
  const auto preference = client->mfa_preference(bypass_cache);
  if (!preference) return context.out.fail(preference.error());
  context.out.object(to_json(*preference));
  print(context.out, *preference);
  return ExitCode::ok;
}

ExitCode set_up_totp(const Context& context, const TotpSetUp& options) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  AuthClient::TotpOptions request;
  const bool shows_blocks = context.terminal.interactive() && locale_is_utf8();
  request.qr = shows_blocks && !options.plain ? "yes" : "no";
  request.plain_uri = options.plain;
  request.device_name = options.device_name;
  return make_change(context, *client, client->set_up_totp(request),
                     "Authenticator app set up. You will be asked for a code at each sign-in.");
}

ExitCode prefer_mfa(const Context& context, const std::string& factor) {
  const Output& out = context.out;
  const Factor* wanted = by_argument(factor);
  if (wanted == nullptr) return out.fail(unknown_factor(factor));
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  return make_change(context, *client, client->set_preferred_mfa(wanted->wire),
                     factor == "none"
                         ? std::string("No factor is preferred now.")
                         : "Preferred from now on: " + std::string(wanted->in_words) + ".");
}

ExitCode disable_mfa(const Context& context, const std::string& factor) {
  const Output& out = context.out;
  const Factor* unwanted = by_argument(factor);
  if (unwanted == nullptr || factor == "none") return out.fail(unknown_factor(factor));
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  return make_change(context, *client, client->update_mfa_preference({{factor, "DISABLED"}}),
                     "Not used any more: " + std::string(unwanted->in_words) + ".");
}

}  // namespace pamcognito::cli
