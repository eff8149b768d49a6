#include <pwd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/json.h"
#include "common/frame.h"

namespace pamcognito::cli {

Result<std::string> own_user_name() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
  const passwd* account = ::getpwuid(::getuid());
  if (account == nullptr)
    return failure(ExitCode::failed, "no-user", "the user that runs this has no name");
  return std::string(account->pw_name);
}

namespace {

using Sessions = std::vector<Dictionary>;

// As many digits of each id as tell the listed sessions apart, and no fewer than these.
constexpr std::size_t kShortId = 8;
constexpr std::size_t kWholeId = 2 * kSignInIdSize;

std::size_t short_id_length(const Sessions& sessions) {
  std::size_t length = kShortId;
  const auto apart = [&] {
    std::set<std::string> prefixes;
    for (const Dictionary& session : sessions)
      prefixes.insert(text_of(session, "id").substr(0, length));
    return prefixes.size() == sessions.size();
  };
  while (length < kWholeId && !apart()) ++length;
  return length;
}

Result<std::string> find_session(AuthClient& client, const std::string& prefix) {
  std::string whose;
  if (::getuid() != 0) {
    auto name = own_user_name();
    if (!name) return std::unexpected(name.error());
    whose = std::move(*name);
  }
  const auto sessions = client.sessions(whose);
  if (!sessions) return std::unexpected(sessions.error());
  std::string found;
  for (const Dictionary& session : *sessions) {
    std::string id = text_of(session, "id");
    if (!id.starts_with(prefix)) continue;
    if (!found.empty())
      return failure(ExitCode::failed, kAmbiguousId,
                     "more than one session begins with " + prefix +
                         ": give more digits; sessions list --full shows all");
    found = std::move(id);
  }
  if (found.empty())
    return failure(ExitCode::not_found, "no-such-session", "there is no such session");
  return found;
}

Result<std::string> whole_id(AuthClient& client, const std::string& prefix) {
  if (prefix.size() < kShortestIdPrefix || prefix.size() > kWholeId || !has_hex_digits_only(prefix))
    return failure(ExitCode::usage, "not-an-id",
                   "an id has 32 hexadecimal digits: give those that sessions list shows, or at "
                   "least the first four");
  if (prefix.size() == kWholeId) return prefix;
  return find_session(client, prefix);
}

// reauth_from = origin of the session's service.
void print_address_that_counts(const Output& out, const Dictionary& session) {
  const std::string address = text_of(session, "counts_from");
  if (address.empty()) return;
  out.line("A login of " + text_of(session, "user") + " by " + text_of(session, "service") +
           " from " + address + " asks for the password only.");
}

std::string session_count(std::uint64_t count) {
  return count == 1 ? "1 session" : std::to_string(count) + " sessions";
}

}  // namespace

bool has_hex_digits_only(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::string> session_beginning(const std::string& prefix) {
  auto client = AuthClient::connect();
  if (!client) return std::unexpected(client.error());
  return find_session(*client, prefix);
}

ExitCode list_sessions(const Context& context, const std::string& user, bool full) {
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
  for (Json::Value& session : object["sessions"])
    if (session["factor"] == "none") session["factor"] = Json::Value();
  out.object(object);
  if (sessions->empty()) {
    out.line("No sessions.");
    return ExitCode::ok;
  }
  const std::vector<Column> columns{{"ID"},
                                    {"USER", Fit::cut},
                                    {"SERVICE", Fit::cut},
                                    {"FROM", Fit::cut},
                                    {"FACTOR"},
                                    {"AGE"},
                                    {"CHECKED"},
                                    {"LOGIN"}};
  const std::size_t digits = full ? kWholeId : short_id_length(*sessions);
  std::vector<Row> rows;
  for (const Dictionary& session : *sessions)
    rows.push_back({text_of(session, "id").substr(0, digits), text_of(session, "user"),
                    text_of(session, "service"), place_text(text_of(session, "origin")),
                    text_of(session, "factor"), short_duration_text(number_of(session, "age_s")),
                    short_duration_text(number_of(session, "verified_age_s")),
                    flag_of(session, "login_open") ? "open" : "-"});
  print_table(out, columns, rows, full ? 0 : kTableWidth);
  for (const Dictionary& session : *sessions) print_address_that_counts(out, session);
  return ExitCode::ok;
}

ExitCode end_session(const Context& context, const std::string& prefix) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto id = whole_id(*client, prefix);
  if (!id) return out.fail(id.error());
  const auto ended = client->end_session(*id);
  if (!ended) return out.fail(ended.error());
  Json::Value object;
  object["ended"] = *id;
  out.object(object);
  out.line("Ended; its tokens are revoked.");
  return ExitCode::ok;
}

ExitCode sign_out(const Context& context, const std::string& user, bool confirmed) {
  const Output& out = context.out;
  const auto own = own_user_name();
  if (user.empty() && !own) return out.fail(own.error());
  const std::string& whose = user.empty() ? *own : user;
  // The daemon refuses another user's to anyone but root, so there is no question then.
  const bool of_another = !user.empty() && (!own || user != *own);
  if (of_another && !confirmed && ::getuid() == 0 && context.terminal.interactive() &&
      !context.terminal.confirm("End all sessions of " + whose + "?", false))
    return out.fail({ExitCode::failed, "not-confirmed", "nothing was changed"});
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
