#include <string>
#include <utility>
#include <vector>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"

namespace pamcognito::cli {

ExitCode test_policy(const Context& context, const std::string& user, const std::string& service) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto answers = client->test_policy(user, service);
  if (!answers) return out.fail(answers.error());

  Json::Value object;
  object["user"] = user;
  object["service"] = service;
  object["answers"] = Json::arrayValue;
  std::vector<Row> rows;
  for (const PolicyAnswer& answer : *answers) {
    Json::Value one;
    one["question"] = answer.question;
    one["answer"] = answer.answer;
    one["rule"] = answer.rule;
    object["answers"].append(std::move(one));
    rows.push_back({answer.question, answer.answer, answer.rule});
  }
  out.object(object);
  out.line(user + " at " + service);
  print_table(out, {{"QUESTION", Fit::wrap}, {"ANSWER", Fit::wrap}, {"BECAUSE", Fit::wrap}}, rows);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
