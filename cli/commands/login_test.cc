#include <unistd.h>

#include <string>
#include <utility>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/conversation.h"
#include "cli/json.h"
#include "cli/outcome_text.h"
#include "daemon/policy/config.h"

namespace pamcognito::cli {
namespace {

Json::Value to_json(const AskedStep& step) {
  Json::Value value;
  value["purpose"] = std::string(to_string(step.purpose));
  value["hidden"] = step.hidden;
  if (!step.notice.empty()) value["notice"] = step.notice;
  value["prompt"] = step.prompt;
  return value;
}

void print_step(const Context& context, const AskedStep& step) {
  const Output& out = context.out;
  out.line(out.paint(Style::faint, "-> asks for: " + std::string(to_string(step.purpose)) +
                                       (step.hidden ? ", not shown while typed" : "")));
}

}  // namespace

ExitCode test_login(const Context& context, const std::string& user, const std::string& service) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const std::string id = new_log_id();
  auto opened = client->open_sign_in(user, service, id, AuthClient::Kind::test);
  if (!opened) return out.fail(opened.error());

  // If the caller is not root, the daemon believes neither the service nor the id.
  const bool is_root = ::geteuid() == 0;
  const std::string shown_service = is_root ? service : policy::kUserService;
  out.line("A sign-in of " + user + " to " + shown_service +
           ". No session is kept; a factor or password that is set up in it stays.");
  const auto ended = converse(context.terminal, std::move(*opened), AfterSuccess::abort,
                              [&](const AskedStep& step) { print_step(context, step); });
  if (!ended) return out.fail(ended.error());

  const bool good = ended->outcome == Outcome::success;
  if (!ended->notice.empty()) out.line(ended->notice);
  out.line(out.paint(
      good ? Style::good : Style::bad,
      "-> " + std::string(to_string(ended->outcome)) + ": " + outcome_text(ended->outcome)));
  if (good) out.line("Test finished. No session was kept and the tokens were revoked.");
  if (is_root) out.line("The log of it: cognitoctl explain " + id);

  Json::Value object;
  object["user"] = user;
  object["service"] = shown_service;
  if (is_root) object["id"] = id;
  object["steps"] = Json::arrayValue;
  for (const AskedStep& step : ended->steps) object["steps"].append(to_json(step));
  object["outcome"] = std::string(to_string(ended->outcome));
  if (!ended->notice.empty()) object["notice"] = ended->notice;
  object["kept"] = false;
  out.object(object);
  return good ? ExitCode::ok : ExitCode::failed;
}

}  // namespace pamcognito::cli
