#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/steps.h"

// CUSTOM_AUTH and CUSTOM_CHALLENGE: the user's script plays the three Lambda triggers.
namespace pamcognito::pool {

namespace {

constexpr char kCustom[] = "CUSTOM_CHALLENGE";

Json::Value ask_round(ApiCall& call, const User& user, const Client& client, size_t round,
                      int64_t wrong_answers) {
  Session session;
  session.custom = true;
  session.round = round;
  session.wrong_answers = wrong_answers;
  return challenge_answer(call, user, client, kCustom, user.custom->rounds[round].parameters,
                          std::move(session));
}

// The answer for a name that does not exist: one challenge that no answer passes.
Json::Value ask_nobody(ApiCall& call, const Client& client, const std::string& name) {
  User nobody;
  nobody.username = uuid_from(sha256("simulated user of " + call.pool.settings.id + ": " + name));
  Json::Value parameters;
  parameters["prompt"] = "Answer";
  return challenge_answer(call, nobody, client, kCustom, std::move(parameters), Session{});
}

// The define-challenge trigger fails the sign-in. The session is gone for good.
Refusal failed(ApiCall& call) {
  call.pool.sessions.forget(string_at(call.body, "Session"));
  return wrong_password();
}

ApiResult wrong_answer(ApiCall& call, const OpenStep& step, const Client& client) {
  const CustomScript& script = *step.user.custom;
  const int64_t wrong = step.session.wrong_answers + 1;
  if (script.on_wrong == "fail" || wrong >= script.attempts) return failed(call);
  step.session.used = true;
  const size_t next = script.on_wrong == "restart" ? 0 : step.session.round;
  return ask_round(call, step.user, client, next, wrong);
}

}  // namespace

ApiResult begin_custom_rounds(ApiCall& call, const User& user, const Client& client) {
  if (!user.custom) return wrong_password();
  return ask_round(call, user, client, 0, 0);
}

ApiResult start_custom(ApiCall& call, const Client& client, const Json::Value& parameters) {
  const std::string name = string_at(parameters, "USERNAME");
  if (name.empty()) return missing_parameter("USERNAME");
  if (const auto hash = check_secret_hash(client, name, string_at(parameters, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  User* user = call.pool.users.resolve(name, call.pool.settings);
  if (user == nullptr && !client.hides_users()) return user_not_found();
  if (const auto let_in = pre_authentication(call, user); !let_in) {
    return std::unexpected(let_in.error());
  }
  if (user == nullptr) return ask_nobody(call, client, name);
  if (const auto fit = check_status(*user); !fit) return std::unexpected(fit.error());
  return begin_custom_rounds(call, *user, client);
}

ApiResult answer_custom_challenge(ApiCall& call, const Client& client,
                                  const Json::Value& responses) {
  const Session* asked = call.pool.sessions.find(string_at(call.body, "Session"));
  const bool nobody = asked != nullptr && asked->client_id == client.id &&
                      asked->challenge == kCustom && !asked->custom;
  if (nobody) return failed(call);
  const auto step = open_step(call, client, responses);
  if (!step) return std::unexpected(step.error());
  if (!responses.isMember("ANSWER")) return missing_parameter("ANSWER");
  // The script may have been changed by an administrator between two rounds.
  if (!step->user.custom || step->session.round >= step->user.custom->rounds.size()) {
    return failed(call);
  }
  const CustomScript& script = *step->user.custom;
  const size_t round = step->session.round;
  if (!equal_constant_time(string_at(responses, "ANSWER"), script.rounds[round].answer)) {
    return wrong_answer(call, *step, client);
  }
  step->session.used = true;
  if (round + 1 < script.rounds.size()) {
    return ask_round(call, step->user, client, round + 1, step->session.wrong_answers);
  }
  return script.then == "mfa" ? ask_second_factor(call, step->user, client)
                              : new_tokens(call, step->user, client);
}

}  // namespace pamcognito::pool
