#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"

namespace pamcognito::cli {
namespace {

struct Heading {
  std::string_view question;  // as cognitod sends it
  const char* text;
};
constexpr std::array kHeadings = {
    Heading{"identities", "identities"},
    Heading{"pool-user-name", "name in the pool"},
    Heading{"account", "account"},
    Heading{"groups", "groups"},
    Heading{"may-sign-in", "may sign in"},
    Heading{"second-factor", "second factor"},
    Heading{"accepted-factors", "accepted factors"},
    Heading{"reauth", "with a session it asks for"},
    Heading{"reauth-from", "a session counts for logins of the same"},
    Heading{"reauth-for-s", "seconds since the second factor, at most"},
    Heading{"session", "session now"},
    Heading{"never-signed-in", "account of a user who never signed in"},
};

std::string heading_of(const std::string& question) {
  const auto* found = std::ranges::find(kHeadings, question, &Heading::question);
  return found == kHeadings.end() ? question : found->text;
}

// "depends-on-groups" is "depends on groups" to a person.
std::string answer_text(const PolicyAnswer& answer) {
  std::string text = answer.answer;
  if (answer.question == "may-sign-in" || answer.question == "second-factor")
    std::ranges::replace(text, '-', ' ');
  return text;
}

// The answers that programs ask for most, as members of their own.
void add_summary(const PolicyAnswer& answer, Json::Value* object) {
  if (answer.question == "may-sign-in") {
    (*object)["allowed"] = answer.answer == "yes"  ? Json::Value(true)
                           : answer.answer == "no" ? Json::Value(false)
                                                   : Json::Value();
  } else if (answer.question == "reauth") {
    (*object)["reauth"] = answer.answer;
  } else if (answer.question == "reauth-for-s") {
    std::uint64_t seconds = 0;
    const char* const end = answer.answer.data() + answer.answer.size();
    if (std::from_chars(answer.answer.data(), end, seconds).ec == std::errc())
      (*object)["reauth_for_s"] = Json::Value::UInt64(seconds);
  }
}

}  // namespace

ExitCode test_policy(const Context& context, const std::string& user, const std::string& service) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto answers = client->test_policy(user, service);
  if (!answers) return out.fail(answers.error());

  Json::Value object;
  object["user"] = user;
  object["service"] = service;
  object["allowed"] = Json::Value();
  object["answers"] = Json::arrayValue;
  std::vector<Row> rows;
  for (const PolicyAnswer& answer : *answers) {
    Json::Value one;
    one["question"] = answer.question;
    one["answer"] = answer.answer;
    one["rule"] = answer.rule;
    object["answers"].append(std::move(one));
    add_summary(answer, &object);
    rows.push_back({heading_of(answer.question), answer_text(answer), answer.rule});
  }
  out.object(object);
  out.line(user + " at " + service);
  print_table(out, {{"QUESTION", Fit::wrap}, {"ANSWER", Fit::wrap}, {"BECAUSE", Fit::wrap}}, rows);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
