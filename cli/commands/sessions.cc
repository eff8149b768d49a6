#include <pwd.h>
#include <unistd.h>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/json.h"

namespace pamcognito::cli {

Result<std::string> own_user_name() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
  const passwd* account = ::getpwuid(::getuid());
  if (account == nullptr)
    return failure(ExitCode::failed, "no-user", "the user that runs this has no name");
  return std::string(account->pw_name);
}

namespace {

std::string session_count(std::uint64_t count) {
  return count == 1 ? "1 session" : std::to_string(count) + " sessions";
}

}  // namespace

ExitCode list_sessions(const Context& context, const std::string& user) {
  const Output& out = context.out;
  std::string whose = user;
  if (whose.empty() && ::getuid() != 0) {
    auto name = own_user_name();
    if (!name) return out.fail(name.error());
    whose = std::move(*name);
  }
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto sessions = client->sessions(whose);
  if (!sessions) return out.fail(sessions.error());
  Json::Value object;
  object["sessions"] = to_json(*sessions);
  out.object(object);
  if (sessions->empty()) {
    out.line("No sessions.");
    return ExitCode::ok;
  }
  std::vector<Row> rows{
      {"ID", "USER", "SERVICE", "FROM", "FACTOR", "SIGNED IN", "CHECKED", "LOGIN"}};
  for (const Dictionary& session : *sessions)
    rows.push_back({text_of(session, "id"), text_of(session, "user"), text_of(session, "service"),
                    text_of(session, "origin"), text_of(session, "factor"),
                    duration_text(number_of(session, "age_s")) + " ago",
                    duration_text(number_of(session, "verified_age_s")) + " ago",
                    flag_of(session, "login_open") ? "open" : "-"});
  print_table(out, rows);
  return ExitCode::ok;
}

ExitCode end_session(const Context& context, const std::string& id) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto ended = client->end_session(id);
  if (!ended) return out.fail(ended.error());
  Json::Value object;
  object["ended"] = id;
  out.object(object);
  out.line("Ended; its tokens are revoked.");
  return ExitCode::ok;
}

ExitCode sign_out(const Context& context, const std::string& user) {
  const Output& out = context.out;
  std::string whose = user;
  if (whose.empty()) {
    auto name = own_user_name();
    if (!name) return out.fail(name.error());
    whose = std::move(*name);
  }
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto ended = client->sign_out(whose);
  if (!ended) return out.fail(ended.error());
  Json::Value object;
  object["user"] = whose;
  object["ended"] = *ended;
  out.object(object);
  out.line(*ended == 0 ? whose + " has no session here."
                       : session_count(*ended) + " of " + whose +
                             " ended. Logins that are open stay open; sudo and screen unlock ask "
                             "for everything again.");
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
