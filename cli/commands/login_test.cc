#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/conversation.h"
#include "cli/json.h"
#include "cli/outcome_text.h"
#include "common/users_conf.h"
#include "daemon/policy/setting_names.h"

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

// Does an exclude= line of users.conf name the user? A file with a fault excludes too.
bool is_excluded(const std::string& user) {
  const auto file = read_users_conf(kUsersConfPath);
  const auto& names = file ? file->conf.exclude : file.error().exclude;
  return std::ranges::find(names, user) != names.end();
}

}  // namespace

ExitCode test_login(const Context& context, const std::string& user, const std::string& service) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const bool excluded = is_excluded(user);
  const std::string excluded_text = user + " is on the line exclude= of " + kUsersConfPath +
                                    ": logins ask for a local password, not for Cognito's";
  const std::string id = new_log_id();
  auto opened = client->open_sign_in(user, service, id, AuthClient::Kind::test);
  if (!opened) {
    Failure problem = opened.error();
    if (excluded && problem.word == "not-ours") problem.message = excluded_text;
    return out.fail(problem);
  }
  // cognitod lets root test each user.
  if (excluded) out.line(out.paint(Style::warning, excluded_text + "."));

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
  object["excluded"] = excluded;
  if (is_root) object["id"] = id;
  object["steps"] = Json::arrayValue;
  for (const AskedStep& step : ended->steps) object["steps"].append(to_json(step));
  object["outcome"] = std::string(to_string(ended->outcome));
  if (!ended->notice.empty()) object["notice"] = ended->notice;
  object["kept"] = false;
  out.object(object);
  return exit_code_of(ended->outcome);
}

}  // namespace pamcognito::cli
