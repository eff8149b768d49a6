#include <string>
#include <vector>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/json.h"

namespace pamcognito::cli {
namespace {

// "good" is the state of an account that the pool accepts.
std::string status_text(const std::string& standing) {
  if (standing == "good") return "active";
  return standing.empty() ? "-" : standing;
}

ExitCode done(const Context& context, const std::string& user, const std::string& text) {
  Json::Value object;
  object["user"] = user;
  object["done"] = true;
  context.out.object(object);
  context.out.line(text);
  return ExitCode::ok;
}

}  // namespace

ExitCode list_identities(const Context& context, bool full) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto identities = client->identities();
  if (!identities) return out.fail(identities.error());
  Json::Value object;
  object["identities"] = to_json(*identities);
  out.object(object);
  if (identities->empty()) {
    out.line("No identities: nobody has signed in here yet.");
    return ExitCode::ok;
  }
  const auto when = full ? time_text : date_text;
  std::vector<Row> rows;
  for (const Dictionary& identity : *identities)
    rows.push_back({text_of(identity, "user"), text_of(identity, "sub"), text_of(identity, "by"),
                    when(number_of(identity, "pinned_at")),
                    when(number_of(identity, "verified_at")),
                    status_text(text_of(identity, "standing"))});
  print_table(out,
              {{"USER", Fit::cut},
               {"COGNITO SUB", Fit::cut},
               {"PINNED BY"},
               {"PINNED"},
               {"VERIFIED"},
               {"STATUS"}},
              rows, full ? 0 : kTableWidth);
  return ExitCode::ok;
}

ExitCode pin_identity(const Context& context, const std::string& user, const std::string& sub) {
  auto client = AuthClient::connect();
  if (!client) return context.out.fail(client.error());
  const auto pinned = client->pin_identity(user, sub);
  if (!pinned) return context.out.fail(pinned.error());
  return done(context, user,
              user + " is now the account " + sub + ", and no other; its sessions have ended.");
}

ExitCode reset_identity(const Context& context, const std::string& user) {
  auto client = AuthClient::connect();
  if (!client) return context.out.fail(client.error());
  const auto reset = client->reset_identity(user);
  if (!reset) return context.out.fail(reset.error());
  return done(context, user,
              user +
                  " is pinned to no account any more: the next sign-in that `identity` of "
                  "[access] accepts pins it. Its sessions have ended.");
}

}  // namespace pamcognito::cli
