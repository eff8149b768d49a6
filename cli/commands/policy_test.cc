#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/doctor/system.h"
#include "cli/json.h"

namespace pamcognito::cli {
namespace {

// The JSON value that an answer becomes.
enum class Type : std::uint8_t { text, list, number, yes_no, readable, required };

struct Question {
  std::string_view name;  // as cognitod sends it
  const char* heading;
  const char* member;  // in JSON
  Type type;
};
constexpr std::array kQuestions = {
    Question{"identities", "identities", "identities_readable", Type::readable},
    Question{"pool-user-name", "name in the pool", "cognito_username", Type::text},
    Question{"account", "account", "sub", Type::text},
    Question{"account-state", "state of the account", "account_state", Type::text},
    Question{"groups", "groups", "groups", Type::list},
    Question{"may-sign-in", "may sign in", "allowed", Type::yes_no},
    Question{"second-factor", "second factor", "factor_required", Type::required},
    Question{"accepted-factors", "accepted factors", "factors", Type::list},
    Question{"reauth", "with a session it asks for", "reauth", Type::text},
    Question{"reauth-from", "a session counts for logins of the same", "reauth_from", Type::text},
    Question{"reauth-for-s", "since the second factor, at most", "reauth_for_s", Type::number},
    Question{"never-signed-in", "account of a user who never signed in", "never_signed_in",
             Type::text},
};
// Before the service of a session, and before the address of one.
constexpr std::string_view kSessionBy = "session-by-";
constexpr std::string_view kLoginFrom = "login-from-";
// The reason of an answer that holds only after cognitod asked the pool.
constexpr std::string_view kAfterThePool = "stale";

const Question* question_of(const PolicyAnswer& answer) {
  const auto* found = std::ranges::find(kQuestions, answer.question, &Question::name);
  return found == kQuestions.end() ? nullptr : found;
}

std::string heading_of(const PolicyAnswer& answer) {
  if (const Question* const question = question_of(answer)) return question->heading;
  const std::string_view name = answer.question;
  if (name == "session") return "session now";
  if (name.starts_with(kSessionBy))
    return "session of " + std::string(name.substr(kSessionBy.size()));
  if (name.starts_with(kLoginFrom))
    return "login from " + std::string(name.substr(kLoginFrom.size()));
  return answer.question;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "depends-on-groups" is "depends on groups" to a person, and 3600 seconds are "1 h".
std::string answer_text(const PolicyAnswer& answer) {
  if (answer.answer.empty()) return "-";
  std::string text = answer.answer;
  if (answer.question == "may-sign-in" || answer.question == "second-factor" ||
      answer.question == "account-state" || answer.question == "identities")
    std::ranges::replace(text, '-', ' ');
  if (answer.question == "reauth-for-s") return duration_text(number_in(text));
  const bool is_of_a_session =
      answer.question.starts_with(kSessionBy) || answer.question.starts_with(kLoginFrom);
  if (is_of_a_session && answer.reason == kAfterThePool) text += ", after the pool was asked";
  return text;
}

Json::Value value_of(const PolicyAnswer& answer, Type type) {
  const bool is_no = answer.answer == "no";
  switch (type) {
    case Type::text:
      return answer.answer.empty() ? Json::Value() : Json::Value(answer.answer);
    case Type::list:
      return cli::to_json(words_of(answer.answer));
    case Type::number:
      return Json::Value::UInt64(number_in(answer.answer));
    case Type::yes_no:
      return is_no || answer.answer == "yes" ? Json::Value(!is_no) : Json::Value();
    case Type::readable:
      return answer.answer == "readable";
    case Type::required:
      return answer.answer == "required";
  }
  return {};
}

Json::Value rule_of(const PolicyAnswer& answer) {
  if (answer.section.empty()) return {};
  Json::Value rule;
  rule["section"] = answer.section;
  rule["key"] = answer.key;
  return rule;
}

// A session, or a login from an address; `name` is the member that tells which one.
Json::Value reauthentication(const PolicyAnswer& answer, const char* name,
                             std::string_view prefix) {
  Json::Value object;
  object[name] = answer.question.substr(prefix.size());
  object["reauth"] = answer.answer;
  object["asks_pool"] = answer.reason == kAfterThePool;
  object["reason"] = answer.reason;
  return object;
}

Json::Value to_json(const std::vector<PolicyAnswer>& answers) {
  Json::Value object;
  for (const Question& question : kQuestions) {
    object[question.member] =
        question.type == Type::list ? Json::Value(Json::arrayValue) : Json::Value();
    object["rules"][question.member] = Json::Value();
  }
  object["identities_readable"] = true;
  object["sessions"] = Json::arrayValue;
  object["logins"] = Json::arrayValue;
  for (const PolicyAnswer& answer : answers) {
    if (const Question* const question = question_of(answer)) {
      object[question->member] = value_of(answer, question->type);
      object["rules"][question->member] = rule_of(answer);
    } else if (answer.question.starts_with(kSessionBy)) {
      object["sessions"].append(reauthentication(answer, "service", kSessionBy));
    } else if (answer.question.starts_with(kLoginFrom)) {
      object["logins"].append(reauthentication(answer, "from", kLoginFrom));
    }
  }
  return object;
}

}  // namespace

ExitCode test_policy(const Context& context, const std::string& user, const std::string& service) {
  const Output& out = context.out;
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto answers = client->test_policy(user, service);
  if (!answers) return out.fail(answers.error());

  Json::Value object = to_json(*answers);
  object["user"] = user;
  object["service"] = service;
  out.object(object);
  out.line(user + " at " + service);
  std::vector<Row> rows;
  for (const PolicyAnswer& answer : *answers)
    rows.push_back({heading_of(answer), answer_text(answer), answer.reason});
  print_table(out, {{"QUESTION", Fit::wrap}, {"ANSWER", Fit::wrap}, {"BECAUSE", Fit::wrap}}, rows);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
